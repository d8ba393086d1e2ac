#include "proxy/pool/eject.h"

#include <algorithm>
#include <limits>

namespace gatehouse::pool {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// Adds one without passing the top; exactness under contention doesn't matter here.
std::uint16_t raise(std::atomic<std::uint16_t>& counter) {
  const auto n = counter.load(relaxed);
  if (n == std::numeric_limits<std::uint16_t>::max()) return n;
  return static_cast<std::uint16_t>(counter.fetch_add(1, relaxed) + 1);
}

bool could_serve(const Endpoint& endpoint) {
  const Health health = health_of(endpoint);
  return (health == Health::up || health == Health::warning) && !endpoint.maintenance &&
         std::max(endpoint.weight, endpoint.weight_warning) > 0 &&
         endpoint.live->draining_since_ms.load(relaxed) == 0;
}

// Leaves this endpoint out until then, unless too many are out already or nobody else could serve.
bool try_eject(const Endpoint& endpoint, const EndpointSet& set, EjectGate& gate, unsigned max_percent,
               std::int64_t now_ms, std::int64_t duration_ms) {
  EndpointState& state = *endpoint.live;
  if (state.ejected_until_ms.load(relaxed) > now_ms || !gate.try_enter()) return false;
  std::uint64_t ejected = 0, others = 0;
  for (const auto& other : set.endpoints()) {
    const bool out = other.live->ejected_until_ms.load(relaxed) > now_ms;
    if (out) ++ejected;
    if (!out && other.live != &state && could_serve(other)) ++others;
  }
  const bool room = others > 0 && (ejected + 1) * 100 <= std::max<std::uint64_t>(100, set.size() * max_percent);
  if (room) state.ejected_until_ms.store(now_ms + duration_ms, relaxed);
  gate.leave();
  return room;
}

}  // namespace

bool on_gateway_error(const Endpoint& endpoint, const EndpointSet& set, const conf::Eject& policy, EjectGate& gate,
                      Failure why, std::int64_t now_ms) {
  EndpointState& state = *endpoint.live;
  state.failures_total.fetch_add(1, relaxed);
  state.last_failure.store(why, relaxed);
  if (policy.errors == 0) return false;
  std::uint16_t row = 1;
  if (state.consecutive_errors.load(relaxed) == 0 ||
      now_ms - state.first_error_ms.load(relaxed) > policy.interval.count()) {
    state.first_error_ms.store(now_ms, relaxed);
    state.consecutive_errors.store(1, relaxed);
  } else {
    row = raise(state.consecutive_errors);
  }
  if (row < policy.errors) return false;

  // Each ejection in a row lasts longer; a time as long as one ejection without another takes one back.
  const auto time = std::max<std::int64_t>(1, policy.time.count());
  const auto last_end = state.ejected_until_ms.load(relaxed);
  const auto forgiven = last_end == 0 ? 0 : std::max<std::int64_t>(0, now_ms - last_end) / time;
  const auto n = std::max<std::int64_t>(0, state.ejections.load(relaxed) - forgiven) + 1;
  const auto duration = std::min(time * n, std::max(time, eject_ms_max));
  if (!try_eject(endpoint, set, gate, policy.max_percent, now_ms, duration)) return false;
  state.ejections.store(static_cast<std::uint16_t>(std::min<std::int64_t>(n, 1000)), relaxed);
  state.consecutive_errors.store(0, relaxed);
  return true;
}

bool on_connect_failure(const Endpoint& endpoint, const EndpointSet& set, EjectGate& gate, Failure why,
                        std::int64_t now_ms) {
  EndpointState& state = *endpoint.live;
  state.connect_failures_total.fetch_add(1, relaxed);
  state.last_failure.store(why, relaxed);
  const int doublings = std::min(raise(state.consecutive_refusals) - 1, 5);
  return try_eject(endpoint, set, gate, 100, now_ms, std::min(refusal_ms << doublings, refusal_ms_max));
}

}  // namespace gatehouse::pool
