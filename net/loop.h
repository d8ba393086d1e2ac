// loop.h: one thread's event loop: epoll, edge-triggered; timers; a ready list; posts from other threads.
//   Threads  everything but post() and stop() belongs to the loop's own thread.
//   Time     now() is read once a turn; deadlines are LoopTime (ms, monotonic).
//   Sockets  registered once for in, out and hang-up; edges become flags on the socket (socket.h) and wake its Waker.
//            Events of a descriptor closed in the same turn are dropped by its generation.
//   Fairness a coroutine that has more to do than its share yields through the ready list of the next turn.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "net/intrusive_list.h"
#include "net/timer_wheel.h"

namespace gatehouse {

// What epoll reports to: a socket, a listener, the post queue.
class Pollable {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

// A coroutine that waits to be resumed by the loop.
struct ReadyNode : ListNode {
  std::coroutine_handle<> handle;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();                             // until stop()
  void stop();                            // any thread
  void post(std::function<void()> work);  // any thread; runs in the loop's thread

  LoopTime now() const { return now_us_ / 1000; }
  std::uint64_t now_us() const { return now_us_; }   // microseconds of the same clock
  std::int64_t wall_us() const { return wall_us_; }  // microseconds since 1970, read once a turn
  TimerWheel& timers() { return timers_; }

  // False: the kernel has no room for another descriptor (errno tells).
  [[nodiscard]] bool add(int fd, std::uint32_t events, Pollable& target);
  bool change(int fd, std::uint32_t events);  // of one that was added; what is ready already is told anew
  void remove(int fd);                        // the descriptor lives on
  // Right before close(fd), which takes it out of epoll by itself (nobody holds a duplicate).
  void forget(int fd) { slots_[fd].target = nullptr; }

  void make_ready(ReadyNode& node) {
    if (!node.linked()) node.link_before(ready_);
  }
  void make_ready_next_turn(ReadyNode& node) {
    if (!node.linked()) node.link_before(ready_next_);
  }

  // Called at the end of every turn, when no coroutine of this loop is running: the place to destroy finished ones.
  void set_turn_end(std::function<void()> hook) { turn_end_ = std::move(hook); }

  // The loop that runs in this thread; set while run() is on.
  static Loop& current();

  // How late the last turn began, for the prober: a check that ran on a starved loop doesn't count.
  std::uint64_t lag_ms() const { return lag_ms_; }

 private:
  class Posts;
  struct Slot {
    Pollable* target = nullptr;
    std::uint32_t generation = 0;
  };
  void read_clock();
  bool control(int operation, int fd, std::uint32_t events);
  void run_ready();

  int epoll_ = -1;
  std::uint64_t now_us_ = 0;
  std::int64_t wall_us_ = 0;
  std::uint64_t lag_ms_ = 0;
  std::vector<Slot> slots_;  // by descriptor
  std::function<void()> turn_end_;
  ListNode ready_, ready_next_;
  TimerWheel timers_;
  Posts* posts_;
  std::atomic<bool> stopping_{false};
};

// Where one coroutine sleeps until something it waits for happens: an edge on one of its sockets, a deadline, or a
// word from another coroutine. Signals are remembered: none is lost between a try and the sleep after it.
class Waker : private ReadyNode {
 public:
  explicit Waker(Loop& loop) : loop_(loop) {
    timer_.waker = this;
    timer_.fire = [](Timer& timer) {
      Waker& self = *static_cast<SleepTimer&>(timer).waker;
      self.timed_out_ = true;
      self.wake();
    };
  }

  void signal() {
    signaled_ = true;
    wake();
  }

  enum class Why { signal, deadline };
  struct Sleep {
    Waker& waker;
    LoopTime deadline;
    bool await_ready() const noexcept { return waker.signaled_; }
    void await_suspend(std::coroutine_handle<> sleeper) noexcept {
      waker.handle = sleeper;
      waker.loop_.timers().set(waker.timer_, deadline);
    }
    Why await_resume() noexcept {
      waker.loop_.timers().cancel(waker.timer_);
      const bool late = waker.timed_out_ && !waker.signaled_;
      waker.signaled_ = waker.timed_out_ = false;
      return late ? Why::deadline : Why::signal;
    }
  };
  Sleep sleep(LoopTime deadline) { return Sleep{*this, deadline}; }

  // Lets others run; resumes in the next turn.
  struct Yield {
    Waker& waker;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> sleeper) noexcept {
      waker.handle = sleeper;
      waker.loop_.make_ready_next_turn(waker);
    }
    void await_resume() const noexcept {}
  };
  Yield yield() { return Yield{*this}; }

  // Lets those run that are ready in this turn, and resumes behind them. Signals until then count as heard.
  struct Behind {
    Waker& waker;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> sleeper) noexcept {
      waker.handle = sleeper;
      waker.loop_.make_ready(waker);
    }
    void await_resume() const noexcept { waker.signaled_ = false; }
  };
  Behind behind_the_ready() { return Behind{*this}; }

  Loop& loop() { return loop_; }

 private:
  struct SleepTimer : Timer {
    Waker* waker = nullptr;
  };
  void wake() {
    if (handle) loop_.make_ready(*this);
  }

  Loop& loop_;
  SleepTimer timer_;
  bool signaled_ = false, timed_out_ = false;
};

}  // namespace gatehouse
