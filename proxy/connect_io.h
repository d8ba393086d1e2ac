// connect_io.h: a fresh connection to an endpoint: TCP or the pool's dialer (a tunnel), and a PROXY header or TLS
//   where the service wants them.
//   Ends within the route's connect_timeout, handshake included. Names what failed for the log, and whose fault it
//   was for health: the client's, if TLS failed under a name that it alone had said; our own, if the machine lacks
//   descriptors, ports or memory, or (Errc::limit) as many connections to the endpoint are open as may.
#pragma once

#include "net/result.h"
#include "net/task.h"
#include "proxy/backend/connection_pool.h"
#include "proxy/world.h"

namespace gatehouse::proxy {

class Worker;
struct Client;

struct ConnectRequest {
  const pool::Endpoint& endpoint;
  const ServicePool& pool;
  Millis timeout;
  const Client* client;   // for the PROXY header; null: the service wants none
  SocketAddress source;   // whom that header names: who asks, which behind trusted proxies is not who is connected
  std::string_view host;  // SNI where the service names none
  bool raw = false;       // bytes as they come: no TLS of ours, and perhaps the endpoint speaks first
};

Task<Result<std::unique_ptr<BackendConnection>>> connect_backend(Worker& worker, Waker& waker,
                                                                 const ConnectRequest& request);

}  // namespace gatehouse::proxy
