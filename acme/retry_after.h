// retry_after.h: when a CA wants to be asked again (RFC 9110 10.2.3: seconds, or a date), and how long we wait.
//   Pure; time is a parameter.  Limits  poll_least to poll_most within an order; later_most between two tries.
#pragma once

#include <optional>
#include <string_view>

#include "net/clock.h"

namespace gatehouse::acme {

inline constexpr Seconds poll_least = 1s, poll_most = 60s, later_most = std::chrono::hours(24 * 7);

// From now on, never negative, at most later_most. Nothing: it isn't said, or not so that it can be read.
std::optional<Seconds> read_retry_after(std::string_view text, WallTime now);

// The wait before look number `looks` (from 0) at something that is under way.
Seconds poll_delay(std::optional<Seconds> told, unsigned looks);

std::optional<WallTime> read_http_date(std::string_view text);  // IMF-fixdate

}  // namespace gatehouse::acme
