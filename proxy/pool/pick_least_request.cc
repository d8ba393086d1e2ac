// least_request: the less loaded of two drawn by weight, load being requests in flight for each unit of weight
// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). When both are equally loaded the
// first drawn gets it, so an idle pool is used in proportion to its weights too.
#include "proxy/pool/selection.h"

namespace gatehouse::pool {

Pick pick_least_request(const EndpointSet& set, const PickContext& context) {
  Dice dice(context.dice);
  return pick_by_tier(set, context, dice, [&](const Tier& tier) {
    const auto first = draw_usable(set, tier, context, dice);
    if (first == none || tier.count == 1) return first;
    const auto second = draw_usable(set, tier, context, dice, first);
    if (second == none) return first;
    const auto load = [&](std::uint32_t i) {
      return std::uint64_t{set[i].live->requests.load(std::memory_order_relaxed)};
    };
    const auto weight = [&](std::uint32_t i) { return weight_now(set[i], set, context); };
    return load(second) * weight(first) < load(first) * weight(second) ? second : first;
  });
}

}  // namespace gatehouse::pool
