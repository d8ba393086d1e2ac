#include "proxy/pool/pick.h"

#include "proxy/pool/panic.h"
#include "proxy/pool/selection.h"

namespace gatehouse::pool {

Pick pick(const EndpointSet& set, const PickContext& context) {
  if (set.single()) return pick_single(set, context);
  for (const auto& policy : policies) {
    if (policy.balance == set.balance()) return policy.pick(set, context);
  }
  return pick_least_request(set, context);
}

Pick pick_sticky(const EndpointSet& set, std::size_t index, const PickContext& context) {
  if (set.single()) return pick_single(set, context);
  const Endpoint& endpoint = set[index];
  const auto draining = endpoint.live->draining_since_ms.load(std::memory_order_relaxed);
  const bool drained = draining != 0 && context.now_ms - draining >= set.drain_ms();
  switch (drained ? Standing::out : standing(endpoint, context, true)) {
    case Standing::usable: return {Outcome::picked, &endpoint};
    case Standing::busy: return {Outcome::busy, nullptr};
    default: break;
  }
  if (in_panic(set) && may_be_tried(endpoint, context)) return {Outcome::picked, &endpoint};
  return pick(set, context);
}

}  // namespace gatehouse::pool
