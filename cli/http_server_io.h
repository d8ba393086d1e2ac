// http_server_io.h: the small HTTP server of the control plane, on a Unix socket (admin) or on TCP (metrics).
//   One request and answer at a time per connection, at most 64 connections, 64 KiB a request, 10 s a read.
//   Threads  control. The handler must not block.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/asio.h"
#include "net/ip.h"
#include "net/result.h"

namespace gatehouse::cli {

struct HttpRequest {
  std::string method, target, path, host;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::map<std::string, std::string, std::less<>> query;  // decoded
  std::string by;        // who asks: "uid 1000 (pid 4711)" on a Unix socket
  IpAddress peer;        // on TCP
};

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

class HttpServer {
 public:
  virtual ~HttpServer() = default;
};

// Mode 0660, owned by `group` if one is given. A stale socket file is replaced, a live one is an error.
Result<std::unique_ptr<HttpServer>> serve_unix(asio::io_context& io, const std::string& path, const std::string& group,
                                               HttpHandler handler);
Result<std::unique_ptr<HttpServer>> serve_tcp(asio::io_context& io, const SocketAddress& address, HttpHandler handler);

// Splits a request target; percent-escapes of the query are decoded ('+' is itself).
void split_target(std::string_view target, HttpRequest& into);
std::string percent_encode(std::string_view text);

}  // namespace gatehouse::cli
