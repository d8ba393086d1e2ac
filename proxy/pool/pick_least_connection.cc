// least_connection: the least loaded of all, for few and long requests; equally loaded ones by weighted dice.
// What counts is requests in flight (a tunnel is one): idle kept-alive connections are no load.
#include "proxy/pool/selection.h"

namespace gatehouse::pool {

Pick pick_least_connection(const EndpointSet& set, const PickContext& context) {
  Dice dice(context.dice);
  return pick_by_tier(set, context, dice, [&](const Tier& tier) {
    std::uint32_t best = none;
    std::uint64_t best_load = 0, best_weight = 1, equals = 0;  // equals: weights of those as good as the best
    for (std::uint32_t i = tier.first; i < tier.first + tier.count; ++i) {
      if (standing(set[i], context) != Standing::usable) continue;
      const std::uint64_t load = set[i].live->requests.load(std::memory_order_relaxed);
      const auto weight = weight_now(set[i], set, context);
      const auto mine = load * best_weight, its = best_load * weight;
      if (best != none && mine > its) continue;
      equals = best == none || mine < its ? weight : equals + weight;
      if (equals != weight && below(dice, equals) >= weight) continue;
      best = i, best_load = load, best_weight = weight;
    }
    return best;
  });
}

}  // namespace gatehouse::pool
