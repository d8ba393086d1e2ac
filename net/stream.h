// stream.h: a byte stream to a client or a backend: a Socket, with TLS on it or without; or a Lane of a connection
//   that carries several.
//   send() takes as much as it can; over TLS it takes all or nothing and may leave a rest pending(): flush it before
//   more is offered, and before the end. Who waits, waits by the stream, which knows what it stands on. One thread.
#pragma once

#include <memory>
#include <optional>

#include "net/lane.h"
#include "net/tls_session.h"

namespace gatehouse {

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  ~Stream() {
    if (ends_by_tls && tls && socket.fd() >= 0 && !socket.failed()) tls->close_notify();  // closed, not broken off
  }
  std::shared_ptr<const void> lease;  // what TLS borrows, and who is to know when the stream is gone
  Socket socket;
  std::unique_ptr<TlsSession> tls;
  Lane* lane = nullptr;      // borrowed: then there is neither socket nor TLS
  bool ends_by_tls = false;  // TLS's end alone ends a direction: a FIN would be taken for the end of both

  IoResult receive(char* data, std::size_t size) {
    if (lane) return lane->receive(data, size);
    return tls ? tls->receive(data, size) : socket.receive(data, size);
  }
  // `last`: nothing follows in this message. Once parting, its end is the stream's: see part_after_message().
  IoResult send(const char* data, std::size_t size, bool last = false) {
    if (lane) return lane->send(data, size);
    last = last && parting_;
    return tls ? tls->send(data, size, last) : socket.send(data, size, last);
  }
  IoResult flush() { return tls ? tls->flush() : IoResult{IoResult::State::ok}; }
  bool pending() const { return tls && tls->pending(); }
  // Bytes may be had without waiting for the socket.
  bool may_receive() const {
    if (lane) return lane->readable();
    return socket.readable() || (tls && tls->has_buffered_input());
  }
  bool writable() const { return lane ? lane->writable() : socket.writable(); }
  bool peer_ended() const { return lane ? lane->peer_ended() : socket.peer_ended(); }
  bool failed() const { return lane ? lane->failed() : socket.failed(); }  // both directions are gone

  void wait_readable() {
    if (!lane) socket.wait_readable();
  }
  void wait_writable() {
    if (!lane) socket.wait_writable();
  }
  // For who waits for another stream, and would like to know that nobody is here any more.
  void wait_end() {
    if (!lane) socket.wait_end();
  }
  // No more than these bytes can come, since the peer has ended; nothing where that isn't known.
  std::optional<std::size_t> last_bytes() const {
    if (lane || !socket.peer_ended() || (tls && tls->has_buffered_input())) return std::nullopt;
    return socket.unread();
  }
  void set_waker(Waker* waker) { lane ? lane->set_waker(waker) : socket.set_waker(waker); }
  void wake() { lane ? lane->wake() : socket.wake(); }

  // The caller ends the stream in the turn in which the message that is being sent has gone: its last bytes, the
  // close_notify and the FIN then leave in one packet.
  void part_after_message() { parting_ = true; }
  // Nothing was said unasked, and the peer is still there. TLS tickets come unasked and say nothing.
  bool looks_idle() {
    if (lane) return !lane->peer_ended() && !lane->failed() && !lane->readable();
    if (!tls) return socket.looks_idle();
    char byte;
    return !socket.peer_ended() && (!may_receive() || tls->receive(&byte, 1).again());
  }
  bool spliceable() const { return tls == nullptr && lane == nullptr; }

  // Says that nothing more will come from us; the other direction stays open.
  void end_sending() {
    if (lane) return lane->end_sending();
    if (tls) tls->close_notify();
    if (!ends_by_tls) socket.shutdown_send();
  }
  // Ends it so that the peer sees that something was cut, not that it ended.
  void reset() { lane ? lane->reset() : socket.reset(); }
  void close() { socket.close(); }

 private:
  bool parting_ = false;
};

}  // namespace gatehouse
