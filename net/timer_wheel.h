// timer_wheel.h: deadlines of one loop, in ticks of 16 ms.
//   Hashed wheel: a slot holds every timer whose deadline falls on it, whatever the turn. Lazy: moving a deadline
//   later costs one store, the timer is looked at when its old slot comes by. One thread. Nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "net/clock.h"
#include "net/intrusive_list.h"

namespace gatehouse {

// Deadlines inside a loop: milliseconds of the monotonic clock.
using LoopTime = std::uint64_t;
inline constexpr LoopTime never = std::numeric_limits<LoopTime>::max();

struct Timer : ListNode {
  LoopTime deadline = never;
  LoopTime slot_time = never;  // when its slot is looked at; <= deadline while linked
  void (*fire)(Timer&) = nullptr;
};

class TimerWheel {
 public:
  // Sets or moves a timer. An earlier deadline relinks; a later one only stores.
  void set(Timer& timer, LoopTime deadline) {
    timer.deadline = deadline;
    if (deadline == never || (timer.linked() && timer.slot_time <= deadline)) return;
    link(timer, deadline);
  }
  void cancel(Timer& timer) { timer.deadline = never; }

  // Fires what is due. A fired timer is unlinked first and may be set again by its callback.
  void advance(LoopTime now);

  // An upper bound for the next look: the time until the next slot with timers, at most `most` ms.
  std::uint64_t wait_bound(LoopTime now, std::uint64_t most) const;

 private:
  static constexpr unsigned tick_shift = 4, slot_count = 4096;
  void link(Timer& timer, LoopTime deadline);

  std::array<ListNode, slot_count> slots_;
  LoopTime tick_ = 0;  // the last tick that was advanced to
};

}  // namespace gatehouse
