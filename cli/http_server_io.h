// http_server_io.h: the small HTTP server of the control plane, on a Unix socket (admin) or on TCP (metrics).
//   One request and answer at a time per connection, at most 64 connections (one more is closed), 64 KiB a
//   request, 10 s a read.
//   Threads  control. The handler must not block.
#pragma once

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

inline constexpr unsigned control_connections_most = 64;

// Mode 0660, owned by `group` if one is given. A stale socket file is replaced, a live one is an error.
Result<std::unique_ptr<HttpServer>> serve_unix(asio::io_context& io, const std::string& path,
                                               const std::string& group, HttpHandler handler);
Result<std::unique_ptr<HttpServer>> serve_tcp(asio::io_context& io, const SocketAddress& address, HttpHandler handler,
                                              unsigned connections_most = control_connections_most);

}  // namespace gatehouse::cli
