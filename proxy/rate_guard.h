// rate_guard.h: ends transfers that trickle: a least rate, judged over whole windows. Pure.
//   An idle timer alone never ends a client that moves one byte a second. A window counts against a side only if the
//   transfer was waiting for that side at its end, so that a slow backend is never held against the client.
#pragma once

#include <cstdint>

#include "net/timer_wheel.h"

namespace gatehouse::proxy {

class RateGuard {
 public:
  RateGuard(std::uint64_t bytes_per_second, LoopTime window_ms) : rate_(bytes_per_second), window_(window_ms) {}

  void start(LoopTime now, std::uint64_t moved) {
    window_start_ = now;
    moved_then_ = moved;
  }
  // When to look next; never while the guard is off.
  LoopTime due() const { return rate_ == 0 ? never : window_start_ + window_; }
  // `blocked`: the transfer waits for the guarded side. True: too slow over the window that just ended.
  bool too_slow(LoopTime now, std::uint64_t moved, bool blocked) {
    if (now < due()) return false;
    const std::uint64_t least = rate_ * (now - window_start_) / 1000;
    const bool slow = blocked && moved - moved_then_ < least;
    start(now, moved);
    return slow;
  }

 private:
  std::uint64_t rate_;
  LoopTime window_, window_start_ = 0;
  std::uint64_t moved_then_ = 0;
};

}  // namespace gatehouse::proxy
