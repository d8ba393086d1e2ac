// round_robin: in turn, by a schedule that spreads each endpoint's turns evenly over the round. The cursor is the
// worker's own: workers don't contend for it, and each goes round by itself. Who can't be used loses his turn to the
// next, and the cursor moves on with it, so that the turns of a dead endpoint don't all fall to its neighbour.
#include "proxy/pool/selection.h"

namespace gatehouse::pool {

Pick pick_round_robin(const EndpointSet& set, const PickContext& context) {
  Dice dice(context.dice);
  return pick_by_tier(set, context, dice, [&](const Tier& tier) {
    const auto round = tier.schedule.empty() ? tier.count : static_cast<std::uint32_t>(tier.schedule.size());
    std::uint32_t place = (context.cursor ? *context.cursor : static_cast<std::uint32_t>(dice.roll())) % round;
    for (std::uint32_t n = 0; n < round; ++n) {
      const auto index = tier.schedule.empty() ? tier.first + place : tier.schedule[place];
      place = place + 1 == round ? 0 : place + 1;
      if (!accept(set[index], set, context, dice)) continue;
      if (context.cursor) *context.cursor = place;
      return index;
    }
    return scan(set, tier, context, dice);  // all that are usable now weigh little and were passed over
  });
}

}  // namespace gatehouse::pool
