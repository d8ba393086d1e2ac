// odd_events.h: how much oddity of a peer is borne: everything that costs us something and moves no message on.
//   A leaky bucket: `burst` at once, `per_second` for good. One for all kinds, so that a peer can't have them all.
//   Pure; time in milliseconds of the loop.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gatehouse::http2 {

class OddEvents {
 public:
  OddEvents(unsigned burst, unsigned per_second) : burst_(burst), per_second_(per_second) {}

  // False: that was one too many.
  bool note(std::uint64_t now_ms, unsigned weight = 1) {
    const std::uint64_t leaked = (now_ms - std::min(now_ms, at_ms_)) * per_second_;
    level_ -= std::min(level_, leaked);
    at_ms_ = now_ms;
    level_ += std::uint64_t{weight} * 1000;
    return level_ <= std::uint64_t{burst_} * 1000;
  }

 private:
  unsigned burst_, per_second_;
  std::uint64_t at_ms_ = 0, level_ = 0;  // thousandths
};

}  // namespace gatehouse::http2
