#include "net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr std::uint32_t all_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

bool Socket::open(Loop& loop, int fd) {
  loop_ = &loop;
  fd_ = fd;
  if (loop.add(fd, all_events, *this)) return true;
  error_ = errno;
  close();
  return false;
}

void Socket::close() {
  if (fd_ < 0) return;
  loop_->forget(fd_);
  ::close(std::exchange(fd_, -1));
  readable_ = writable_ = arrivals_muted_ = false;
  failed_ = ended_ = true;
}

void Socket::reset() {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

IoResult Socket::settle(std::ptrdiff_t count, bool reading) {
  using State = IoResult::State;
  if (count > 0) return {State::ok, static_cast<std::size_t>(count)};
  if (count == 0 && reading) return {State::ended};
  if (errno == EAGAIN || errno == EINTR) {
    reading ? drained() : void(writable_ = false);
    (reading ? waits_read_ : waits_write_) = true;
    return {State::again};
  }
  error_ = errno;
  failed_ = true;
  return {State::failed};
}

// What comes next is an edge.
void Socket::drained() {
  readable_ = false;
  hear_arrivals();
}

void Socket::hear_arrivals() {
  if (!arrivals_muted_) return;
  arrivals_muted_ = false;
  useless_arrivals_ = 0;
  loop_->change(fd_, all_events);
}

void Socket::note_useless_arrival() {
  if (arrivals_muted_ || ++useless_arrivals_ < useless_most) return;
  arrivals_muted_ = loop_->change(fd_, all_events & ~EPOLLIN);
}

IoResult Socket::receive(char* data, std::size_t size) {
  if (!readable_) {
    waits_read_ = true;
    return {fd_ < 0 ? IoResult::State::failed : IoResult::State::again};
  }
  const auto count = ::recv(fd_, data, size, 0);
  // A short read has drained the socket: the next bytes are a new edge. Not so once the peer has ended: its end
  // was that edge already.
  if (count > 0 && static_cast<std::size_t>(count) < size && !ended_) drained();
  return settle(count, true);
}

IoResult Socket::send(const char* data, std::size_t size, bool more) {
  if (!writable_) {
    waits_write_ = true;
    return {fd_ < 0 ? IoResult::State::failed : IoResult::State::again};
  }
  const auto count = ::send(fd_, data, size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (count > 0 && static_cast<std::size_t>(count) < size) writable_ = false;
  return settle(count, false);
}

IoResult Socket::splice_to_pipe(int pipe, std::size_t size) {
  if (!readable_) {
    waits_read_ = true;
    return {fd_ < 0 ? IoResult::State::failed : IoResult::State::again};
  }
  return settle(::splice(fd_, nullptr, pipe, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK), true);
}

IoResult Socket::splice_from_pipe(int pipe, std::size_t size) {
  if (!writable_) {
    waits_write_ = true;
    return {fd_ < 0 ? IoResult::State::failed : IoResult::State::again};
  }
  return settle(::splice(pipe, nullptr, fd_, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK), false);
}

IoResult Socket::send_file(int file, std::uint64_t at, std::size_t size) {
  if (!writable_) {
    waits_write_ = true;
    return {fd_ < 0 ? IoResult::State::failed : IoResult::State::again};
  }
  auto from = static_cast<off_t>(at);
  const auto count = ::sendfile(fd_, file, &from, size);
  if (count == 0) return {IoResult::State::ended};
  return settle(count, false);
}

bool Socket::looks_idle() {
  if (!readable_) return !ended_;
  char byte;
  if (::recv(fd_, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN) return false;
  drained();
  return !ended_;
}

std::size_t Socket::unread() const {
  int size = 0;
  return ::ioctl(fd_, FIONREAD, &size) == 0 && size > 0 ? static_cast<std::size_t>(size) : 0;
}

void Socket::shutdown_send() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void Socket::on_events(std::uint32_t events) {
  const bool broken = events & (EPOLLHUP | EPOLLERR);
  if (broken) failed_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ended_ = true;
  if (!broken && !ended_ && readable_ && !waits_read_ && events & EPOLLIN) note_useless_arrival();
  if (broken || events & (EPOLLIN | EPOLLRDHUP)) readable_ = true;
  if (broken || events & EPOLLOUT) writable_ = true;
  if (waker_ == nullptr) {
    if (readable_ && idle_event_ != nullptr) idle_event_(idle_context_);  // may destroy us
    return;
  }
  if ((waits_read_ && readable_) || (waits_write_ && writable_) || (waits_end_ && ended_) || broken) {
    waits_read_ = waits_write_ = waits_end_ = false;
    waker_->signal();
  }
}

int start_connect(const SocketAddress& to) {
  sockaddr_storage address;
  const socklen_t length = to.to(address);
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 || errno == EINPROGRESS) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

int start_connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return errno = ENAMETOOLONG, -1;
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;  // EAGAIN: its queue is full, which is no promise that it will be had later
  ::close(fd);
  errno = error == EAGAIN ? ECONNREFUSED : error;
  return -1;
}

void keep_alive(int fd) {
  constexpr int on = 1, idle_s = 30, interval_s = 10, probes = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

void give_up_after(int fd, Millis silence) {
  const auto ms = static_cast<unsigned>(silence.count());
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
  return error;
}

}  // namespace gatehouse
