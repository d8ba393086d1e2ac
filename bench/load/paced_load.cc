// paced_load.cc: latency at a fixed rate: `paced_load PORT SECONDS RATE CONNECTIONS`.
//   Requests fall due at random (a Poisson process, the same one in every run), whether or not earlier ones have been
//   answered; one that finds no connection free waits, and its time counts from when it fell due. So a proxy that
//   stalls is charged for everybody it kept waiting (what wrk's closed loop leaves out).
//   What is not answered within `grace` after the last was due is an error.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "bench/load/client.h"
#include "bench/load/response.h"

namespace gatehouse::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr auto grace = std::chrono::seconds(3);
constexpr std::string_view request = "GET /1k HTTP/1.1\r\nHost: localhost\r\nUser-Agent: paced_load\r\n\r\n";

std::deque<Clock::time_point> arrivals(Clock::time_point start, double seconds, double rate) {
  std::mt19937_64 dice(1);
  std::exponential_distribution<double> gap(rate);
  std::deque<Clock::time_point> due;
  for (double at = gap(dice); at < seconds; at += gap(dice))
    due.push_back(start + std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(at)));
  return due;
}

struct Slot {  // a connection and what it is busy with
  int fd = -1;
  Clock::time_point due;
  std::size_t filled = 0;
  std::array<char, 8192> bytes;
};

class Generator {
 public:
  Generator(std::uint16_t port, int connections) {
    for (int i = 0; i < connections; ++i) {
      auto& slot = slots_.emplace_back(std::make_unique<Slot>());
      slot->fd = connect_loopback(port);
      if (slot->fd < 0) {
        ++errors_;
        continue;
      }
      fcntl(slot->fd, F_SETFL, O_NONBLOCK);
      epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.ptr = slot.get()}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, slot->fd, &event);
      free_.push_back(slot.get());
    }
  }

  void run(std::deque<Clock::time_point> due) {
    const auto end = due.back() + grace;
    while ((!due.empty() || busy_ > 0) && Clock::now() < end) {
      while (!due.empty() && !free_.empty() && due.front() <= Clock::now()) {
        start_one(due.front());
        due.pop_front();
      }
      wait_until(due.empty() || free_.empty() ? end : due.front());
    }
    errors_ += static_cast<long>(due.size()) + busy_;
  }

  void report() {
    std::sort(took_.begin(), took_.end());
    const auto quantile = [&](double q) {
      if (took_.empty()) return 0.0;
      const auto at = static_cast<std::size_t>(q * static_cast<double>(took_.size() - 1));
      return std::chrono::duration<double, std::micro>(took_[at]).count();
    };
    std::printf("units=%zu errors=%ld p50_us=%.1f p99_us=%.1f\n", took_.size(), errors_, quantile(0.5),
                quantile(0.99));
  }

 private:
  void start_one(Clock::time_point due) {
    Slot& slot = *free_.front();
    free_.pop_front();
    slot.due = due;
    slot.filled = 0;
    ++busy_;
    if (::send(slot.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      drop(slot);
  }

  void wait_until(Clock::time_point until) {
    const auto left = std::max(nanoseconds(0), std::chrono::duration_cast<nanoseconds>(until - Clock::now()));
    const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const int count = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
    for (int i = 0; i < count; ++i) receive(*static_cast<Slot*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  void receive(Slot& slot) {
    const ssize_t got = recv(slot.fd, slot.bytes.data() + slot.filled, slot.bytes.size() - slot.filled, 0);
    if (got <= 0) return drop(slot);
    slot.filled += static_cast<std::size_t>(got);
    const auto response = read_response({slot.bytes.data(), slot.filled});
    if (!response || slot.filled < response->size()) return;
    if (response->good) took_.push_back(Clock::now() - slot.due);
    errors_ += !response->good;
    --busy_;
    free_.push_back(&slot);
  }

  // A keep-alive connection that the proxy ends is an error, busy or not; the rest carry on without it.
  void drop(Slot& slot) {
    close(slot.fd);
    ++errors_;
    const auto idle = std::find(free_.begin(), free_.end(), &slot);
    if (idle == free_.end()) {
      --busy_;
    } else {
      free_.erase(idle);
    }
  }

  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Slot>> slots_;
  std::deque<Slot*> free_;  // used in turn, so that every connection stays in use
  long busy_ = 0, errors_ = 0;
  std::vector<nanoseconds> took_;
};

}  // namespace
}  // namespace gatehouse::bench

int main(int argc, char** argv) {
  using namespace gatehouse::bench;
  if (argc < 5) {
    std::fputs("usage: paced_load PORT SECONDS RATE CONNECTIONS\n", stderr);
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1);  // wake on time: lateness of ours would be charged to the proxy
  Generator generator(static_cast<std::uint16_t>(std::atoi(argv[1])), std::atoi(argv[4]));
  auto due = arrivals(Clock::now(), std::atof(argv[2]), std::atof(argv[3]));
  if (due.empty()) {
    std::fputs("paced_load: no request falls due in so short a time\n", stderr);
    return 2;
  }
  generator.run(std::move(due));
  generator.report();
}
