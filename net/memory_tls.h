// memory_tls.h: the client's end of TLS between two buffers: ciphertext in and out, plain text in and out.
//   For the control plane, whose sockets are Asio's; it saves the bytes' way through a second I/O library.
//   Threads  one. Limits: what is fed at once.
#pragma once

#include <string>
#include <string_view>

#include "net/openssl_ptr.h"
#include "net/result.h"

namespace gatehouse {

class MemoryTls {
 public:
  // `ssl`: a client's end in its initial state, without a BIO.
  static Result<MemoryTls> make(SslPtr ssl);

  Status start();  // the first flight
  // Bytes of the peer; what they say is appended to `plain`. The handshake goes on by itself.
  Status feed(std::string_view bytes, std::string& plain);
  Status send(std::string_view plain);
  std::string take();  // what the peer is to get
  bool ready() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  std::string_view protocol() const;  // by ALPN; empty: none was agreed on

 private:
  explicit MemoryTls(SslPtr ssl) : ssl_(std::move(ssl)) {}
  Status failed() const;

  SslPtr ssl_;
};

}  // namespace gatehouse
