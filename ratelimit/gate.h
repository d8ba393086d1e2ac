// gate.h: the guard as one request meets it: which rules, which tables, what time it is. Borrowed for one call.
//   A gate that only looks answers the same and counts nothing: `gatehouse explain` asks by it.
#pragma once

#include <cstdint>
#include <optional>

#include "ratelimit/rules.h"
#include "ratelimit/tables.h"

namespace gatehouse::ratelimit {

struct Gate {
  const Rules& rules;
  Tables& tables;
  std::uint64_t now_us = 0;  // monotonic
  bool only_looks = false;

  std::optional<BanVerdict> banned(const IpAddress& client) const { return tables.bans.find(client, now_us / 1000); }
  LimitVerdict limit_everywhere(const RequestFacts& facts) const {
    const Limits& limits = rules.limits;
    if (only_looks) return limits.foresee(limits.everywhere(), facts, now_us, tables.limits);
    return limits.judge_everywhere(facts, now_us, tables.limits);
  }
  LimitVerdict limit(std::span<const std::string> names, const RequestFacts& facts) const {
    const Limits& limits = rules.limits;
    if (only_looks) return limits.foresee(limits.named(names), facts, now_us, tables.limits);
    return limits.judge(names, facts, now_us, tables.limits);
  }
};

}  // namespace gatehouse::ratelimit
