// blocking_query.h: one blocking query of Consul: what to ask next, and when. Pure.
//   The index comes from good answers alone, and begins anew where it went backwards (a server was wiped or restored)
//   or where the agent was lost: an index that a server has not reached hides every change until the wait is over.
//   A query that comes back at once over and over is asked less often (churn), but never the first time.
//   Time  steady clock and dice are parameters. Source: Consul's API documentation, features/blocking.
#pragma once

#include <cstdint>

#include "conf/catalog/consul_reply.h"
#include "net/clock.h"

namespace gatehouse::catalog {

class BlockingQuery {
 public:
  struct Ask {
    std::uint64_t index = 0;  // 0: answer at once
    Millis wait{0};
    Millis deadline{0};  // for the whole answer: past it the connection is dead, whatever TCP thinks
  };
  struct Step {
    ConsulFault fault = ConsulFault::none;
    bool regressed = false;  // the index went backwards
    bool unmoved = false;    // the index is that of the answer before: nothing can have changed, whatever it says
    TimePoint next{};        // when to ask again
  };

  // `crowded`: others wait for the connection that this one would hold.
  Ask ask(bool crowded = false) const;
  Step on_reply(const ConsulReply& reply, TimePoint now, std::uint64_t dice);
  // The answer was good by its head, but not by its body.
  Step on_garbage(TimePoint now, std::uint64_t dice);
  Step on_silence(TimePoint now, std::uint64_t dice);  // no answer

 private:
  Step fail(ConsulFault fault, TimePoint now, std::uint64_t dice);
  TimePoint take_turn(TimePoint now);

  std::uint64_t index_ = 0;
  unsigned failures_ = 0;  // in a row
  // Turns to ask at once: a bucket that fills with time.
  double turns_ = burst;
  TimePoint turns_at_{};

  static constexpr double burst = 3;
};

// The pause after so many failures in a row: full jitter up to 250 ms × 2^n, 30 s at most.
Millis backoff(unsigned failures, std::uint64_t dice);

}  // namespace gatehouse::catalog
