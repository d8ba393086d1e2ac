// endpoint.h: one place a service listens, as the data plane sees it.
//   Endpoint is immutable and belongs to a world; EndpointState is what lives on over worlds: counters and health,
//   found again by identity (endpoint_registry.h).
//   Threads  state: any worker, the prober and control; every field is atomic, all access relaxed. `health` is
//            written by the prober alone, `healthy_since_ms` by it and by control (what the catalog says changed),
//            `draining_since_ms` by control, the rest by workers.
//   Time     milliseconds of the steady clock (ms_of), so that a time fits an atomic. 0 means "never".
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "conf/service.h"
#include "net/clock.h"
#include "net/ip.h"

namespace gatehouse::pool {

inline std::int64_t ms_of(TimePoint time) {
  return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
}

// What our own checks say. `unknown`: some check has not answered yet; such an endpoint gets nothing.
enum class Health : std::uint8_t { unknown, up, warning, down };

// Why the last attempt failed: for `status` and the log.
enum class Failure : std::uint8_t { none, refused, connect_timeout, tls, closed, timeout, protocol, status, slow };

Health worse(Health, Health);  // down before unknown before warning before up
std::string_view name_of(Health);
std::string_view name_of(Failure);

struct alignas(64) EndpointState {
  explicit EndpointState(std::uint32_t id_) : id(id_) {}

  // Dense over the process, small; workers index their connection pools by it. Reused once nobody holds the state:
  // so who keeps connections by this id must hold the state (shared_ptr) as long as it has one.
  const std::uint32_t id;
  std::atomic<std::uint32_t> requests{0};     // in flight, over all workers
  std::atomic<std::uint32_t> connections{0};  // open, busy and idle, over all workers
  std::atomic<Health> health{Health::unknown};
  std::atomic<Failure> last_failure{Failure::none};
  std::atomic<std::uint16_t> consecutive_errors{0};    // eject.h
  std::atomic<std::uint16_t> consecutive_refusals{0};  // failed connections in a row, eject.h
  std::atomic<std::uint16_t> ejections{0};             // how often of late: the next one lasts longer
  std::atomic<std::int64_t> since_ms{0};               // when health last changed
  std::atomic<std::int64_t> healthy_since_ms{0};  // when it last became up or warning: slow_start counts from here
  std::atomic<std::int64_t> ejected_until_ms{0};
  std::atomic<std::int64_t> first_error_ms{0};     // of the present row of errors
  std::atomic<std::int64_t> draining_since_ms{0};  // 0: not; set by the operator's `drain`

  // Totals since the state was made; a line of their own, added to once per exchange.
  alignas(64) std::atomic<std::uint64_t> requests_total{0};  // sent there: a failed connection is none
  std::atomic<std::uint64_t> failures_total{0};
  std::atomic<std::uint64_t> connect_failures_total{0};  // the prober watches it: a change asks for a probe now
  std::atomic<std::uint64_t> bytes_in_total{0}, bytes_out_total{0};  // from and to the endpoint
  std::atomic<std::uint64_t> peak_latency{0}, mean_latency{0};       // latency.h; 0: not measured
  std::atomic<std::uint32_t> latency_samples{0};                     // of the mean, since it began
};

struct Endpoint {
  EndpointState* live = nullptr;  // state.get(): one load less on the data path
  std::uint32_t weight = 1, weight_warning = 1;
  std::uint32_t max_requests = 0, max_connections = 0;  // 0: no limit
  bool backup = false;
  bool checked = true;       // we run checks on it; else it is up, whatever an earlier check left in its state
  bool maintenance = false;  // the catalog's word: gets nothing
  bool held = false;         // the catalog has it no more: it serves while our own checks pass
  bool far = false;          // not of the door's zone, where the service asks for that
  Health told = Health::up;  // the catalog's word, where it runs checks itself
  bool through = false;      // reached by the pool's dialer, not by its address
  bool node_lost = false;    // told down by its node's checks alone
  SocketAddress address;
  std::uint64_t key = 0;                     // stable hash of the identity: what maglev and the like hash on
  std::string name;                          // "node/id"
  const conf::Instance* instance = nullptr;  // lives as long as the world's service
  std::shared_ptr<EndpointState> state;
};

inline bool serves(Health health) { return health == Health::up || health == Health::warning; }

// The worse of what our own checks say and what the catalog says.
inline Health health_of(const Endpoint& endpoint) {
  const Health own = endpoint.checked ? endpoint.live->health.load(std::memory_order_relaxed) : Health::up;
  return endpoint.told == Health::up ? own : worse(own, endpoint.told);
}

// Count one more request in flight; false, and nothing counted, when that would pass the endpoint's limit.
bool begin_request(const Endpoint&);
void end_request(const Endpoint&);
// The same for connections, busy or idle.
bool begin_connection(const Endpoint&);
void end_connection(EndpointState&);

}  // namespace gatehouse::pool
