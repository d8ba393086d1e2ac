// service_stats.h: what is counted of a service, carried from world to world by its name.
//   Threads  a shard belongs to one worker, which alone writes it;
//            metrics read all shards. `queued` and the eject gate are shared by all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "net/counter.h"
#include "proxy/pool/eject.h"
#include "proxy/pool/retry_budget.h"
#include "proxy/pool/waiting_line.h"

namespace gatehouse::pool {

// Upper bounds in milliseconds; one bucket more for all above.
inline constexpr std::array<std::uint32_t, 14> latency_bounds_ms = {1,   2,   5,    10,   25,   50,    100,
                                                                    250, 500, 1000, 2500, 5000, 10000, 30000};

struct alignas(64) ServiceShard {
  std::array<Counter, 5> responses;  // by class: [0] 1xx … [4] 5xx
  Counter aborted;                   // ended without a response: the client or the time took it
  Counter retries, retries_refused;  // refused: by the budget
  Counter queue_full, queue_timeout;
  Counter auth_refused, auth_failed;  // failed: it could not be found out who may pass
  Counter auth_pages_replaced;        // of servers that were asked, which were too large
  Counter canaries;                   // requests that went to the canary
  Counter bytes_in, bytes_out;        // from and to clients
  Counter sessions, sessions_failed;  // of TCP; failed: got no endpoint
  std::array<Counter, latency_bounds_ms.size() + 1> latency;
  Counter latency_us_total;

  RetryBudget budget;        // touched by its worker alone
  std::uint32_t cursor = 0;  // round_robin's place; touched by its worker alone
  WaitingLine line;          // touched by its worker alone

  void on_response(int status, std::uint64_t duration_us);
};

class ServiceStats {
 public:
  explicit ServiceStats(unsigned workers);
  ServiceShard& shard(unsigned worker) { return shards_[worker]; }
  std::span<const ServiceShard> shards() const { return {shards_.get(), workers_}; }

  alignas(64) std::atomic<std::uint32_t> queued{0};  // waiting now, over all workers
  EjectGate eject;
  // Until when (ms since 1970) the service is under maintenance by command; 0: it is not.
  std::atomic<std::int64_t> maintenance_until_ms{0};

 private:
  unsigned workers_;
  std::unique_ptr<ServiceShard[]> shards_;
};

}  // namespace gatehouse::pool
