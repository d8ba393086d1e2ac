// clock.h: the units of time of the whole program.
//   Monotonic inside (TimePoint), wall clock only for certificates, ledgers and logs. Nothing below the shell calls
//   now(): time is a parameter.
#pragma once

#include <chrono>

namespace gatehouse {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

}  // namespace gatehouse
