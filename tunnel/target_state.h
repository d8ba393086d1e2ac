// target_state.h: whether an exit is worth a try, as connections found it, over all workers.
//   One that failed rests, for a second at first, then twice as long each time, 30 s at most; one that answers is
//   back at once. While all rest, they are tried all the same: nobody is refused unasked. Time is a parameter.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace gatehouse::tunnel {

class TargetState {
 public:
  static constexpr std::int64_t rest_first_ms = 1000, rest_most_ms = 30'000;

  void answered() { failures_.store(0, std::memory_order_relaxed), rests_until_.store(0, std::memory_order_relaxed); }
  void failed(std::int64_t now_ms) {
    const unsigned before = failures_.load(std::memory_order_relaxed);
    failures_.store(std::min(before + 1, 16u), std::memory_order_relaxed);
    rests_until_.store(now_ms + std::min(rest_first_ms << std::min(before, 8u), rest_most_ms),
                       std::memory_order_relaxed);
  }
  bool rests(std::int64_t now_ms) const { return rests_until_.load(std::memory_order_relaxed) > now_ms; }
  unsigned failures() const { return failures_.load(std::memory_order_relaxed); }  // in a row

 private:
  std::atomic<unsigned> failures_{0};
  std::atomic<std::int64_t> rests_until_{0};
};

}  // namespace gatehouse::tunnel
