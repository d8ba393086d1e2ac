// selection.h: what all policies share: which endpoints may be picked now, and drawing one of them by weight.
//   Used by the pick_*.cc files alone. Weights in here are scaled by 100, so that slow_start has its per cents.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "net/dice.h"
#include "proxy/pool/pick.h"

namespace gatehouse::pool {

enum class Standing : std::uint8_t { usable, busy, unchecked, tried, ejected, out };

// `drained_too`: as if it weren't draining, for those who have a session there.
inline Standing standing(const Endpoint& endpoint, const PickContext& context, bool drained_too = false) {
  const EndpointState& live = *endpoint.live;
  const Health health = health_of(endpoint);
  if (health == Health::down || endpoint.maintenance) return Standing::out;
  if ((health == Health::warning ? endpoint.weight_warning : endpoint.weight) == 0) return Standing::out;
  if (!drained_too && live.draining_since_ms.load(std::memory_order_relaxed) != 0) return Standing::out;
  if (health == Health::unknown) return Standing::unchecked;
  for (auto id : context.tried) {
    if (id == live.id) return Standing::tried;
  }
  if (endpoint.max_requests != 0 && live.requests.load(std::memory_order_relaxed) >= endpoint.max_requests) {
    return Standing::busy;
  }
  return live.ejected_until_ms.load(std::memory_order_relaxed) > context.now_ms ? Standing::ejected
                                                                                : Standing::usable;
}

// What a usable endpoint weighs now: by its health and, while it warms up, by the time since it became healthy.
inline std::uint64_t weight_now(const Endpoint& endpoint, const EndpointSet& set, const PickContext& context) {
  const bool warned = health_of(endpoint) == Health::warning;
  const std::uint64_t weight = warned ? endpoint.weight_warning : endpoint.weight;
  if (set.slow_start_ms() == 0) return weight * 100;
  const auto age = context.now_ms - endpoint.live->healthy_since_ms.load(std::memory_order_relaxed);
  return weight * static_cast<std::uint64_t>(std::clamp<std::int64_t>(age * 100 / set.slow_start_ms(), 10, 100));
}

inline std::uint64_t weight_most(const Endpoint& endpoint) {
  return std::uint64_t{100} * std::max(endpoint.weight, endpoint.weight_warning);
}

// Drawn endpoints come in proportion to their greatest weight; accepting them by what they weigh now makes it exact.
inline bool accept(const Endpoint& endpoint, const EndpointSet& set, const PickContext& context, Dice& dice) {
  if (standing(endpoint, context) != Standing::usable) return false;
  const auto now = weight_now(endpoint, set, context), most = weight_most(endpoint);
  return now == most || below(dice, most) < now;
}

inline constexpr std::uint32_t none = ~0u;

// A usable endpoint of the tier, never `except`, each in proportion to its weight; none if there is no such.
std::uint32_t draw_usable(const EndpointSet&, const Tier&, const PickContext&, Dice&, std::uint32_t except = none);
// The same by looking at every endpoint; `wanted` tells which.
std::uint32_t scan(const EndpointSet&, const Tier&, const PickContext&, Dice&, std::uint32_t except = none,
                   Standing wanted = Standing::usable);
// Nobody is usable: an ejected one after all, or one that fails its checks (panic.h), rather than no answer; else why
// not.
Pick last_resort(const EndpointSet&, const PickContext&, Dice&);
// Whether this request leaves the door's zone, although somebody near is usable: so few of the near ones are healthy
// that each would get more than 1.4 times its share of all near ones (Envoy's overprovisioning factor).
bool spills_over(const EndpointSet&, const PickContext&, Dice&);

// Primaries by `choose(tier)`, the near ones first where there are such; else backups, unless a primary is only busy.
template <class Choose>
Pick pick_by_tier(const EndpointSet& set, const PickContext& context, Dice& dice, Choose choose) {
  const bool away = set.spills() && spills_over(set, context, dice);
  bool busy = false;
  for (std::size_t n = 0; n < set.tiers().size(); ++n) {  // one call of `choose`, so that it is inlined
    const Tier& tier = set.tiers()[away && n < 2 ? 1 - n : n];
    if (tier.total == 0) continue;
    if (busy && &tier == &set.backups()) break;
    if (const auto index = choose(tier); index != none) return {Outcome::picked, &set[index]};
    for (std::uint32_t i = tier.first; i < tier.first + tier.count && !busy; ++i)
      busy = standing(set[i], context) == Standing::busy;
  }
  if (busy) return {Outcome::busy, nullptr};
  return last_resort(set, context, dice);
}

}  // namespace gatehouse::pool
