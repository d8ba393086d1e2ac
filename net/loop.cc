#include "net/loop.h"

#include <system_error>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr int events_per_turn = 512;
constexpr std::uint64_t sleep_most_ms = 1000;

thread_local Loop* current_loop = nullptr;

std::int64_t read_us(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

// Work handed over by other threads: a queue under a lock, and an eventfd that is written once a batch.
class Loop::Posts final : public Pollable {
 public:
  Posts() : fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Posts() { ::close(fd); }

  void push(std::function<void()> work) {
    bool first;
    {
      std::lock_guard lock(mutex_);
      first = queue_.empty();
      if (work) queue_.push_back(std::move(work));
    }
    if (first) wake();
  }

  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);  // full counter: it is awake already
  }

  void on_events(std::uint32_t) override {
    std::uint64_t count;
    [[maybe_unused]] const auto got = ::read(fd, &count, sizeof count);
    std::vector<std::function<void()>> batch;
    {
      std::lock_guard lock(mutex_);
      batch.swap(queue_);
    }
    for (auto& work : batch) work();
  }

  const int fd;

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> queue_;
};

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), posts_(nullptr) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  read_clock();
  timers_.advance(now());
  posts_ = new Posts;
  if (!add(posts_->fd, EPOLLIN, *posts_)) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

Loop::~Loop() {
  delete posts_;
  ::close(epoll_);
}

Loop& Loop::current() { return *current_loop; }

void Loop::read_clock() {
  now_us_ = read_us(CLOCK_MONOTONIC);
  wall_us_ = read_us(CLOCK_REALTIME);
}

bool Loop::add(int fd, std::uint32_t events, Pollable& target) {
  if (static_cast<std::size_t>(fd) >= slots_.size()) slots_.resize(fd + 64);
  Slot& slot = slots_[fd];
  slot.target = &target;
  ++slot.generation;
  if (control(EPOLL_CTL_ADD, fd, events)) return true;
  slot.target = nullptr;
  return false;
}

bool Loop::change(int fd, std::uint32_t events) { return control(EPOLL_CTL_MOD, fd, events); }

bool Loop::control(int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = (std::uint64_t{slots_[fd].generation} << 32) | static_cast<std::uint32_t>(fd);
  return epoll_ctl(epoll_, operation, fd, &event) == 0;
}

void Loop::remove(int fd) {
  slots_[fd].target = nullptr;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::post(std::function<void()> work) { posts_->push(std::move(work)); }

void Loop::stop() {
  stopping_.store(true, std::memory_order_release);
  posts_->wake();
}

void Loop::run_ready() {
  while (ready_.linked()) {
    ReadyNode& node = static_cast<ReadyNode&>(*ready_.next);
    node.unlink();
    const auto handle = node.handle;
    node.handle = nullptr;
    handle.resume();
  }
}

void Loop::run() {
  Loop* const outer = current_loop;
  current_loop = this;
  epoll_event events[events_per_turn];
  while (!stopping_.load(std::memory_order_acquire)) {
    const std::uint64_t wait = ready_.linked() ? 0 : timers_.wait_bound(now(), sleep_most_ms);
    const LoopTime due = now() + wait;
    const int count = epoll_wait(epoll_, events, events_per_turn, static_cast<int>(wait));
    read_clock();
    lag_ms_ = now() > due ? now() - due : 0;
    for (int i = 0; i < count; ++i) {
      const auto fd = static_cast<std::uint32_t>(events[i].data.u64);
      const Slot& slot = slots_[fd];
      if (slot.target == nullptr || slot.generation != events[i].data.u64 >> 32) continue;
      slot.target->on_events(events[i].events);
    }
    timers_.advance(now());
    run_ready();
    if (turn_end_) turn_end_();
    splice_all(ready_next_, ready_);
  }
  current_loop = outer;
}

}  // namespace gatehouse
