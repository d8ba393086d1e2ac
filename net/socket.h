// socket.h: a non-blocking TCP (or Unix) stream socket on a loop.
//   Registered once, edge-triggered. Operations try and tell; what would block is remembered, and the socket's Waker
//   is signalled when the edge comes. A receive that would only find EAGAIN is not made (after a short read). While
//   nobody reads what has come (the sink of a relay is slow), further arrivals stop waking the loop.
//   Threads  the loop's own. Ownership: closes its descriptor. Not movable: epoll points at it.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "net/clock.h"
#include "net/ip.h"
#include "net/loop.h"

namespace gatehouse {

struct IoResult {
  enum class State : std::uint8_t { ok, again, ended, failed };
  State state;
  std::size_t size = 0;
  bool ok() const { return state == State::ok; }
  bool again() const { return state == State::again; }
};

class Socket final : public Pollable {
 public:
  // What is called when an event arrives while no coroutine minds the socket (an idle pooled connection).
  using IdleEvent = void (*)(void* context);

  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;

  // Takes the descriptor, which must be non-blocking. False: the loop can't watch it; it is closed, see last_error().
  [[nodiscard]] bool open(Loop& loop, int fd);
  void close();
  // Closes with a reset: the peer sees that something was cut, not that it ended.
  void reset();
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

  IoResult receive(char* data, std::size_t size);
  // With `more`, what fills no packet waits for what follows: another send or the end, in this same turn.
  IoResult send(const char* data, std::size_t size, bool more = false);
  IoResult splice_to_pipe(int pipe, std::size_t size);
  IoResult splice_from_pipe(int pipe, std::size_t size);
  // From a file to the socket within the kernel. Ended: the file has no byte there. May wait for the disk where those
  // bytes aren't in memory: see seems_cached().
  IoResult send_file(int file, std::uint64_t at, std::size_t size);
  void shutdown_send();

  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  bool peer_ended() const { return ended_; }  // FIN or worse was seen
  bool failed() const { return failed_; }     // reset, or both directions gone
  int last_error() const { return error_; }

  void wait_readable() {
    waits_read_ = true;
    hear_arrivals();
  }
  void wait_writable() { waits_write_ = true; }
  void wait_end() { waits_end_ = true; }  // the peer's; for who doesn't read now
  std::size_t unread() const;             // bytes that have come and are not received, as the kernel holds them
  // Is there nothing to read? Asks the kernel where that is not known: after a read of exactly what was wanted.
  bool looks_idle();
  void set_waker(Waker* waker) { waker_ = waker; }
  void wake() {
    if (waker_ != nullptr) waker_->signal();
  }
  void set_idle_event(IdleEvent event, void* context) { idle_event_ = event, idle_context_ = context; }

  void on_events(std::uint32_t events) override;

 private:
  static constexpr std::uint8_t useless_most = 4;

  IoResult settle(std::ptrdiff_t count, bool reading);
  void drained();
  void hear_arrivals();
  void note_useless_arrival();

  Loop* loop_ = nullptr;
  Waker* waker_ = nullptr;
  IdleEvent idle_event_ = nullptr;
  void* idle_context_ = nullptr;
  int fd_ = -1;
  int error_ = 0;
  bool readable_ = false, writable_ = false, ended_ = false, failed_ = false;
  bool waits_read_ = false, waits_write_ = false, waits_end_ = false;
  bool arrivals_muted_ = false;
  std::uint8_t useless_arrivals_ = 0;  // events of what could be read already
};

// Starts a connection. The descriptor, or -1 with errno. TCP_NODELAY is set.
int start_connect(const SocketAddress& to);
int start_connect_unix(const std::string& path);
// A peer that is gone without a word is noticed within a minute, and the socket fails.
void keep_alive(int fd);
// What was sent and is not acknowledged for so long fails the socket: keep-alives don't ask while anything is.
void give_up_after(int fd, Millis silence);
// How a started connection ended: 0 once it stands, else the errno.
int connect_error(int fd);

}  // namespace gatehouse
