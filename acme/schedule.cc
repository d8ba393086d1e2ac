#include "acme/schedule.h"

#include <algorithm>
#include <array>

namespace gatehouse::acme {
namespace {

using Span = WallTime::duration;

Span share_of(Span whole, double share) {
  return std::chrono::duration_cast<Span>(std::chrono::duration<double, Span::period>(whole) * share);
}

}  // namespace

WallTime renewal_time(const Life& life, double share) {
  const double left = life.length() < short_life ? 1.0 / 2 : 1.0 / 3;
  return life.to - share_of(life.length(), left) + share_of(life.length(), share / 30);
}

WallTime last_call(const Life& life) { return life.to - share_of(life.length(), 1.0 / 20); }

Millis retry_delay(unsigned failures, const std::optional<Life>& life) {
  constexpr std::array<Millis, 4> steps = {std::chrono::minutes(1), std::chrono::minutes(10),
                                           std::chrono::minutes(100), std::chrono::hours(24)};
  Millis delay = steps[std::min<std::size_t>(std::max(failures, 1u) - 1, steps.size() - 1)];
  if (!life) return delay;
  if (life->length() < short_life) delay = std::min<Millis>(delay, std::chrono::hours(1));
  const auto twentieth = std::chrono::duration_cast<Millis>(share_of(life->length(), 1.0 / 20));
  return std::max<Millis>(std::min(delay, twentieth), 1s);
}

std::size_t choose_ca(std::size_t count, const Failing& failing, const std::optional<Life>& life, WallTime now) {
  if (count < 2 || failing.failures == 0) return 0;
  const bool late = life && life->to - now < share_of(life->length(), 1.0 / 5);
  if (late) return (failing.last ? *failing.last + 1 : failing.failures) % count;
  if (failing.failures < failures_most || now - failing.since < failing_least) return 0;
  return (failing.failures - failures_most + 1) % count;
}

}  // namespace gatehouse::acme
