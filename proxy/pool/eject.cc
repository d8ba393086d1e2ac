#include "proxy/pool/eject.h"

#include <algorithm>
#include <limits>

#include "proxy/pool/latency.h"

namespace gatehouse::pool {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::uint32_t samples_min = 32;       // answers of an endpoint before it is compared
constexpr std::uint32_t answers_per_look = 16;  // at the others
constexpr double slow_us_min = 10'000;          // who answers within that is quick, however quick the others are

// Adds one without passing the top; exactness under contention doesn't matter here.
std::uint16_t raise(std::atomic<std::uint16_t>& counter) {
  const auto n = counter.load(relaxed);
  if (n == std::numeric_limits<std::uint16_t>::max()) return n;
  return static_cast<std::uint16_t>(counter.fetch_add(1, relaxed) + 1);
}

bool has_weight(const Endpoint& endpoint) { return std::max(endpoint.weight, endpoint.weight_warning) > 0; }

bool could_serve(const Endpoint& endpoint) {
  return serves(health_of(endpoint)) && !endpoint.maintenance && has_weight(endpoint) &&
         endpoint.live->draining_since_ms.load(relaxed) == 0;
}

// Leaves this endpoint out until then, unless too many are out already or nobody else could serve.
bool try_eject(const Endpoint& endpoint, const EndpointSet& set, EjectGate& gate, unsigned max_percent,
               std::int64_t now_ms, std::int64_t duration_ms) {
  EndpointState& state = *endpoint.live;
  if (state.ejected_until_ms.load(relaxed) > now_ms || !gate.try_enter()) return false;
  std::uint64_t ejected = 0, others = 0, all = 0;
  for (const auto& other : set.endpoints()) {
    if (!has_weight(other)) continue;
    ++all;
    const bool out = other.live->ejected_until_ms.load(relaxed) > now_ms;
    if (out) ++ejected;
    if (!out && other.live != &state && could_serve(other)) ++others;
  }
  const bool room = others > 0 && (ejected + 1) * 100 <= std::max<std::uint64_t>(100, all * max_percent);
  if (room) state.ejected_until_ms.store(now_ms + duration_ms, relaxed);
  gate.leave();
  return room;
}

// Each ejection in a row lasts longer; a time as long as one ejection without another takes one back.
bool eject_anew(const Endpoint& endpoint, const EndpointSet& set, const conf::Eject& policy, EjectGate& gate,
                std::int64_t now_ms) {
  EndpointState& state = *endpoint.live;
  const auto time = std::max<std::int64_t>(1, policy.time.count());
  const auto last_end = state.ejected_until_ms.load(relaxed);
  const auto forgiven = last_end == 0 ? 0 : std::max<std::int64_t>(0, now_ms - last_end) / time;
  const auto n = std::max<std::int64_t>(0, state.ejections.load(relaxed) - forgiven) + 1;
  const auto duration = std::min(time * n, std::max(time, eject_ms_max));
  if (!try_eject(endpoint, set, gate, policy.max_percent, now_ms, duration)) return false;
  state.ejections.store(static_cast<std::uint16_t>(std::min<std::int64_t>(n, 1000)), relaxed);
  return true;
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

  if (!eject_anew(endpoint, set, policy, gate, now_ms)) return false;
  state.consecutive_errors.store(0, relaxed);
  return true;
}

bool on_answer(const Endpoint& endpoint, const EndpointSet& set, const conf::Eject& policy, EjectGate& gate,
               std::uint64_t us, std::int64_t now_ms) {
  EndpointState& state = *endpoint.live;
  note_mean(state, us, policy.interval, now_ms);
  const Mean mine = mean_of(state, policy.interval, now_ms);
  if (mine.samples < samples_min || mine.samples % answers_per_look != 0 || mine.us < slow_us_min) return false;
  unsigned measured = 0, quicker = 0;
  for (const auto& other : set.endpoints()) {
    if (other.live == &state || !could_serve(other)) continue;
    const Mean its = mean_of(*other.live, policy.interval, now_ms);
    if (its.samples < samples_min) continue;
    ++measured;
    if (its.us * policy.slow < mine.us) ++quicker;
  }
  if (measured < 2 || quicker * 2 <= measured) return false;
  if (!eject_anew(endpoint, set, policy, gate, now_ms)) return false;
  state.last_failure.store(Failure::slow, relaxed);
  state.latency_samples.store(0, relaxed);
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
