#include "proxy/pool/health.h"

#include <algorithm>
#include <array>

#include "net/dice.h"
#include "proxy/pool/endpoint_registry.h"

namespace gatehouse::pool {
namespace {

constexpr Millis changing_interval = 1s;
constexpr Millis unused_interval = 60s, unused_after = 60s;

Health health_of(CheckResult result) {
  constexpr std::array said = {Health::up, Health::warning, Health::down};
  return said[static_cast<std::size_t>(result)];
}

}  // namespace

CheckHealth::CheckHealth(const conf::HealthCheck& check, Health before)
    : rise_(std::max(1u, check.rise)),
      fall_(std::max(1u, check.fall)),
      warns_(check.fall_warning == 0 ? fall_ : check.fall_warning),
      lag_max_(std::clamp(check.timeout / 4, Millis(50), Millis(500))),
      judged_(before != Health::unknown),
      health_(judged_ ? before : initially(check)) {
  if (check.kind != conf::HealthCheck::Kind::ttl) return;
  rise_ = fall_ = warns_ = 1;  // told to us, not measured: it is as it says
  judged_ = true;
  health_ = initially(check);
}

Pace CheckHealth::pace(bool used) const {
  if (row_ > 0 || !judged_) return Pace::changing;
  return used || health_ == Health::down ? Pace::usual : Pace::unused;
}

void CheckHealth::on_result(CheckResult result, Millis lag) {
  if (result == CheckResult::critical && lag > lag_max_) return;
  const Health said = health_of(result);
  if (!judged_) {
    judged_ = true;
    health_ = said;
    return;
  }
  if ((said == Health::down) == (health_ == Health::down)) {
    health_ = said;  // up and warning follow each other at once
    row_ = 0;
  } else if (++row_ >= (said == Health::down ? fall_ : rise_)) {
    health_ = said;
    row_ = 0;
  } else if (said == Health::down && row_ >= warns_) {
    health_ = Health::warning;
  }
}

bool in_use(const conf::Service& service, const Endpoint& endpoint, Millis unused_for) {
  return endpoint.backup || service.single || endpoint.live->requests.load(std::memory_order_relaxed) > 0 ||
         unused_for < unused_after;
}

EndpointHealth::EndpointHealth(std::span<const conf::HealthCheck* const> checks, Health before) {
  for (const auto* check : checks) checks_.emplace_back(*check, before);
}

void EndpointHealth::on_result(std::size_t check, CheckResult result, Millis lag) {
  checks_[check].on_result(result, lag);
}

Health EndpointHealth::health() const {
  Health worst = Health::up;
  for (const auto& check : checks_) {
    worst = worse(worst, check.health());
  }
  return worst;
}

bool publish(Health health, EndpointState& state, std::int64_t now_ms) {
  const Health before = state.health.load(std::memory_order_relaxed);
  if (before == health) return false;
  const auto serves = [](Health h) { return h == Health::up || h == Health::warning; };
  if (serves(health) && !serves(before)) {
    state.healthy_since_ms.store(now_ms, std::memory_order_relaxed);
    state.ejected_until_ms.store(0, std::memory_order_relaxed);  // what the data path held against it is past
    state.consecutive_refusals.store(0, std::memory_order_relaxed);
  }
  state.since_ms.store(now_ms, std::memory_order_relaxed);
  state.health.store(health, std::memory_order_relaxed);
  return true;
}

Millis probe_delay(const conf::HealthCheck& check, Pace pace, std::uint64_t dice) {
  Millis base = check.interval;
  if (pace == Pace::changing) base = std::min(base, changing_interval);
  if (pace == Pace::unused) base = std::max(base, unused_interval);
  Dice throws(dice);
  const auto fifth = base.count() / 5;
  return base - Millis(fifth) + Millis(below(throws, 2 * static_cast<std::uint64_t>(fifth) + 1));
}

Millis first_probe_delay(const conf::HealthCheck& check, std::uint64_t dice) {
  Dice throws(dice);
  const auto spread = std::min(check.interval / 5, Millis(200));
  return Millis(below(throws, static_cast<std::uint64_t>(spread.count()) + 1));
}

}  // namespace gatehouse::pool
