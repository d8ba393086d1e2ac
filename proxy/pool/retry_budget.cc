#include "proxy/pool/retry_budget.h"

#include <algorithm>

namespace gatehouse::pool {

void RetryBudget::turn(std::int64_t now_ms) {
  const auto period = now_ms / (window_ms / 2);
  if (period == period_) return;
  halves_[1] = period == period_ + 1 ? halves_[0] : Half{};
  halves_[0] = Half{};
  period_ = period;
}

void RetryBudget::on_request(std::int64_t now_ms) {
  turn(now_ms);
  ++halves_[0].requests;
}

bool RetryBudget::try_retry(std::int64_t now_ms, unsigned percent) {
  turn(now_ms);
  const std::uint64_t requests = std::uint64_t{halves_[0].requests} + halves_[1].requests;
  const std::uint64_t retries = std::uint64_t{halves_[0].retries} + halves_[1].retries;
  if (retries >= std::max<std::uint64_t>(retries_min, requests * percent / 100)) return false;
  ++halves_[0].retries;
  return true;
}

}  // namespace gatehouse::pool
