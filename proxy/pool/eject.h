// eject.h: what the data path itself notices: endpoints that answer with errors or can't be reached.
//   They are left out for a while, never so many that the rest breaks, never the last one.
//   Threads  any worker, without waiting: the rare ejection takes a flag or leaves it to the next error.
//   Limits   ejection time x n up to 300 s; at most max_percent of the endpoints, at least one.
//            Slow: compared with the others, so at least two of those must have been measured of late.
//   Source   Envoy's outlier detection (consecutive gateway errors), nginx's max_fails within a time.
#pragma once

#include <atomic>
#include <cstdint>

#include "conf/service.h"
#include "proxy/pool/endpoint.h"
#include "proxy/pool/endpoint_set.h"

namespace gatehouse::pool {

inline constexpr std::int64_t eject_ms_max = 300'000;
inline constexpr std::int64_t refusal_ms = 1'000;  // after a failed connection: doubled each time in a row
inline constexpr std::int64_t refusal_ms_max = 30'000;

// One at a time decides an ejection of a service. Shared by the service's worlds (service_stats.h).
class EjectGate {
 public:
  bool try_enter() { return !busy_.exchange(true, std::memory_order_acquire); }
  void leave() { busy_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> busy_{false};
};

// An answer that is no gateway error (502, 503, 504). One load when all is well.
inline void on_success(EndpointState& state) {
  if (state.consecutive_errors.load(std::memory_order_relaxed))
    state.consecutive_errors.store(0, std::memory_order_relaxed);
}
// A connection made, or a passing check.
inline void on_connected(EndpointState& state) {
  if (state.consecutive_refusals.load(std::memory_order_relaxed))
    state.consecutive_refusals.store(0, std::memory_order_relaxed);
}

// A gateway error or a broken exchange. True when it was ejected for it.
bool on_gateway_error(const Endpoint&, const EndpointSet&, const conf::Eject&, EjectGate&, Failure,
                      std::int64_t now_ms);
// An answer that took so long. True when its endpoint was ejected for being `eject.slow` times slower than half of
// the others. Looks at them with every 16th answer alone.
bool on_answer(const Endpoint&, const EndpointSet&, const conf::Eject&, EjectGate&, std::uint64_t us,
               std::int64_t now_ms);
// No connection could be had. Counts at once, whatever `eject` says: the endpoint rests a second (then 2, 4 … 30)
// while its checks look (they watch connect_failures_total). True when it rests.
bool on_connect_failure(const Endpoint&, const EndpointSet&, EjectGate&, Failure, std::int64_t now_ms);

}  // namespace gatehouse::pool
