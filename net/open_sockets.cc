#include "net/open_sockets.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace gatehouse {
namespace {

constexpr int first_of_environment = 3, most_of_environment = 1024;

std::string place_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || listens == 0) return {};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return {};
  if (storage.ss_family == AF_UNIX) return std::string("unix:") + reinterpret_cast<sockaddr_un*>(&storage)->sun_path;
  if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) return {};
  return SocketAddress::from(reinterpret_cast<sockaddr*>(&storage)).text();
}

long number_of(const char* name) {
  const char* text = std::getenv(name);
  long number = -1;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

void OpenSockets::add(UniqueFd socket) {
  const std::string place = place_of(socket.get());
  if (place.empty()) return;
  const int one = 1;
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // inherited by what is accepted
  by_place_[place] = std::move(socket);
}

void OpenSockets::add_from_environment() {
  const long count = number_of("LISTEN_PID") == ::getpid() ? number_of("LISTEN_FDS") : 0;
  for (int i = 0; i < count && i < most_of_environment; ++i) add(UniqueFd(first_of_environment + i));
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
}

UniqueFd OpenSockets::take(const SocketAddress& address) { return take_at(address.text()); }

UniqueFd OpenSockets::take_unix(const std::string& path) { return take_at("unix:" + path); }

UniqueFd OpenSockets::take_at(const std::string& place) {
  const auto found = by_place_.find(place);
  if (found == by_place_.end()) return {};
  UniqueFd socket = std::move(found->second);
  by_place_.erase(found);
  return socket;
}

}  // namespace gatehouse
