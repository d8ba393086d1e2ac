// limits.h: the limits of rates as configured, ready to judge: names to rules, requests to keys of the table.
//   Part of the world: immutable but for the counts, which a limit of the same name inherits from the world before.
//   Of several limits that hold, all must admit before any counts the request: who is refused by one owes the others
//   nothing for it. Pure but for the table it is given; allocates nothing while judging.
//   Fields   RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers-10.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/guard.h"
#include "net/siphash.h"
#include "ratelimit/facts.h"
#include "ratelimit/gcra.h"
#include "ratelimit/limit_table.h"

namespace gatehouse::ratelimit {

struct LimitCounts {
  std::atomic<std::uint64_t> refused{0}, delayed{0}, observed{0};  // observed: would have been refused
};

struct Limit {
  std::string name;
  conf::RateLimit conf;
  Gcra gcra;
  std::uint64_t salt = 0;
  std::string policy;  // `"name";q=21;w=5`
  std::shared_ptr<LimitCounts> counts;
};

enum class LimitAnswer { admitted, delayed, refused };
struct LimitVerdict {
  LimitAnswer answer = LimitAnswer::admitted;
  const Limit* by = nullptr;   // who refuses, or delays longest
  std::uint64_t wait_us = 0;   // until it is admitted, or until its turn
  std::uint64_t reset_us = 0;  // until nothing is owed
};

class Limits {
 public:
  static constexpr std::size_t at_once_max = 16;  // that one request is counted by; what is more is not looked at

  Limits(const Limits&) = delete;
  Limits(const conf::Guard& conf, const SipKey& key, const Limits* before);

  const Limit* find(std::string_view name) const;  // null: there is none
  std::span<const Limit> all() const { return limits_; }
  std::span<const Limit* const> everywhere() const { return everywhere_; }

  // By the limits with these names; unknown names are the configuration's to refuse.
  LimitVerdict judge(std::span<const std::string> names, const RequestFacts& facts, std::uint64_t now_us,
                     LimitTable& table) const;
  LimitVerdict judge_everywhere(const RequestFacts& facts, std::uint64_t now_us, LimitTable& table) const;
  // What would be answered; counts nothing.
  LimitVerdict foresee(std::span<const Limit* const> limits, const RequestFacts& facts, std::uint64_t now_us,
                       const LimitTable& table) const;
  std::vector<const Limit*> named(std::span<const std::string> names) const;

 private:
  LimitVerdict take(std::span<const Limit* const> limits, const RequestFacts& facts, std::uint64_t now_us,
                    LimitTable& table) const;
  std::uint64_t key_of(const Limit& limit, const RequestFacts& facts, bool& counted) const;

  SipKey key_;
  std::vector<Limit> limits_;  // by name
  std::vector<const Limit*> everywhere_;
};

// "RateLimit" of a verdict, `"search";r=0;t=3`, into the room; empty: it does not fit.
std::string_view rate_limit_field(const LimitVerdict& verdict, std::span<char> room);

// The address as far as it counts.
IpAddress masked(const IpAddress& address, unsigned ipv4, unsigned ipv6);

}  // namespace gatehouse::ratelimit
