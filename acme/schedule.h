// schedule.h: when a certificate is renewed, when a try that failed is repeated, and with which CA. Pure; time and
//   dice are parameters. All follows from the certificate in hand, never from what is usual.
#pragma once

#include <optional>

#include "net/clock.h"

namespace gatehouse::acme {

struct Life {
  WallTime from, to;
  WallTime::duration length() const { return to - from; }
};

inline constexpr auto short_life = std::chrono::hours(24 * 10);

// Without a word of the CA: a third of the life before its end, of a short one half, and up to a thirtieth of the
// life later (share in [0, 1)), so that what began together does not come back together.
WallTime renewal_time(const Life& life, double share);

// A CA's far window never lets a certificate come this near to its end.
WallTime last_call(const Life& life);

// After `failures` tries in a row: 1 min, 10 min, 100 min, a day; of a short life at most an hour, and never more
// than a twentieth of it, so that several tries are left.
Millis retry_delay(unsigned failures, const std::optional<Life>& life);

// Which of `count` CAs is asked: the first; after failures_most in a row over failing_least, or with less than a
// fifth of the life left and at least one failure, the next ones in turn.
struct Failing {
  unsigned failures = 0;
  WallTime since;                   // the first of them
  std::optional<std::size_t> last;  // the CA that failed last
};
inline constexpr unsigned failures_most = 3;
inline constexpr auto failing_least = std::chrono::hours(2);
std::size_t choose_ca(std::size_t count, const Failing& failing, const std::optional<Life>& life, WallTime now);

}  // namespace gatehouse::acme
