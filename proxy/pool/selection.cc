#include "proxy/pool/selection.h"

namespace gatehouse::pool {
namespace {

constexpr int draws_max = 4;  // then the pool is in a state that wants a look at all of it

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
  for (const Tier* tier : {&set.primaries(), &set.backups()}) {
    const auto index = scan(set, *tier, context, dice, none, Standing::ejected);
    if (index != none) return {Outcome::picked, &set[index]};
  }
  Outcome outcome = Outcome::unhealthy;
  for (const auto& endpoint : set.endpoints()) {
    const auto now = standing(endpoint, context);
    if (now == Standing::unchecked) return {Outcome::unchecked, nullptr};
    if (now == Standing::tried) outcome = Outcome::tried;
  }
  return {outcome, nullptr};
}

}  // namespace gatehouse::pool
