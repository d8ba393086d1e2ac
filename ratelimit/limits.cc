#include "ratelimit/limits.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gatehouse::ratelimit {
namespace {

constexpr std::uint64_t second_us = 1'000'000;

std::uint64_t seconds_up(std::uint64_t us) { return (us + second_us - 1) / second_us; }

// A quota of all that may come at once, over the time that gives it back.
std::string policy_of(const std::string& name, const Gcra& gcra, unsigned burst) {
  const std::uint64_t quota = std::uint64_t{burst} + 1;
  return "\"" + name + "\";q=" + std::to_string(quota) +
         ";w=" + std::to_string(std::max<std::uint64_t>(1, seconds_up(gcra.interval_us * quota)));
}

std::uint64_t chain(const SipKey& key, std::uint64_t so_far, std::string_view part) {
  return siphash({key.k0 ^ so_far, key.k1}, part);
}

}  // namespace

IpAddress masked(const IpAddress& address, unsigned ipv4, unsigned ipv6) {
  unsigned bits = address.is_v4() ? 96 + ipv4 : ipv6;
  IpAddress out = address;
  for (std::uint8_t& byte : out.bytes) {
    const unsigned here = std::min(bits, 8u);
    byte &= static_cast<std::uint8_t>(0xff00u >> here);
    bits -= here;
  }
  return out;
}

Limits::Limits(const conf::Guard& conf, const SipKey& key, const Limits* before) : key_(key) {
  limits_.reserve(conf.rate_limits.size());
  for (const auto& [name, each] : conf.rate_limits) {
    Limit limit{.name = name, .conf = each};
    limit.gcra = Gcra::of(each.rate.count, static_cast<std::uint64_t>(each.rate.per.count()) * 1000, each.burst);
    // Of another rate debts are other ones: they begin anew.
    limit.salt = siphash(key, name + '/' + std::to_string(limit.gcra.interval_us));
    limit.policy = policy_of(name, limit.gcra, each.burst);
    const Limit* known = before != nullptr ? before->find(name) : nullptr;
    limit.counts = known != nullptr ? known->counts : std::make_shared<LimitCounts>();
    limits_.push_back(std::move(limit));
  }
  for (const std::string& name : conf.rate_limit)
    if (const Limit* limit = find(name)) everywhere_.push_back(limit);
}

const Limit* Limits::find(std::string_view name) const {
  const auto found =
      std::lower_bound(limits_.begin(), limits_.end(), name,
                       [](const Limit& limit, std::string_view wanted) { return limit.name < wanted; });
  return found != limits_.end() && found->name == name ? &*found : nullptr;
}

std::uint64_t Limits::key_of(const Limit& limit, const RequestFacts& facts, bool& counted) const {
  using Part = conf::LimitKey::Part;
  std::uint64_t key = limit.salt;
  for (const conf::LimitKey& part : limit.conf.key) {
    std::string_view value;
    switch (part.part) {
      case Part::client: {
        counted &= facts.client_known;
        const IpAddress address = masked(facts.client, limit.conf.ipv4, limit.conf.ipv6);
        key = chain(key_, key, {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
        continue;
      }
      case Part::service: value = facts.service; break;
      case Part::path: value = facts.path; break;
      case Part::header: value = facts.fields != nullptr ? facts.fields->header(part.name) : value; break;
      case Part::cookie: value = facts.fields != nullptr ? facts.fields->cookie(part.name) : value; break;
    }
    counted &= !value.empty();
    key = chain(key_, key, value);
  }
  counted = counted && !is_in(limit.conf.except, facts.client);
  return key;
}

namespace {

// A refusal beats a delay, a longer wait a shorter one.
void weigh(LimitVerdict& verdict, const Limit& limit, const LimitTable::Outcome& outcome) {
  LimitVerdict mine{.by = &limit, .reset_us = outcome.debt_us};
  if (!outcome.admitted) {
    mine.answer = LimitAnswer::refused;
    mine.wait_us = limit.gcra.wait_us(outcome.debt_us);
  } else if (limit.conf.delay && outcome.debt_us > 0) {
    mine.answer = LimitAnswer::delayed;
    mine.wait_us = outcome.debt_us;
  } else {
    return;
  }
  const bool heavier = mine.answer != verdict.answer
                           ? mine.answer == LimitAnswer::refused || verdict.answer == LimitAnswer::admitted
                           : mine.wait_us > verdict.wait_us;
  if (heavier) verdict = mine;
}

bool observes(const Limit& limit) { return limit.conf.mode == conf::GuardMode::observe; }

}  // namespace

LimitVerdict Limits::foresee(std::span<const Limit* const> limits, const RequestFacts& facts, std::uint64_t now,
                             const LimitTable& table) const {
  LimitVerdict verdict;
  for (const Limit* limit : limits) {
    bool counted = true;
    const std::uint64_t key = key_of(*limit, facts, counted);
    if (counted && !observes(*limit)) weigh(verdict, *limit, table.peek(key, now, limit->gcra));
  }
  return verdict;
}

LimitVerdict Limits::take(std::span<const Limit* const> limits, const RequestFacts& facts, std::uint64_t now,
                          LimitTable& table) const {
  constexpr auto relaxed = std::memory_order_relaxed;
  LimitVerdict verdict;
  if (limits.size() > 1) verdict = foresee(limits, facts, now, table);
  if (verdict.answer != LimitAnswer::refused) {
    verdict = {};
    for (const Limit* limit : limits) {
      bool counted = true;
      const std::uint64_t key = key_of(*limit, facts, counted);
      if (!counted) continue;
      const LimitTable::Outcome outcome = table.take(key, now, limit->gcra);
      if (!observes(*limit))
        weigh(verdict, *limit, outcome);
      else if (!outcome.admitted)
        limit->counts->observed.fetch_add(1, relaxed);
    }
  }
  if (verdict.answer == LimitAnswer::refused) verdict.by->counts->refused.fetch_add(1, relaxed);
  if (verdict.answer == LimitAnswer::delayed) verdict.by->counts->delayed.fetch_add(1, relaxed);
  return verdict;
}

LimitVerdict Limits::judge(std::span<const std::string> names, const RequestFacts& facts, std::uint64_t now,
                           LimitTable& table) const {
  std::array<const Limit*, at_once_max> limits;
  std::size_t count = 0;
  for (const std::string& name : names)
    if (const Limit* limit = find(name); limit != nullptr && count < limits.size()) limits[count++] = limit;
  return take({limits.data(), count}, facts, now, table);
}

LimitVerdict Limits::judge_everywhere(const RequestFacts& facts, std::uint64_t now, LimitTable& table) const {
  return everywhere_.empty() ? LimitVerdict{} : take(everywhere_, facts, now, table);
}

std::vector<const Limit*> Limits::named(std::span<const std::string> names) const {
  std::vector<const Limit*> out;
  for (const std::string& name : names)
    if (const Limit* limit = find(name)) out.push_back(limit);
  return out;
}

std::string_view rate_limit_field(const LimitVerdict& verdict, std::span<char> room) {
  const int size = std::snprintf(room.data(), room.size(), "\"%s\";r=0;t=%llu", verdict.by->name.c_str(),
                                 static_cast<unsigned long long>(seconds_up(verdict.wait_us)));
  return size > 0 && static_cast<std::size_t>(size) < room.size()
             ? std::string_view(room.data(), static_cast<std::size_t>(size))
             : std::string_view();
}

}  // namespace gatehouse::ratelimit
