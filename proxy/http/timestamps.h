// timestamps.h: wall time as text, formatted once a second.
//   One object a worker; not shared between threads. Time is a parameter. Years 1970 to 9999.
//   Source: IMF-fixdate of RFC 9110 5.6.7; RFC 3339.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "net/clock.h"

namespace gatehouse::http {

class HttpDate {
 public:
  std::string_view at(WallTime now);  // "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call

 private:
  std::int64_t second_ = -1;
  std::array<char, 29> text_;
};

class LogTime {
 public:
  std::string_view at(WallTime now);  // "1994-11-06T08:49:37.123Z"; valid until the next call

 private:
  std::int64_t second_ = -1;
  std::array<char, 24> text_;
};

}  // namespace gatehouse::http
