// client_io.h: one client's connection, and the story of it: PROXY header, TLS handshake, request after request; or,
//   where a service carries TCP, one session.
//   One coroutine a connection. Every wait has a deadline from limits. A connection that says nothing holds no
//   buffer. The end is graceful: what we said last is readable by the client before the connection is gone.
#pragma once

#include "net/frame_pool.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls_server_context.h"
#include "proxy/listener.h"
#include "proxy/worker_io.h"

namespace gatehouse::proxy {

struct ClientConnection : Pooled, ListNode {
  ClientConnection(Worker& home, std::shared_ptr<const Listener> door, const SocketAddress& from);
  ~ClientConnection();

  bool begin(int fd);  // starts the story; false: there is none, the descriptor is closed
  // Asks an idle connection to end, and a busy one after its request.
  void drain() { waker.signal(); }
  void cut();  // ends it now; was_cut from then on
  // Where the client connected to: the socket's own address, unless the PROXY header said another.
  SocketAddress destination() const;

  Worker& worker;
  std::shared_ptr<const Listener> listener;
  std::unique_ptr<TlsSelection> selection;  // over TLS: what the handshake chose; outlives the stream's SSL
  Stream stream;
  Waker waker;
  SocketAddress peer;  // who is connected; the PROXY header's source once it was read
  std::unique_ptr<const SocketAddress> told_destination;  // the PROXY header's
  IpAddress counted_as;                                   // in Shared::clients
  Buffer in;                                              // read and not yet consumed
  unsigned requests = 0;
  bool in_head = false;  // in the middle of a request's head
  bool idle = false;     // between two requests
  bool was_cut = false;
  bool was_banned = false;   // and cut for that
  bool carries_tcp = false;  // a session: cut, it must not look as if it had come to its end
  bool linger = false;       // the client may still be sending: read it off before closing

 private:
  Task<> story();
  Task<bool> greet();
  bool may_be_tcp() const;
  Task<bool> carry();
  Task<bool> read_proxy_header();
  bool count_named();
  Task<bool> shake_hands();
  enum class First { silence, bytes, end };
  First read_first_bytes();
  LoopTime silence_due() const;
  Task<bool> next_request();
  Task<bool> await_first_bytes();
  Task<> part();

  Task<> story_;
  friend class Worker;
};

}  // namespace gatehouse::proxy
