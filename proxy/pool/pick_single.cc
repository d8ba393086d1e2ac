// single: see pick.h. No panic and no resting: the one that the checks call healthy, or nobody.
#include "proxy/pool/selection.h"

namespace gatehouse::pool {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

bool is_contender(const Endpoint& endpoint) {
  const Health health = health_of(endpoint);
  if (health == Health::down || health == Health::unknown || endpoint.maintenance) return false;
  return (health == Health::warning ? endpoint.weight_warning : endpoint.weight) != 0 &&
         endpoint.live->draining_since_ms.load(relaxed) == 0;
}

// Was it there, unchecked, when the other became healthy? Then the other was only the first to answer.
bool may_be_a_second(const Endpoint& unchecked, const Endpoint& other) {
  return unchecked.live->since_ms.load(relaxed) <= other.live->healthy_since_ms.load(relaxed);
}

}  // namespace

std::vector<const Endpoint*> contenders(const EndpointSet& set) {
  std::vector<const Endpoint*> found;
  for (const Endpoint& endpoint : set.endpoints())
    if (is_contender(endpoint)) found.push_back(&endpoint);
  return found;
}

Pick pick_single(const EndpointSet& set, const PickContext& context) {
  if (set.empty()) return {Outcome::empty, nullptr};
  const Endpoint* only = nullptr;
  for (const Endpoint& endpoint : set.endpoints()) {
    if (!is_contender(endpoint)) continue;
    if (only != nullptr) return {Outcome::doubled, nullptr};
    only = &endpoint;
  }
  for (const Endpoint& endpoint : set.endpoints()) {
    const bool unchecked = health_of(endpoint) == Health::unknown && !endpoint.maintenance;
    if (unchecked && (only == nullptr || may_be_a_second(endpoint, *only))) return {Outcome::unchecked, nullptr};
  }
  if (only == nullptr) return {Outcome::unhealthy, nullptr};
  switch (standing(*only, context)) {
    case Standing::busy: return {Outcome::busy, nullptr};
    case Standing::tried: return {Outcome::tried, nullptr};
    default: return {Outcome::picked, only};
  }
}

}  // namespace gatehouse::pool
