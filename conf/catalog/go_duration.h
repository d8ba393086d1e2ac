// go_duration.h: durations as Go's time.ParseDuration reads them: "1h2m3.5s", "250ms", "-5s", "0". Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace gatehouse::catalog {

std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

}  // namespace gatehouse::catalog
