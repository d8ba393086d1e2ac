// http_date.h: dates in fields, to seconds since 1970 and back (RFC 9110 5.6.7).
//   Reads IMF-fixdate and the two obsolete forms; what is none of them is no date, and a condition with it is
//   ignored. Years 1970 to 9999. A two-digit year more than 50 years ahead is of the century before. Pure, no
//   allocation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse::http {

// `now`: seconds, for the century of a two-digit year.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now);

using HttpDateText = std::array<char, 29>;
std::string_view write_http_date(std::int64_t second, HttpDateText& room);

}  // namespace gatehouse::http
