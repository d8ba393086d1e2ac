// wall_time.h: seconds since 1970 as the wall clock's time. Pure.
//   Limits  the clock counts nanoseconds in 64 bits. What it can't hold becomes a moment far away that it can: a
//           certificate "without an end" ends in 9999 (RFC 5280 4.1.2.5).
#pragma once

#include <algorithm>
#include <ctime>

#include "net/clock.h"

namespace gatehouse {

inline WallTime wall_time(std::time_t seconds) {
  constexpr std::time_t early = -1'000'000'000,
                        late = 9'000'000'000;  // in 1938, in 2255: their distance is held, too
  return WallTime::clock::from_time_t(std::clamp(seconds, early, late));
}

}  // namespace gatehouse
