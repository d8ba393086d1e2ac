#include "cli/http_server_io.h"

#include <cerrno>
#include <cstring>
#include <map>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/beast.h"
#include "net/unique_fd.h"

namespace gatehouse::cli {
namespace {

namespace bhttp = beast::http;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;

constexpr std::size_t request_bytes_most = 64 << 10;

std::string peer_of(const Local::socket& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(const_cast<Local::socket&>(socket).native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) <
      0)
    return "unknown";
  return "uid " + std::to_string(credentials.uid) + " (pid " + std::to_string(credentials.pid) + ")";
}

IpAddress ip_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? IpAddress() : SocketAddress::from(endpoint.data()).ip;
}
IpAddress ip_of(const Local::socket&) { return {}; }

// The connections that are open, in all and by peer.
class OpenConnections {
 public:
  // Counts one more of this peer, unless that would be too many.
  bool enter(const IpAddress& peer, const ServerLimits& limits) {
    const auto known = by_peer_.find(peer);
    const unsigned count = known == by_peer_.end() ? 0 : known->second;
    if (total_ >= limits.connections_most || count >= limits.peer_connections_most) return false;
    ++total_;
    by_peer_[peer] = count + 1;
    return true;
  }
  void leave(const IpAddress& peer) {
    --total_;
    if (--by_peer_[peer] == 0) by_peer_.erase(peer);
  }

 private:
  unsigned total_ = 0;
  std::map<IpAddress, unsigned> by_peer_;
};

int refusal_of(const boost::system::error_code& error) {
  if (error == bhttp::error::body_limit) return 413;
  if (error == bhttp::error::header_limit) return 431;
  const bool parsing = error.category() == make_error_code(bhttp::error::bad_target).category();
  return parsing && error != bhttp::error::end_of_stream && error != bhttp::error::partial_message ? 400 : 0;
}

// One connection. Keeps itself alive by the callbacks in flight.
template <class Protocol>
class Session : public std::enable_shared_from_this<Session<Protocol>> {
 public:
  // `peer` has entered `open`.
  Session(typename Protocol::socket socket, const IpAddress& peer, HttpHandler handler, std::chrono::seconds io_time,
          std::shared_ptr<OpenConnections> open)
      : stream_(std::move(socket)),
        peer_(peer),
        handler_(std::move(handler)),
        io_time_(io_time),
        open_(std::move(open)) {}
  ~Session() { open_->leave(peer_); }

  void read() {
    parser_.emplace();
    parser_->body_limit(request_bytes_most);
    parser_->header_limit(request_bytes_most);
    stream_.expires_after(io_time_);
    bhttp::async_read(stream_, buffer_, *parser_,
                      [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (!error) return self->answer();
                        if (const int status = refusal_of(error)) self->write({status, "text/plain", "", ""}, false);
                      });
  }

 private:
  void answer() {
    const auto& message = parser_->get();
    const auto hosts = message.count(bhttp::field::host);
    if (hosts > 1 || (hosts == 0 && message.version() >= 11))  // RFC 9112 3.2
      return write({400, "text/plain; charset=utf-8", "one Host field, please\n", ""}, false);
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.host = std::string(message[bhttp::field::host]);
    request.target = std::string(message.target());
    request.body = message.body();
    for (const auto& field : message) request.fields.emplace_back(field.name_string(), field.value());
    split_target({message.target().data(), message.target().size()}, request);
    request.peer = peer_;
    if constexpr (std::is_same_v<Protocol, Local>) request.by = peer_of(stream_.socket());
    write(handler_(request), message.keep_alive());
  }

  void write(HttpReply reply, bool keep_alive) {
    const auto& message = parser_->get();
    response_ = {};
    response_.version(message.version() == 10 ? 10 : 11);
    response_.result(static_cast<unsigned>(reply.status));
    response_.set(bhttp::field::content_type, reply.content_type);
    response_.set(bhttp::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (!reply.allow.empty()) response_.set(bhttp::field::allow, reply.allow);
    response_.keep_alive(keep_alive);
    response_.body() = std::move(reply.body);
    response_.prepare_payload();
    if (message.method() == bhttp::verb::head) response_.body().clear();
    stream_.expires_after(io_time_);
    bhttp::async_write(stream_, response_,
                       [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                         if (!error && self->response_.keep_alive()) self->read();
                       });
  }

  beast::basic_stream<Protocol> stream_;
  const IpAddress peer_;
  HttpHandler handler_;
  const std::chrono::seconds io_time_;
  std::shared_ptr<OpenConnections> open_;
  beast::flat_buffer buffer_{request_bytes_most};
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  bhttp::response<bhttp::string_body> response_;
};

// The listening part. Kept alive by its callbacks too: an accept may be done while we are being closed.
template <class Protocol>
class Listening : public std::enable_shared_from_this<Listening<Protocol>> {
 public:
  Listening(asio::io_context& io, HttpHandler handler, ServerLimits limits)
      : acceptor(io), handler_(std::move(handler)), limits_(std::move(limits)), retry_(io) {}

  void accept() {
    acceptor.async_accept(
        [self = this->shared_from_this()](boost::system::error_code error, typename Protocol::socket socket) {
          self->accepted(error, std::move(socket));
        });
  }

  void close() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    retry_.cancel();
  }

  typename Protocol::acceptor acceptor;

 private:
  void accepted(boost::system::error_code error, typename Protocol::socket socket) {
    if (!acceptor.is_open()) return;
    if (!error) {
      const IpAddress peer = ip_of(socket);
      if ((!limits_.admits || limits_.admits(peer)) && open_->enter(peer, limits_))
        std::make_shared<Session<Protocol>>(std::move(socket), peer, handler_, limits_.io_time, open_)->read();
      return accept();
    }
    retry_.expires_after(std::chrono::milliseconds(100));  // out of descriptors: not a busy loop
    retry_.async_wait([self = this->shared_from_this()](boost::system::error_code) {
      if (self->acceptor.is_open()) self->accept();
    });
  }

  HttpHandler handler_;
  const ServerLimits limits_;
  asio::steady_timer retry_;
  std::shared_ptr<OpenConnections> open_ = std::make_shared<OpenConnections>();
};

template <class Protocol>
class Server final : public HttpServer {
 public:
  Server(asio::io_context& io, HttpHandler handler, ServerLimits limits)
      : listening(std::make_shared<Listening<Protocol>>(io, std::move(handler), std::move(limits))) {}
  ~Server() override {
    listening->close();
    if (!path.empty()) ::unlink(path.c_str());
  }
  Result<SocketAddress> address() const override {
    boost::system::error_code error;
    const auto endpoint = listening->acceptor.local_endpoint(error);
    if (error) return Error{Errc::io, error.message()};
    return SocketAddress::from(reinterpret_cast<const sockaddr*>(endpoint.data()));
  }
  int listening_fd() const override { return listening->acceptor.native_handle(); }
  void leave_file() override { path.clear(); }

  const std::shared_ptr<Listening<Protocol>> listening;
  std::string path;  // of a Unix socket
};

Error socket_error(const std::string& where, const std::string& what) { return Error{Errc::io, where + ": " + what}; }

Status bind_unix(Local::acceptor& acceptor, const std::string& path, const std::string& group) {
  boost::system::error_code error;
  acceptor.open(Local(), error);
  const mode_t mask = ::umask(0117);  // 0660 from the first moment
  if (!error) acceptor.bind(Local::endpoint(path), error);
  ::umask(mask);
  if (error) return socket_error(path, error.message());
  if (group.empty()) return Done{};
  const struct group* entry = ::getgrnam(group.c_str());
  if (entry == nullptr) return socket_error("admin.group", "there is no group " + group);
  if (::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) < 0)
    return socket_error(path, "chgrp " + group + ": " + std::strerror(errno));
  return Done{};
}

// A socket file that nobody listens on any more is in the way; one that somebody listens on, even if his queue is
// full, belongs to another running program. When in doubt it stays.
Status clear_stale(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return Done{};
  if (!S_ISSOCK(info.st_mode)) return socket_error(path, "exists and is not a socket");
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return socket_error(path, std::strerror(errno));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const bool taken = ::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (taken || errno == EAGAIN) return socket_error(path, "another gatehouse is running here (it listens on this)");
  if (errno != ECONNREFUSED) return socket_error(path, std::strerror(errno));
  ::unlink(path.c_str());
  return Done{};
}

}  // namespace

Result<std::unique_ptr<HttpServer>> serve_unix(asio::io_context& io, const std::string& path,
                                               const std::string& group, HttpHandler handler, UniqueFd open) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return socket_error(path, "longer than the 107 bytes a socket's path may have");
  auto server = std::make_unique<Server<Local>>(io, std::move(handler), ServerLimits());
  auto& acceptor = server->listening->acceptor;
  boost::system::error_code error;
  if (open) {
    acceptor.assign(Local(), open.release(), error);
    server->path = path;
  } else {
    if (const Status cleared = clear_stale(path); !cleared) return cleared.error();
    if (const Status bound = bind_unix(acceptor, path, group); !bound) return bound.error();
    server->path = path;
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) return socket_error(path, error.message());
  server->listening->accept();
  return std::unique_ptr<HttpServer>(std::move(server));
}

Result<std::unique_ptr<HttpServer>> serve_tcp(asio::io_context& io, const SocketAddress& address, HttpHandler handler,
                                              ServerLimits limits, UniqueFd open) {
  auto server = std::make_unique<Server<tcp>>(io, std::move(handler), std::move(limits));
  auto& acceptor = server->listening->acceptor;
  sockaddr_storage storage;
  const socklen_t length = address.to(storage);
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), &storage, length);
  endpoint.resize(length);
  boost::system::error_code error;
  if (open) {
    acceptor.assign(endpoint.protocol(), open.release(), error);
  } else {
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) return socket_error("listen on " + address.text(), error.message());
  server->listening->accept();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace gatehouse::cli
