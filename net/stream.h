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
  IoResult send(const char* data, std::size_t size) { return tls ? tls->send(data, size) : socket.send(data, size); }
  IoResult flush() { return tls ? tls->flush() : IoResult{IoResult::State::ok}; }
  bool pending() const { return tls && tls->pending(); }
  // Bytes may be had without waiting for the socket.
  bool may_receive() const { return socket.readable() || (tls && tls->has_buffered_input()); }
  bool spliceable() const { return tls == nullptr; }

  // Says that nothing more will come from us; the other direction stays open.
  void end_sending() {
    if (tls) tls->close_notify();
    socket.shutdown_send();
  }
  void close() { socket.close(); }
};

}  // namespace gatehouse
