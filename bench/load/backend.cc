// backend.cc: what stands behind every proxy under test: `backend PORT [SINK_PORT]`.
//   GET /1k, /100k and /1g answer with that many bytes; any other target with none. A request with a body is answered
//   with two bytes once the body has arrived and been dropped. Keep-alive until asked otherwise. Whatever reaches
//   SINK_PORT is dropped: HAProxy's log goes there.
//   One thread, one epoll, edge-triggered: it shares a processor with the load generator and must cost little.
//   Limits   a request's head is at most as long as Peer::in; a longer one ends its connection.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/client.h"
#include "bench/load/response.h"

namespace gatehouse::bench {
namespace {

constexpr std::uint64_t gibibyte = 1ull << 30;

struct Peer {
  int fd = -1;
  bool listens = false;
  bool sink = false;
  bool readable = false;
  bool ended = false;  // the other side has closed: a short read is not the last one
  bool close_after = false;
  std::size_t filled = 0;
  std::uint64_t body_left = 0;    // of the request, still to be dropped
  bool answer_due = false;        // once that body is through
  std::string_view out;           // ready to send
  std::uint64_t stream_left = 0;  // to follow `out`, made of `stream_piece`
  std::array<char, 16384> in;
};

std::string response(std::size_t body_size) {
  std::string text =
      "HTTP/1.1 200 OK\r\nServer: backend\r\nDate: Sat, 21 Nov 2026 11:27:25 GMT\r\nContent-Type: text/plain\r\n"
      "Content-Length: " +
      std::to_string(body_size) + "\r\nCache-Control: no-cache\r\nETag: \"abc-123\"\r\n\r\n";
  for (std::size_t i = 0; i < body_size; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

const std::string empty = response(0), two = response(2), kibibyte = response(1 << 10), hundred = response(100 << 10);
const std::string giant =
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(gibibyte) +
    "\r\n\r\n";
const std::string stream_piece(256 << 10, 'z');

// False: the connection is over.
bool flush(Peer& peer) {
  for (;;) {
    if (peer.out.empty()) {
      if (peer.stream_left == 0) return true;
      peer.out = std::string_view(stream_piece).substr(0, peer.stream_left);
      peer.stream_left -= peer.out.size();
    }
    const ssize_t sent = send(peer.fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    peer.out.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void answer(Peer& peer, std::string_view target) {
  if (target == "/1k") {
    peer.out = kibibyte;
  } else if (target == "/100k") {
    peer.out = hundred;
  } else if (target == "/1g") {
    peer.out = giant;
    peer.stream_left = gibibyte;
  } else {
    peer.out = empty;
  }
}

// Takes one request off the buffer, if one is whole.
bool take_request(Peer& peer) {
  const std::string_view bytes(peer.in.data(), peer.filled);
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return false;
  const std::string_view head = bytes.substr(0, end + 4);
  const std::size_t target = head.find(' ') + 1;
  const auto connection = field(head, "connection");
  peer.close_after = connection && connection->find("close") != connection->npos;
  if (const auto length = content_length(head); length && *length > 0) {
    peer.body_left = *length;
    peer.answer_due = true;
  } else {
    answer(peer, head.substr(target, head.find(' ', target) - target));
  }
  peer.filled -= head.size();
  std::memmove(peer.in.data(), peer.in.data() + head.size(), peer.filled);
  return true;
}

// Drops what the buffer holds of a request's body.
void drop_body(Peer& peer) {
  const std::size_t held = peer.body_left < peer.filled ? static_cast<std::size_t>(peer.body_left) : peer.filled;
  peer.body_left -= held;
  peer.filled -= held;
  std::memmove(peer.in.data(), peer.in.data() + held, peer.filled);
  if (peer.body_left > 0 || !peer.answer_due) return;
  peer.answer_due = false;
  peer.out = two;
}

// False: the connection is over. Bodies are dropped in the kernel, heads come into the buffer.
bool receive(Peer& peer) {
  const bool drop = peer.sink || peer.body_left > 0;
  const std::size_t room = peer.sink ? 1 << 20 : drop ? peer.body_left : peer.in.size() - peer.filled;
  const ssize_t got =
      drop ? recv(peer.fd, nullptr, room, MSG_TRUNC) : recv(peer.fd, peer.in.data() + peer.filled, room, 0);
  if (got < 0 && errno == EAGAIN) {
    peer.readable = false;
    return true;
  }
  if (got <= 0) return false;  // also a head that outgrew its buffer
  if (static_cast<std::size_t>(got) < room && !peer.ended) peer.readable = false;
  if (peer.sink) return true;
  if (drop) {
    peer.body_left -= static_cast<std::uint64_t>(got);
  } else {
    peer.filled += static_cast<std::size_t>(got);
  }
  return true;
}

bool serve(Peer& peer) {
  for (;;) {
    if (!flush(peer)) return false;
    if (!peer.out.empty()) return true;
    if (peer.close_after && !peer.answer_due) return false;
    if (peer.answer_due) drop_body(peer);
    if (!peer.out.empty()) continue;
    if (!peer.answer_due && take_request(peer)) continue;
    if (!peer.readable) return true;
    if (!receive(peer)) return false;
  }
}

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const sockaddr_in at = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && listen(fd, 4096) == 0) return fd;
  std::perror("backend: listen");
  std::exit(1);
}

class Loop {
 public:
  void add_listener(std::uint16_t port, bool sink) {
    auto peer = std::make_unique<Peer>();
    peer->fd = listen_on(port);
    peer->listens = true;
    peer->sink = sink;
    watch(peer.release(), EPOLLIN);
  }

  void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i)
        handle(*static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr),
               events[static_cast<std::size_t>(i)].events);
    }
  }

 private:
  void watch(Peer* peer, std::uint32_t interest) {
    epoll_event event{.events = interest, .data = {.ptr = peer}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, peer->fd, &event);
  }

  void handle(Peer& peer, std::uint32_t events) {
    if (peer.listens) return accept_all(peer);
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer.ended = true;
    if (events & ~EPOLLOUT) peer.readable = true;
    if (serve(peer)) return;
    close(peer.fd);
    delete &peer;
  }

  void accept_all(const Peer& listener) {
    for (;;) {
      const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
      if (fd < 0) return;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      auto peer = std::make_unique<Peer>();
      peer->fd = fd;
      peer->sink = listener.sink;
      watch(peer.release(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
  }

  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
};

}  // namespace
}  // namespace gatehouse::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: backend PORT [SINK_PORT]\n", stderr);
    return 2;
  }
  gatehouse::bench::Loop loop;
  loop.add_listener(static_cast<std::uint16_t>(std::atoi(argv[1])), false);
  if (argc > 2) loop.add_listener(static_cast<std::uint16_t>(std::atoi(argv[2])), true);
  loop.run();
}
