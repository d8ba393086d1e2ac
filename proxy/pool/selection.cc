#include "proxy/pool/selection.h"

#include "proxy/pool/panic.h"

namespace gatehouse::pool {
namespace {

constexpr int draws_max = 4;             // then the pool is in a state that wants a look at all of it
constexpr std::uint32_t looks_max = 32;  // near endpoints whose health is taken for that of all
constexpr std::uint64_t overprovisioning_percent = 140;

// One endpoint in proportion to its greatest weight, never `except`, whatever its standing.
std::uint32_t draw(const Tier& tier, Dice& dice, std::uint32_t except) {
  const bool skip = except != none;
  if (tier.sums.empty()) {
    const auto i = static_cast<std::uint32_t>(below(dice, tier.count - (skip ? 1 : 0)));
    return tier.first + i + (skip && tier.first + i >= except ? 1 : 0);
  }
  const auto before = [&](std::uint32_t i) { return i == 0 ? 0 : tier.sums[i - 1]; };
  const std::uint32_t gap = skip ? except - tier.first : 0;
  const std::uint64_t gap_size = skip ? tier.sums[gap] - before(gap) : 0;
  auto place = below(dice, tier.total - gap_size);
  if (skip && place >= before(gap)) place += gap_size;
  return tier.first + static_cast<std::uint32_t>(std::ranges::upper_bound(tier.sums, place) - tier.sums.begin());
}

}  // namespace

std::uint32_t scan(const EndpointSet& set, const Tier& tier, const PickContext& context, Dice& dice,
                   std::uint32_t except, Standing wanted) {
  std::uint32_t chosen = none;
  std::uint64_t sum = 0;  // weighted reservoir: each replaces the chosen one with weight / sum so far
  for (std::uint32_t i = tier.first; i < tier.first + tier.count; ++i) {
    if (i == except || standing(set[i], context) != wanted) continue;
    const auto weight = weight_now(set[i], set, context);
    sum += weight;
    if (below(dice, sum) < weight) chosen = i;
  }
  return chosen;
}

std::uint32_t draw_usable(const EndpointSet& set, const Tier& tier, const PickContext& context, Dice& dice,
                          std::uint32_t except) {
  const auto excepted = except == none ? 0 : std::max(set[except].weight, set[except].weight_warning);
  if (tier.total == excepted) return none;
  for (int n = 0; n < draws_max; ++n) {
    const auto i = draw(tier, dice, except);
    if (accept(set[i], set, context, dice)) return i;
  }
  return scan(set, tier, context, dice, except);
}

Pick last_resort(const EndpointSet& set, const PickContext& context, Dice& dice) {
  if (set.empty()) return {Outcome::empty, nullptr};
  for (const Tier& tier : set.tiers()) {
    const auto index = scan(set, tier, context, dice, none, Standing::ejected);
    if (index != none) return {Outcome::picked, &set[index]};
  }
  Outcome outcome = Outcome::unhealthy;
  for (const auto& endpoint : set.endpoints()) {
    const auto now = standing(endpoint, context);
    if (now == Standing::unchecked) return {Outcome::unchecked, nullptr};
    if (now == Standing::tried) outcome = Outcome::tried;
  }
  if (outcome == Outcome::unhealthy) return pick_in_panic(set, context, dice);
  return {outcome, nullptr};
}

bool spills_over(const EndpointSet& set, const PickContext& context, Dice& dice) {
  const Tier& near = set.primaries();
  if (near.total == 0) return false;  // they aren't there to be preferred
  const auto looked_at = std::min(near.count, looks_max);
  auto i = looked_at == near.count ? 0 : static_cast<std::uint32_t>(below(dice, near.count));
  std::uint64_t healthy = 0, all = 0;
  for (std::uint32_t n = 0; n < looked_at; ++n, i = i + 1 == near.count ? 0 : i + 1) {
    const Endpoint& endpoint = set[near.first + i];
    const auto now = standing(endpoint, context);
    all += weight_most(endpoint);
    if (now == Standing::usable || now == Standing::busy || now == Standing::tried) healthy += weight_most(endpoint);
  }
  const std::uint64_t carried = healthy * overprovisioning_percent, wanted = all * 100;
  return carried < wanted && below(dice, wanted) >= carried;
}

}  // namespace gatehouse::pool
