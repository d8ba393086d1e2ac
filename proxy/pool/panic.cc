#include "proxy/pool/panic.h"

#include "proxy/pool/eject.h"
#include "proxy/pool/selection.h"

namespace gatehouse::pool {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr int doublings_max = 2;  // of the rest between two requests at one that refuses connections

bool is_candidate(const Endpoint& endpoint) {
  const bool is_told_down = endpoint.told == Health::down && !endpoint.node_lost;
  return !is_told_down && health_of(endpoint) == Health::down && endpoint.weight != 0 && !endpoint.maintenance &&
         !endpoint.held && endpoint.live->draining_since_ms.load(relaxed) == 0;
}

Standing standing_in_panic(const Endpoint& endpoint, const PickContext& context) {
  if (!is_candidate(endpoint)) return Standing::out;
  if (std::ranges::find(context.tried, endpoint.live->id) != context.tried.end()) return Standing::tried;
  if (endpoint.max_requests != 0 && endpoint.live->requests.load(relaxed) >= endpoint.max_requests)
    return Standing::busy;
  return endpoint.live->consecutive_refusals.load(relaxed) != 0 ? Standing::ejected : Standing::usable;
}

// Who has it tries the endpoint for all others.
bool claim(EndpointState& live, std::int64_t now_ms) {
  auto until = live.ejected_until_ms.load(relaxed);
  const int doublings = std::min<int>(live.consecutive_refusals.load(relaxed) - 1, doublings_max);
  return until <= now_ms && live.ejected_until_ms.compare_exchange_strong(
                                until, now_ms + (refusal_ms << std::max(doublings, 0)), relaxed);
}

}  // namespace

bool in_panic(const EndpointSet& set) {
  if (!set.panics()) return false;
  bool any = false;
  for (const Endpoint& endpoint : set.endpoints()) {
    if (standing(endpoint, {}) != Standing::out) return false;
    any = any || is_candidate(endpoint);
  }
  return any;
}

bool may_be_tried(const Endpoint& endpoint, const PickContext& context) {
  const Standing now = standing_in_panic(endpoint, context);
  return now == Standing::usable || (now == Standing::ejected && claim(*endpoint.live, context.now_ms));
}

Pick pick_in_panic(const EndpointSet& set, const PickContext& context, Dice& dice) {
  Outcome outcome = Outcome::unhealthy;
  if (!set.panics()) return {outcome, nullptr};
  for (const Tier& tier : set.tiers()) {
    std::uint32_t chosen = none;
    std::uint64_t sum = 0;  // weighted reservoir, as in scan()
    for (std::uint32_t i = tier.first; i < tier.first + tier.count; ++i) {
      const Standing now = standing_in_panic(set[i], context);
      if (now == Standing::busy) outcome = Outcome::busy;
      if (now == Standing::tried && outcome != Outcome::busy) outcome = Outcome::tried;
      if (now != Standing::usable) continue;
      sum += set[i].weight;
      if (below(dice, sum) < set[i].weight) chosen = i;
    }
    for (std::uint32_t i = tier.first; i < tier.first + tier.count && chosen == none; ++i)
      if (may_be_tried(set[i], context)) chosen = i;
    if (chosen != none) return {Outcome::picked, &set[chosen]};
  }
  return {outcome, nullptr};
}

}  // namespace gatehouse::pool
