// peak_ewma: the one of two drawn by weight that would cost less, cost being how long it takes to answer times the
// requests it would then have, for each unit of weight. One of which nothing is known yet gets a single request.
// Source: Finagle's and Linkerd's balancer of that name (latency.h).
#include "proxy/pool/latency.h"
#include "proxy/pool/selection.h"

namespace gatehouse::pool {
namespace {

constexpr double unknown_us = 1'000'000;

double cost(const Endpoint& endpoint, const EndpointSet& set, const PickContext& context) {
  const double requests = endpoint.live->requests.load(std::memory_order_relaxed);
  const double us = peak_us(*endpoint.live, context.now_ms);
  const double weight = static_cast<double>(weight_now(endpoint, set, context));
  return (us == 0 && requests > 0 ? unknown_us : us) * (requests + 1) / weight;
}

}  // namespace

Pick pick_peak_ewma(const EndpointSet& set, const PickContext& context) {
  Dice dice(context.dice);
  return pick_by_tier(set, context, dice, [&](const Tier& tier) {
    const auto first = draw_usable(set, tier, context, dice);
    if (first == none || tier.count == 1) return first;
    const auto second = draw_usable(set, tier, context, dice, first);
    if (second == none) return first;
    return cost(set[second], set, context) < cost(set[first], set, context) ? second : first;
  });
}

}  // namespace gatehouse::pool
