// listener.h: listening sockets, and each worker's part in them.
//   One socket per address, bound once (before privileges are dropped) and shared by all workers: each has it in its
//   own epoll with EPOLLEXCLUSIVE, so that a connection wakes one. Closing: the queue is accepted until it is empty,
//   then closed, so that no client that got through the handshake is reset.
//   Descriptors run out: a spare one is spent to accept and close, accepting pauses for a moment, and it is counted.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include "net/counter.h"
#include "net/ip.h"
#include "net/loop.h"
#include "net/result.h"
#include "net/unique_fd.h"

namespace gatehouse {

// A bound, listening descriptor. Closed with the last holder.
class ListenSocket {
 public:
  static Result<std::shared_ptr<ListenSocket>> bind(const SocketAddress& address);
  // A Unix socket; one that a process left behind is replaced, one that is listened on is not. `mode`: of the file,
  // which goes with the last holder.
  static Result<std::shared_ptr<ListenSocket>> bind_unix(const std::string& path, mode_t mode);
  // One that another process bound and listens on; `path` of a Unix socket, to go with the last holder.
  static std::shared_ptr<ListenSocket> adopt(UniqueFd socket, std::string path = {});
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;

  void leave_file() { path_.clear(); }  // it is another's now

  int fd() const { return fd_; }
  SocketAddress address() const;

 private:
  explicit ListenSocket(int fd) : fd_(fd) {}
  int fd_;
  std::string path_;  // of a Unix socket
};

class Acceptor final : public Pollable {
 public:
  // Called with each new, non-blocking descriptor and its peer; the callee owns the descriptor.
  using OnConnection = std::function<void(int fd, const SocketAddress& peer)>;

  // `exhausted` counts the times that descriptors ran out; it outlives us.
  Acceptor(Loop& loop, std::shared_ptr<ListenSocket> socket, OnConnection on_connection, Counter& exhausted);
  ~Acceptor();

  void pause();  // memory or descriptors are short
  void resume();
  // Accepts what waits in the queue, then stops listening here.
  void close();

 private:
  void on_events(std::uint32_t events) override;
  bool accept_some(unsigned most);
  void descriptors_ran_out();

  struct RetryTimer : Timer {
    Acceptor* self = nullptr;
  };
  Loop& loop_;
  std::shared_ptr<ListenSocket> socket_;
  OnConnection on_connection_;
  Counter& exhausted_;
  int own_fd_ = -1;  // a duplicate, so that each worker's epoll registration has its own life
  int spare_fd_ = -1;
  bool armed_ = false;
  unsigned batch_ = 1;  // accepts per event: doubled while the queue isn't emptied, so that a lone one costs one
  RetryTimer retry_;
};

}  // namespace gatehouse
