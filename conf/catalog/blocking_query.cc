#include "conf/catalog/blocking_query.h"

#include <algorithm>

namespace gatehouse::catalog {
namespace {

constexpr Millis usual_wait = 5min, crowded_wait = 2s;
constexpr Millis turn_most = 10min;   // until it is its turn, in a crowd
constexpr Millis first_answer = 15s;  // of a query that doesn't block; an election takes 15 s, and is told at once
constexpr Millis slack = 5s;
constexpr Millis pause_least = 250ms, pause_most = 30s;
constexpr double turns_a_second = 8;

}  // namespace

Millis backoff(unsigned failures, std::uint64_t dice) {
  const Millis bound = std::min(pause_most, pause_least * (1u << std::min(failures, 10u)));
  return pause_least / 5 + Millis(dice % static_cast<std::uint64_t>(bound.count()));
}

BlockingQuery::Ask BlockingQuery::ask(bool crowded) const {
  const Millis turn = crowded ? turn_most : 0ms, wait = crowded ? crowded_wait : usual_wait;
  if (index_ == 0) return {0, 0ms, turn + first_answer};
  return {index_, wait, turn + wait + wait / 16 + slack};  // servers add up to a sixteenth, against herds
}

BlockingQuery::Step BlockingQuery::on_reply(const ConsulReply& reply, TimePoint now, std::uint64_t dice) {
  if (const ConsulFault fault = judge(reply); fault != ConsulFault::none) return fail(fault, now, dice);
  Step step;
  step.regressed = reply.index < index_;
  step.unmoved = index_ != 0 && reply.index == index_;
  index_ = step.regressed ? 0 : std::max<std::uint64_t>(reply.index, 1);
  failures_ = 0;
  step.next = take_turn(now);
  return step;
}

BlockingQuery::Step BlockingQuery::on_garbage(TimePoint now, std::uint64_t dice) {
  return fail(ConsulFault::garbage, now, dice);
}

BlockingQuery::Step BlockingQuery::on_silence(TimePoint now, std::uint64_t dice) {
  return fail(ConsulFault::unreachable, now, dice);
}

// Whoever answers next may be another server.
BlockingQuery::Step BlockingQuery::fail(ConsulFault fault, TimePoint now, std::uint64_t dice) {
  index_ = 0;
  return {fault, false, false, now + backoff(failures_++, dice)};
}

TimePoint BlockingQuery::take_turn(TimePoint now) {
  const double earned = std::chrono::duration<double>(now - turns_at_).count() * turns_a_second;
  turns_ = turns_at_ == TimePoint{} ? burst : std::min(burst, turns_ + std::max(0.0, earned));
  turns_at_ = now;
  turns_ -= 1;
  if (turns_ >= 0) return now;
  return now + Millis(static_cast<std::int64_t>(-turns_ / turns_a_second * 1000));
}

}  // namespace gatehouse::catalog
