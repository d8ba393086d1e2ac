// http_server_io.h: the small HTTP server of the control plane, on a Unix socket (admin) or on TCP (metrics).
//   One request and answer at a time per connection, 64 KiB a request, and ServerLimits. A connection too many is
//   closed, and so is one whose peer is not admitted, before it counts: who may not ask can't take the room of who
//   may.
//   Threads  control. The handler must not block.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "cli/http_message.h"
#include "net/asio.h"
#include "net/ip.h"
#include "net/result.h"

namespace gatehouse::cli {

using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  virtual Result<SocketAddress> address() const = 0;  // where it listens, on TCP
};

struct ServerLimits {
  unsigned connections_most = 64, peer_connections_most = 64;
  std::chrono::seconds io_time{10};                   // for a request, and for its answer
  std::function<bool(const IpAddress&)> admits = {};  // empty: every peer
};

// Mode 0660, owned by `group` if one is given. A stale socket file is replaced, a live one is an error.
Result<std::unique_ptr<HttpServer>> serve_unix(asio::io_context& io, const std::string& path,
                                               const std::string& group, HttpHandler handler);
Result<std::unique_ptr<HttpServer>> serve_tcp(asio::io_context& io, const SocketAddress& address, HttpHandler handler,
                                              ServerLimits limits);

}  // namespace gatehouse::cli
