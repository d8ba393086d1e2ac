#include "proxy/pool/service_stats.h"

#include <algorithm>

#include "proxy/pool/hash.h"

namespace gatehouse::pool {

void ServiceShard::on_response(int status, std::uint64_t duration_us) {
  responses[static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1)].add();
  const auto* bound =
      std::ranges::lower_bound(latency_bounds_ms, duration_us, {}, [](std::uint64_t ms) { return ms * 1000; });
  latency[static_cast<std::size_t>(bound - latency_bounds_ms.begin())].add();
  latency_us_total.add(duration_us);
}

ServiceStats::ServiceStats(unsigned workers)
    : workers_(std::max(1u, workers)), shards_(std::make_unique<ServiceShard[]>(workers_)) {
  // Workers start their rounds at different places, or all would begin with the same endpoint.
  for (unsigned i = 0; i < workers_; ++i) shards_[i].cursor = static_cast<std::uint32_t>(mix(i + 1));
}

}  // namespace gatehouse::pool
