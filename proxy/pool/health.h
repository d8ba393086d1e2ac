// health.h: from the results of an endpoint's checks to its health, and when to ask next. Pure.
//   The worst of the checks counts. A check's first result counts at once ("counters start full"); from then on
//   `rise` successes or `fall` failures in a row turn it. A failure measured while the prober itself was late proves
//   nothing and isn't counted.
//   Threads  one owner (the prober). It alone writes EndpointState::health, by `publish`.
//   Source   Consul's check states passing, warning, critical; intervals by docs/reference.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "conf/service.h"
#include "net/clock.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

enum class CheckResult : std::uint8_t { passing, warning, critical };

// How soon to ask again: quickly while the last results disagree with the verdict or none has come; seldom while all
// is well and nobody uses the endpoint (one that is down is asked as usual, or it would come back late).
enum class Pace : std::uint8_t { usual, changing, unused };

// One check's memory.
class CheckHealth {
 public:
  // `before`: as in EndpointHealth.
  CheckHealth(const conf::HealthCheck& check, Health before);
  void on_result(CheckResult result, Millis lag);
  Health health() const { return health_; }
  Pace pace(bool used) const;

 private:
  unsigned rise_, fall_, warns_;  // results in a row
  Millis lag_max_;
  unsigned row_ = 0;  // results in a row that speak against the verdict
  bool judged_;
  Health health_;
};

// Whether an endpoint's checks keep their usual pace: it was used of late, or is now (a TCP session lasts long after
// its beginning), or is needed at once when it is: a backup, or one that could be the primary.
bool in_use(const conf::Service& service, const Endpoint& endpoint, Millis unused_for);

class EndpointHealth {
 public:
  // `before`: what the endpoint's state says. Checks that come to an endpoint already judged (because they were
  // changed under it) take its verdict over and have to turn it by `rise` or `fall`: a change of a check takes nobody
  // out.
  EndpointHealth(std::span<const conf::HealthCheck* const> checks, Health before);

  // `lag`: how late the prober itself was.
  void on_result(std::size_t check, CheckResult result, Millis lag);
  Health health() const;  // up without checks
  Pace pace(std::size_t check, bool used) const { return checks_[check].pace(used); }

 private:
  std::vector<CheckHealth> checks_;
};

// Writes a changed verdict into the state. True when it changed: worth an event in `history`.
bool publish(Health health, EndpointState& state, std::int64_t now_ms);

// The wait before the next probe, ±20 % by dice: the interval; at most a second while changing; at least 60 s unused.
Millis probe_delay(const conf::HealthCheck& check, Pace pace, std::uint64_t dice);
// The wait before the very first probe: at most 200 ms, so that a new endpoint serves soon and 1,000 don't ask at
// once.
Millis first_probe_delay(const conf::HealthCheck& check, std::uint64_t dice);

}  // namespace gatehouse::pool
