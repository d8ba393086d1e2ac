#include "ratelimit/replay.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace gatehouse::ratelimit {
namespace {

constexpr std::uint64_t begin_ms = 1'000'000;  // of the replay's own clock
constexpr std::size_t told_bytes = 1 << 18;
// The log is no stranger who could know it: chance must not tell one replay from the next.
constexpr SipKey key{0x67617465686f7573, 0x7265706c61793031};

template <std::size_t N>
std::string text(const char (&from)[N]) {
  return {from, ::strnlen(from, N)};
}

}  // namespace

Replay::Replay(const conf::Guard& guard, std::vector<IpPrefix> spared)
    : rules_(guard, key, std::move(spared), nullptr), tables_(key, 1, guard.bans), told_(told_bytes) {}

void Replay::take(const LoggedEvent& logged) {
  if (now_ms_ == 0) first_ms_ = logged.wall_ms, now_ms_ = begin_ms;
  const std::int64_t since = logged.wall_ms - first_ms_;
  if (since > 0) now_ms_ = std::max(now_ms_, begin_ms + static_cast<std::uint64_t>(since));
  if (const auto ban = tables_.bans.who_bans(logged.client, now_ms_)) {
    const auto known = live_.find(ban->prefix);
    if (known == live_.end()) return;
    ReplayedBan& counted = bans_[known->second];
    ++counted.refused;
    if (logged.status < 400) ++counted.refused_good;
    return;
  }
  if (logged.termination == "banned") return void(++passed_over_);
  watch(logged.event(), rules_, tables_, {now_ms_, 0}, told_);
  read_records(told_, [&](const StrikeRecord& record) { note(record, logged); });
}

void Replay::keep(const Offender& offender, const LoggedEvent& logged) {
  const auto [found, fresh] = kept_.try_emplace(offender);
  Kept& kept = found->second;
  if (!fresh) by_age_.erase(kept.age);
  kept.age = by_age_.insert(by_age_.end(), offender);
  const std::string request = logged.method + " " + logged.host + logged.path;
  kept.events.push_back({logged.wall_ms, logged.status, request.substr(0, request_bytes_max)});
  if (kept.events.size() > evidence_max) kept.events.pop_front();
  if (kept_.size() <= offenders_max) return;
  kept_.erase(by_age_.front());
  by_age_.pop_front();
}

void Replay::note(const StrikeRecord& record, const LoggedEvent& logged) {
  const Offender offender{record.prefix, text(record.jail)};
  if (record.kind == StrikeRecord::Kind::strike) return keep(offender, logged);
  if (bans_.size() >= bans_max) return void(++left_out_);
  ReplayedBan ban;
  ban.prefix = record.prefix;
  ban.jail = offender.second;
  ban.enforced = record.kind == StrikeRecord::Kind::ban;
  ban.begin_ms = first_ms_ + static_cast<std::int64_t>(record.at_ms - begin_ms);
  ban.length_ms = record.until_ms >= for_ever ? -1 : static_cast<std::int64_t>(record.until_ms - record.at_ms);
  ban.offences = record.offences;
  if (const auto kept = kept_.find(offender); kept != kept_.end()) {
    ban.evidence.assign(kept->second.events.begin(), kept->second.events.end());
    by_age_.erase(kept->second.age);
    kept_.erase(kept);
  }
  if (ban.enforced) live_[ban.prefix] = bans_.size();
  bans_.push_back(std::move(ban));
}

std::vector<const ReplayedBan*> not_among(const std::vector<ReplayedBan>& now,
                                          const std::vector<ReplayedBan>& before) {
  std::set<IpPrefix> known;
  for (const ReplayedBan& each : before)
    if (each.enforced) known.insert(each.prefix);
  std::vector<const ReplayedBan*> out;
  for (const ReplayedBan& each : now)
    if (each.enforced && !known.contains(each.prefix)) out.push_back(&each);
  return out;
}

}  // namespace gatehouse::ratelimit
