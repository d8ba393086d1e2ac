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
#include "net/unique_fd.h"

namespace gatehouse::cli {

using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  virtual Result<SocketAddress> address() const = 0;  // where it listens, on TCP
  virtual int listening_fd() const = 0;
  virtual void leave_file() = 0;  // a Unix socket's file is another's now
};

struct ServerLimits {
  unsigned connections_most = 64, peer_connections_most = 64;
  std::chrono::seconds io_time{10};                   // for a request, and for its answer
  std::function<bool(const IpAddress&)> admits = {};  // empty: every peer
};

// Mode 0660, owned by `group` if one is given. A stale socket file is replaced, a live one is an error. `open`: a
// socket that listens there already, to be used instead.
Result<std::unique_ptr<HttpServer>> serve_unix(asio::io_context& io, const std::string& path,
                                               const std::string& group, HttpHandler handler, UniqueFd open = {});
Result<std::unique_ptr<HttpServer>> serve_tcp(asio::io_context& io, const SocketAddress& address, HttpHandler handler,
                                              ServerLimits limits, UniqueFd open = {});

}  // namespace gatehouse::cli
