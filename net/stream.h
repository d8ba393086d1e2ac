// stream.h: a byte stream to a client or a backend: a Socket, with TLS on it or without.
//   send() takes as much as it can; over TLS it takes all or nothing and may leave a rest pending(): flush it before
//   more is offered, and before the end. One thread.
#pragma once

#include <memory>

#include "net/tls_session.h"

namespace gatehouse {

class Stream {
 public:
  Socket socket;
  std::unique_ptr<TlsSession> tls;

  IoResult receive(char* data, std::size_t size) {
    return tls ? tls->receive(data, size) : socket.receive(data, size);
  }
  // `last`: nothing follows in this message. Once parting, its end is the stream's: see part_after_message().
  IoResult send(const char* data, std::size_t size, bool last = false) {
    last = last && parting_;
    return tls ? tls->send(data, size, last) : socket.send(data, size, last);
  }
  IoResult flush() { return tls ? tls->flush() : IoResult{IoResult::State::ok}; }
  bool pending() const { return tls && tls->pending(); }
  // Bytes may be had without waiting for the socket.
  bool may_receive() const { return socket.readable() || (tls && tls->has_buffered_input()); }
  // The caller ends the stream in the turn in which the message that is being sent has gone: its last bytes, the
  // close_notify and the FIN then leave in one packet.
  void part_after_message() { parting_ = true; }
  // Nothing was said unasked, and the peer is still there. TLS tickets come unasked and say nothing.
  bool looks_idle() {
    if (!tls) return socket.looks_idle();
    char byte;
    return !socket.peer_ended() && (!may_receive() || tls->receive(&byte, 1).again());
  }
  bool spliceable() const { return tls == nullptr; }

  // Says that nothing more will come from us; the other direction stays open.
  void end_sending() {
    if (tls) tls->close_notify();
    socket.shutdown_send();
  }
  void close() { socket.close(); }

 private:
  bool parting_ = false;
};

}  // namespace gatehouse
