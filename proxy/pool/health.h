// health.h: from the results of an endpoint's checks to its health, and when to ask next. Pure.
//   The worst of the checks counts. A check's first result counts at once ("counters start full"); from then on
//   `rise` successes or `fall` failures in a row turn it. Connections that fail on the data path count as failed
//   results. A failure measured while the prober itself was late proves nothing and isn't counted.
//   Threads  one owner (the prober). It alone writes EndpointState::health, by `publish`.
//   Source   Consul's check states passing, warning, critical; intervals by docs/reference.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conf/service.h"
#include "net/clock.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

enum class CheckResult : std::uint8_t { passing, warning, critical };

// One check's memory.
class CheckHealth {
 public:
  explicit CheckHealth(const conf::HealthCheck& check);
  void on_result(CheckResult result, Millis lag);
  Health health() const { return health_; }
  bool changing() const {
    return row_ > 0 || health_ == Health::unknown;
  }  // the last results disagree with the verdict

 private:
  unsigned rise_, fall_;
  Millis lag_max_;
  unsigned row_ = 0;  // results in a row that speak against the verdict
  bool judged_ = false;
  Health health_;
};

class EndpointHealth {
 public:
  // `before`: what the state said; kept until a first result when the checks were changed under a living endpoint.
  EndpointHealth(std::vector<const conf::HealthCheck*> checks, Health before);

  void on_result(std::size_t check, CheckResult result, Millis lag);
  void on_connect_failure();
  Health health() const;
  bool changing(std::size_t check) const;

 private:
  std::vector<CheckHealth> checks_;
  Health before_;
};

// Writes a changed verdict into the state. True when it changed: worth an event in `history`.
bool publish(Health health, EndpointState& state, std::int64_t now_ms);

// The wait before the next probe: the interval ±20 % by dice; a second while changing; 60 s while nobody uses it.
Millis probe_delay(const conf::HealthCheck& check, bool changing, bool used, std::uint64_t dice);
// The wait before the very first probe: spread over the interval, at most a second.
Millis first_probe_delay(const conf::HealthCheck& check, std::uint64_t dice);

}  // namespace gatehouse::pool
