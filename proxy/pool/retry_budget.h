// retry_budget.h: how many retries a service may still have, so that retries never become the load that kills it.
//   A retry is allowed while the retries of the last 10 s are below the given part of its requests, or below 100: a
//   service that is seldom used loses nothing when one of its few endpoints dies. Another endpoint after a failed
//   connection is not asked for here: nobody had the request yet, and the attempts of a request are few.
//   Threads  one worker's own (service_stats.h keeps one for each); plain numbers.
//   Source   Finagle's and Linkerd's retry budgets (10 a second beside the part).
#pragma once

#include <array>
#include <cstdint>

namespace gatehouse::pool {

class RetryBudget {
 public:
  static constexpr std::uint32_t retries_min = 100;
  static constexpr std::int64_t window_ms = 10'000;

  void on_request(std::int64_t now_ms);
  bool try_retry(std::int64_t now_ms, unsigned percent);  // true: allowed, and counted

 private:
  struct Half {
    std::uint32_t requests = 0, retries = 0;
  };
  void turn(std::int64_t now_ms);

  std::array<Half, 2> halves_{};  // of the window: the present one first
  std::int64_t period_ = 0;       // which half-window the present one is
};

}  // namespace gatehouse::pool
