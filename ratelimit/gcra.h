// gcra.h: the generic cell rate algorithm (ITU-T I.371): one number of time tells all of a limit's state. Pure.
//   A key's debt is how far its theoretical arrival time lies ahead of now. Each request adds the interval (1/rate);
//   one that finds more debt than the burst allows is refused and adds nothing, so that who goes on trying is let in
//   as soon as who waits. No debt is the state of a key that never came: it may be forgotten.
#pragma once

#include <cstdint>

namespace gatehouse::ratelimit {

struct Gcra {
  std::uint64_t interval_us = 1;  // between two requests at the rate
  std::uint64_t burst_us = 0;     // the debt that is borne

  static Gcra of(std::uint64_t count, std::uint64_t per_us, std::uint64_t burst) {
    const std::uint64_t interval = (per_us + count - 1) / count;
    return {interval, interval * burst};
  }
  bool admits(std::uint64_t debt_us) const { return debt_us <= burst_us; }
  // Until a request is admitted again. REQUIRES one that isn't.
  std::uint64_t wait_us(std::uint64_t debt_us) const { return debt_us - burst_us; }
  // How many more are admitted at once.
  std::uint64_t remaining(std::uint64_t debt_us) const {
    return admits(debt_us) ? (burst_us - debt_us) / interval_us + 1 : 0;
  }
};

}  // namespace gatehouse::ratelimit
