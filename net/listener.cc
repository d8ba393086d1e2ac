#include "net/listener.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr int backlog = 4096;  // the kernel bounds it by net.core.somaxconn
constexpr unsigned batch_most = 64;
constexpr std::uint64_t pause_ms = 50;

Error bind_error(const SocketAddress& address, const char* doing) {
  std::string what = "listen on " + address.text() + ": " + doing + ": " + std::strerror(errno);
  if (errno == EACCES) what += " (ports below 1024 want root or CAP_NET_BIND_SERVICE: docs/install.md)";
  return Error{errno == EADDRINUSE ? Errc::unavailable : Errc::io, what};
}

}  // namespace

Result<std::shared_ptr<ListenSocket>> ListenSocket::bind(const SocketAddress& address) {
  sockaddr_storage storage;
  const socklen_t length = address.to(storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return bind_error(address, "socket");
  auto socket = std::shared_ptr<ListenSocket>(new ListenSocket(fd));
  const int one = 1, zero = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (storage.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // inherited by what is accepted
  if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), length) < 0) return bind_error(address, "bind");
  if (::listen(fd, backlog) < 0) return bind_error(address, "listen");
  return socket;
}

Result<std::shared_ptr<ListenSocket>> ListenSocket::bind_unix(const std::string& path, mode_t mode) {
  const auto failed = [&](const char* doing) {
    return Error{errno == EADDRINUSE ? Errc::unavailable : Errc::io,
                 "listen on unix:" + path + ": " + doing + ": " + std::strerror(errno)};
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return invalid("listen on unix:" + path + ": the path is too long");
  path.copy(address.sun_path, path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return failed("socket");
  const int asked = ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const bool left_behind = asked < 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (left_behind) ::unlink(path.c_str());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("socket");
  auto socket = std::shared_ptr<ListenSocket>(new ListenSocket(fd));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return failed("bind");
  socket->path_ = path;
  // Nobody gets in before listen(): the mode is right by then.
  if (::chmod(path.c_str(), mode) < 0) return failed("chmod");
  if (::listen(fd, backlog) < 0) return failed("listen");
  return socket;
}

std::shared_ptr<ListenSocket> ListenSocket::adopt(UniqueFd socket, std::string path) {
  auto out = std::shared_ptr<ListenSocket>(new ListenSocket(socket.release()));
  out->path_ = std::move(path);
  return out;
}

ListenSocket::~ListenSocket() {
  ::close(fd_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

SocketAddress ListenSocket::address() const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from(reinterpret_cast<sockaddr*>(&storage));
}

Acceptor::Acceptor(Loop& loop, std::shared_ptr<ListenSocket> socket, OnConnection on_connection, Counter& exhausted)
    : loop_(loop), socket_(std::move(socket)), on_connection_(std::move(on_connection)), exhausted_(exhausted) {
  own_fd_ = fcntl(socket_->fd(), F_DUPFD_CLOEXEC, 0);
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  retry_.self = this;
  retry_.fire = [](Timer& timer) { static_cast<RetryTimer&>(timer).self->resume(); };
  resume();
}

Acceptor::~Acceptor() { close(); }

void Acceptor::pause() {
  if (!armed_) return;
  armed_ = false;
  loop_.remove(own_fd_);
}

void Acceptor::resume() {
  if (armed_ || own_fd_ < 0) return;
  armed_ = loop_.add(own_fd_, EPOLLIN | EPOLLEXCLUSIVE, *this);
  if (!armed_) loop_.timers().set(retry_, loop_.now() + pause_ms);
}

void Acceptor::close() {
  if (own_fd_ < 0) return;
  while (accept_some(batch_most)) {
  }
  pause();
  ::close(std::exchange(own_fd_, -1));
  if (spare_fd_ >= 0) ::close(spare_fd_);
  socket_.reset();
}

void Acceptor::on_events(std::uint32_t) { batch_ = accept_some(batch_) ? std::min(batch_ * 2, batch_most) : 1; }

// Level-triggered: what is left wakes us (or another worker) again. True if there may be more.
bool Acceptor::accept_some(unsigned most) {
  for (unsigned i = 0; i < most; ++i) {
    sockaddr_storage peer;
    socklen_t length = sizeof peer;
    const int fd = accept4(own_fd_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_connection_(fd, SocketAddress::from(reinterpret_cast<sockaddr*>(&peer)));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) descriptors_ran_out();
    if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) return false;
  }
  return true;
}

void Acceptor::descriptors_ran_out() {
  const int why = errno;
  exhausted_.add();
  if (spare_fd_ >= 0) {  // tell one client at once instead of letting it hang
    ::close(spare_fd_);
    const int fd = accept4(own_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  pause();
  loop_.timers().set(retry_, loop_.now() + pause_ms);
  errno = why;
}

}  // namespace gatehouse
