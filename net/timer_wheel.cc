#include "net/timer_wheel.h"

#include <algorithm>

namespace gatehouse {

void TimerWheel::link(Timer& timer, LoopTime deadline) {
  // One tick later than the deadline's own, so that a timer never fires early; never into the tick being fired.
  const LoopTime tick = std::max((deadline >> tick_shift) + 1, tick_ + 1);
  timer.unlink();
  timer.slot_time = deadline;
  timer.link_before(slots_[tick % slot_count]);
}

void TimerWheel::advance(LoopTime now) {
  const LoopTime target = now >> tick_shift;
  if (target > tick_ + slot_count) tick_ = target - slot_count;  // a long sleep: every slot once is enough
  while (tick_ < target) {
    ++tick_;
    ListNode due;
    splice_all(slots_[tick_ % slot_count], due);
    while (due.linked()) {
      Timer& timer = static_cast<Timer&>(*due.next);
      timer.unlink();
      if (timer.deadline == never) continue;
      if ((timer.deadline >> tick_shift) + 1 > tick_) {  // moved later, or of a later turn
        link(timer, timer.deadline);
        continue;
      }
      timer.deadline = never;
      timer.fire(timer);
    }
  }
}

std::uint64_t TimerWheel::wait_bound(LoopTime now, std::uint64_t most) const {
  for (LoopTime tick = tick_ + 1; tick < tick_ + slot_count; ++tick) {
    const LoopTime at = tick << tick_shift;
    if (at >= now + most) break;
    if (slots_[tick % slot_count].linked()) return at > now ? at - now : 0;
  }
  return most;
}

}  // namespace gatehouse
