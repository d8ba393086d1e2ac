#include "cli/demo_backend.h"

#include <iostream>

#include "cli/http_server_io.h"

namespace gatehouse::cli {
namespace {

constexpr unsigned connections_most = 4096;

class DemoBackend {
 public:
  explicit DemoBackend(std::string name) : name_(std::move(name)) {}

  HttpReply answer(const HttpRequest& request) {
    ++requests_;
    if (request.path == "/health") return health(request);
    HttpReply reply;
    reply.body = "This is backend " + name_ + ", request " + std::to_string(requests_) + ".\n\n" + request.method +
                 " " + request.target + "\n";
    for (const auto& [field, value] : request.fields) reply.body += field + ": " + value + "\n";
    if (!request.body.empty()) reply.body += "\n(" + std::to_string(request.body.size()) + " bytes of body)\n";
    return reply;
  }

 private:
  HttpReply health(const HttpRequest& request) {
    const auto state = request.query.find("state");
    if (request.method == "POST" && state != request.query.end()) healthy_ = state->second != "down";
    HttpReply reply;
    reply.status = healthy_ ? 200 : 503;
    reply.body = healthy_ ? "up\n" : "down\n";
    return reply;
  }

  std::string name_;
  std::uint64_t requests_ = 0;
  bool healthy_ = true;
};

}  // namespace

int run_demo_backend(const SocketAddress& listen, const std::string& name) {
  asio::io_context io;
  DemoBackend backend(name);
  auto server = serve_tcp(io, listen, [&](const HttpRequest& request) { return backend.answer(request); },
                          {.connections_most = connections_most, .peer_connections_most = connections_most});
  if (!server) {
    std::cerr << server.error().what << "\n";
    return 1;
  }
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { io.stop(); });
  std::cout << "backend " << name << " on " << listen.text() << std::endl;
  io.run();
  return 0;
}

}  // namespace gatehouse::cli
