#include "cli/http_server_io.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/beast.h"

namespace gatehouse::cli {
namespace {

namespace bhttp = beast::http;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;

constexpr std::size_t request_bytes_most = 64 << 10;
constexpr unsigned connections_most = 64;
constexpr auto read_time = std::chrono::seconds(10);

std::string peer_of(const Local::socket& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(const_cast<Local::socket&>(socket).native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
    return "unknown";
  return "uid " + std::to_string(credentials.uid) + " (pid " + std::to_string(credentials.pid) + ")";
}

template <class Protocol>
void name_peer(const beast::basic_stream<Protocol>& stream, HttpRequest& request) {
  if constexpr (std::is_same_v<Protocol, Local>) {
    request.by = peer_of(stream.socket());
  } else {
    boost::system::error_code error;
    const auto endpoint = stream.socket().remote_endpoint(error);
    if (!error) request.peer = SocketAddress::from(endpoint.data()).ip;
  }
}

// One connection. Keeps itself alive by the callbacks in flight.
template <class Protocol>
class Session : public std::enable_shared_from_this<Session<Protocol>> {
 public:
  Session(typename Protocol::socket socket, HttpHandler handler, std::shared_ptr<unsigned> open)
      : stream_(std::move(socket)), handler_(std::move(handler)), open_(std::move(open)) {
    ++*open_;
  }
  ~Session() { --*open_; }

  void read() {
    parser_.emplace();
    parser_->body_limit(request_bytes_most);
    parser_->header_limit(request_bytes_most);
    stream_.expires_after(read_time);
    bhttp::async_read(stream_, buffer_, *parser_,
                      [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (!error) self->answer();
                      });
  }

 private:
  void answer() {
    const auto& message = parser_->get();
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.host = std::string(message[bhttp::field::host]);
    request.target = std::string(message.target());
    request.body = message.body();
    for (const auto& field : message) request.fields.emplace_back(field.name_string(), field.value());
    split_target({message.target().data(), message.target().size()}, request);
    name_peer(stream_, request);
    HttpReply reply = handler_(request);
    response_ = {};
    response_.version(message.version());
    response_.result(reply.status);
    response_.set(bhttp::field::content_type, reply.content_type);
    response_.set(bhttp::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.keep_alive(message.keep_alive());
    response_.body() = std::move(reply.body);
    response_.prepare_payload();
    if (message.method() == bhttp::verb::head) response_.body().clear();
    stream_.expires_after(read_time);
    bhttp::async_write(stream_, response_,
                       [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                         if (!error && self->response_.keep_alive()) self->read();
                       });
  }

  beast::basic_stream<Protocol> stream_;
  HttpHandler handler_;
  std::shared_ptr<unsigned> open_;
  beast::flat_buffer buffer_{request_bytes_most};
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  bhttp::response<bhttp::string_body> response_;
};

template <class Protocol>
class Server final : public HttpServer {
 public:
  Server(asio::io_context& io, HttpHandler handler) : acceptor(io), handler_(std::move(handler)), retry_(io) {}
  ~Server() override {
    if (!path.empty()) ::unlink(path.c_str());
  }

  void accept() {
    acceptor.async_accept([this](boost::system::error_code error, typename Protocol::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && *open_ < connections_most)
        std::make_shared<Session<Protocol>>(std::move(socket), handler_, open_)->read();
      if (!error) return accept();
      retry_.expires_after(std::chrono::milliseconds(100));  // out of descriptors: not a busy loop
      retry_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  typename Protocol::acceptor acceptor;
  std::string path;  // of a Unix socket

 private:
  HttpHandler handler_;
  asio::steady_timer retry_;
  std::shared_ptr<unsigned> open_ = std::make_shared<unsigned>(0);
};

Error socket_error(const std::string& where, const std::string& what) {
  return Error{Errc::io, where + ": " + what};
}

// A socket file that nobody listens on any more is in the way; one that answers is another running program.
Status clear_stale(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return Done{};
  if (!S_ISSOCK(info.st_mode)) return socket_error(path, "exists and is not a socket");
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const bool live = ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  if (live) return socket_error(path, "another gatehouse is running here (its admin socket answers)");
  ::unlink(path.c_str());
  return Done{};
}

char hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<char>(c - '0');
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? static_cast<char>(low - 'a' + 10) : -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> serve_unix(asio::io_context& io, const std::string& path, const std::string& group,
                                               HttpHandler handler) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return socket_error(path, "longer than the 107 bytes a socket's path may have");
  if (const Status cleared = clear_stale(path); !cleared) return cleared.error();
  auto server = std::make_unique<Server<Local>>(io, std::move(handler));
  boost::system::error_code error;
  server->acceptor.open(Local(), error);
  const mode_t mask = ::umask(0117);  // 0660 from the first moment
  if (!error) server->acceptor.bind(Local::endpoint(path), error);
  ::umask(mask);
  if (error) return socket_error(path, error.message());
  server->path = path;
  if (!group.empty()) {
    const struct group* entry = ::getgrnam(group.c_str());
    if (entry == nullptr) return socket_error("admin.group", "there is no group " + group);
    if (::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) < 0)
      return socket_error(path, "chgrp " + group + ": " + std::strerror(errno));
  }
  server->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return socket_error(path, error.message());
  server->accept();
  return std::unique_ptr<HttpServer>(std::move(server));
}

Result<std::unique_ptr<HttpServer>> serve_tcp(asio::io_context& io, const SocketAddress& address, HttpHandler handler) {
  auto server = std::make_unique<Server<tcp>>(io, std::move(handler));
  sockaddr_storage storage;
  const socklen_t length = address.to(storage);
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), &storage, length);
  endpoint.resize(length);
  boost::system::error_code error;
  server->acceptor.open(endpoint.protocol(), error);
  if (!error) server->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) server->acceptor.bind(endpoint, error);
  if (!error) server->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return socket_error("listen on " + address.text(), error.message());
  server->accept();
  return std::unique_ptr<HttpServer>(std::move(server));
}

void split_target(std::string_view target, HttpRequest& into) {
  const auto question = target.find('?');
  into.path = std::string(target.substr(0, question));
  if (question == std::string_view::npos) return;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    into.query[percent_decode(pair.substr(0, equals))] =
        equals < pair.size() ? percent_decode(pair.substr(equals + 1)) : "";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string percent_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

}  // namespace gatehouse::cli
