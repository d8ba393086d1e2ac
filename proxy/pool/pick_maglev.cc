// maglev: the same key at the same endpoint, on every door. The table knows nothing of health, so that doors agree
// and a sick endpoint's keys come home; while it can't be used they are spread over the others by rendezvous hashing
// (Thaler and Ravishankar 1998), which moves no other key. An endpoint that warms up or is in warning keeps a part of
// its keys: which part depends on the key alone.
#include <cmath>

#include "proxy/pool/hash.h"
#include "proxy/pool/selection.h"

namespace gatehouse::pool {
namespace {

// The usable endpoint with the greatest weight / -ln(u), u uniform by key and endpoint: chosen in proportion to
// weight.
std::uint32_t rendezvous(const EndpointSet& set, const Tier& tier, const PickContext& context) {
  std::uint32_t best = none;
  double best_score = -1;
  for (std::uint32_t i = tier.first; i < tier.first + tier.count; ++i) {
    if (standing(set[i], context) != Standing::usable) continue;
    const double u = (static_cast<double>(mix(context.hash ^ set[i].key) >> 11) + 0.5) * 0x1p-53;
    const double score = static_cast<double>(weight_now(set[i], set, context)) / -std::log(u);
    if (score > best_score) best = i, best_score = score;
  }
  return best;
}

}  // namespace

Pick pick_maglev(const EndpointSet& set, const PickContext& context) {
  Dice dice(context.hash);  // whatever is left to chance is so by key, too
  return pick_by_tier(set, context, dice, [&](const Tier& tier) {
    if (set.maglev() && &tier == &set.primaries()) {
      const auto index = set.maglev()->at(context.hash);
      Dice by_key(context.hash ^ set[index].key);
      if (accept(set[index], set, context, by_key)) return index;
    }
    return rendezvous(set, tier, context);
  });
}

}  // namespace gatehouse::pool
