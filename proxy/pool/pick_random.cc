// random: one draw in proportion to the weights.
#include "proxy/pool/selection.h"

namespace gatehouse::pool {

Pick pick_random(const EndpointSet& set, const PickContext& context) {
  Dice dice(context.dice);
  return pick_by_tier(set, context, dice, [&](const Tier& tier) { return draw_usable(set, tier, context, dice); });
}

}  // namespace gatehouse::pool
