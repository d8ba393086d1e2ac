// client_io.h: one client's connection, and the story of it: PROXY header, TLS handshake, request after request; or,
//   where a service carries TCP, one session; or, of HTTP/2, what http2_io.h tells.
//   One coroutine a connection. Every wait has a deadline from limits. A connection that says nothing holds no
//   buffer. The end is graceful: what we said last is readable by the client before the connection is gone.
#pragma once

#include "net/frame_pool.h"
#include "proxy/client.h"

namespace gatehouse::proxy {

inline constexpr std::uint64_t tls_cost = 20 << 10;  // of a connection, within OpenSSL: see docs/benchmarks.md

class Http2Connection;

struct ClientConnection : Pooled, ListNode, Client {
  ClientConnection(Worker& home, std::shared_ptr<const Listener> door, const SocketAddress& from);
  ~ClientConnection();

  bool begin(int fd);  // starts the story; false: there is none, the descriptor is closed
  // Asks an idle connection to end, and a busy one after its request.
  void drain() { waker.signal(); }
  void cut();                        // ends it now; was_cut from then on
  std::uint64_t bytes_held() const;  // about; walks through the streams of HTTP/2

  IpAddress counted_as;      // in Shared::clients
  bool in_head = false;      // in the middle of a request's head
  bool idle = false;         // between two requests
  bool carries_tcp = false;  // a session: cut, it must not look as if it had come to its end

 private:
  Task<> story();
  Task<bool> greet();
  bool may_be_tcp() const;
  Task<bool> carry();
  Task<bool> read_proxy_header();
  bool count_named();
  Task<bool> shake_hands();
  void handshake_failed(std::string_view reason);
  enum class First { silence, bytes, end };
  First read_first_bytes();
  LoopTime silence_due() const;
  bool may_be_http2() const;
  Task<bool> speaks_http2();
  Task<bool> next_request();
  Task<bool> await_first_bytes();
  Task<> part();

  Http2Connection* http2_ = nullptr;  // while it speaks that
  Task<> story_;
  friend class Worker;
};

}  // namespace gatehouse::proxy
