// values.h: the text forms of durations, sizes and the like, as operators write them in YAML and in tags.
//   Errors say what to write instead ("60: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d"). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::conf {

Result<Millis> parse_duration(std::string_view text);     // 500ms, 2s, 5m, 1h, 7d, 1w, 1h30m; 0 needs no unit
Result<std::uint64_t> parse_size(std::string_view text);  // 64KiB, 2GiB, 10MB, 512 (bytes)
Result<bool> parse_bool(std::string_view text);           // true, false
Result<unsigned> parse_number(std::string_view text, unsigned least, unsigned most);
Result<unsigned> parse_percent(std::string_view text);  // 20%
std::string network_meant(std::string_view text);       // "10.0.0.7/8: holds all of 10.0.0.0/8; …", or nothing to say
std::string duration_text(Millis value);                // the shortest exact form
std::string size_text(std::uint64_t bytes);

// The candidate nearest to a mistyped word, or empty if none is near: for "did you mean …?".
// Near is what few letters make equal, else what has the same parts in another order, or more of them.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
std::string did_you_mean(std::string_view nearest);  // "; did you mean listen?", or nothing

}  // namespace gatehouse::conf
