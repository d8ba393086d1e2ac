// latency.h: how long an endpoint takes to answer, kept in one atomic each: a moving average and when it last moved.
//   Threads  any worker, without waiting: of two answers at once one may be lost, which an average survives.
//   Time     of the answer's first bytes since the request was sent. TCP: of connecting.
//   Source   peak: Finagle's and Linkerd's "peak EWMA"; the mean is for eject.h.
#pragma once

#include <atomic>
#include <cstdint>

#include "net/clock.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

inline constexpr Millis peak_decay = 10s;             // to a third of what it was
inline constexpr std::uint64_t error_us = 1'000'000;  // what an error counts as: quick ones must attract nobody

// Up at once with a slower answer; down by and by, with quicker ones or with time alone.
void note_peak(EndpointState&, std::uint64_t us, std::int64_t now_ms);
double peak_us(const EndpointState&, std::int64_t now_ms);

// The mean over about `window`. An answer moves it by a sixteenth of itself at the most, and counts as no more than
// four times the mean: one slow answer is nothing. After a silence of a whole window it begins anew.
void note_mean(EndpointState&, std::uint64_t us, Millis window, std::int64_t now_ms);
struct Mean {
  double us = 0;
  std::uint32_t samples = 0;  // 0 too when it is older than the window
};
Mean mean_of(const EndpointState&, Millis window, std::int64_t now_ms);

}  // namespace gatehouse::pool
