#include "cli/guard_desk.h"

#include "cli/text.h"
#include "conf/values.h"

namespace gatehouse::cli {
namespace {

using Kind = ratelimit::StrikeRecord::Kind;

template <std::size_t N>
std::string text(const char (&from)[N]) {
  return printable(std::string_view(from, ::strnlen(from, N)));
}

std::string who(const IpPrefix& prefix) { return prefix.length == 128 ? prefix.address.text() : prefix.text(); }

std::string length_text(std::uint64_t from_ms, std::uint64_t until_ms) {
  if (until_ms >= ratelimit::for_ever) return "for ever";
  return "for " + conf::duration_text(Millis(until_ms - from_ms));
}

}  // namespace

std::string ban_id_text(std::uint64_t id) {
  std::array<char, ratelimit::ban_id_bytes> out;
  ratelimit::write_ban_id(id, out);
  return {out.data(), out.size()};
}

void GuardDesk::take(const ratelimit::StrikeRecord& record) {
  if (record.kind == Kind::ban || record.kind == Kind::would_ban) {
    if (news_.size() >= told_max) return void(++more_);
    news_.push_back(who(record.prefix) + (record.kind == Kind::ban ? " banned by " : " would be banned by ") +
                    text(record.jail) + " " + length_text(record.at_ms, record.until_ms) + ", offence " +
                    std::to_string(record.offences));
    return;
  }
  const auto [found, fresh] = strikes_.try_emplace(record.prefix);
  Offender& offender = found->second;
  if (!fresh) by_age_.erase(offender.age);
  offender.age = by_age_.insert(by_age_.end(), record.prefix);
  offender.strikes.push_back(record);
  if (offender.strikes.size() > strikes_max) offender.strikes.pop_front();
  if (strikes_.size() <= offenders_max) return;
  strikes_.erase(by_age_.front());
  by_age_.pop_front();
}

std::vector<std::string> GuardDesk::news() {
  std::vector<std::string> out = std::exchange(news_, {});
  if (more_ > 0) out.push_back("and " + std::to_string(std::exchange(more_, 0)) + " more bans");
  return out;
}

json::array GuardDesk::strikes_of(const IpPrefix& prefix, std::int64_t wall_minus_steady_ms) const {
  json::array out;
  const auto found = strikes_.find(prefix);
  if (found == strikes_.end()) return out;
  for (const ratelimit::StrikeRecord& each : found->second.strikes)
    out.push_back({{"time_ms", static_cast<std::int64_t>(each.at_ms) + wall_minus_steady_ms},
                   {"jail", text(each.jail)},
                   {"event", text(each.event)},
                   {"reason", text(each.reason)},
                   {"client_address", each.client.text()},
                   {"method", text(each.method)},
                   {"host", text(each.host)},
                   {"path", text(each.path)},
                   {"status", each.status},
                   {"request_id", text(each.request_id)}});
  return out;
}

json::object ban_json(const ratelimit::Ban& ban, std::uint64_t id, std::int64_t now, std::int64_t wall) {
  static constexpr const char* actions[] = {"403", "429", "close", "drop"};
  json::object out{
      {"prefix", who(ban.prefix)},          {"id", ban_id_text(id)},
      {"jail", printable(ban.jail_name())}, {"action", actions[static_cast<unsigned>(ban.action)]},
      {"offences", ban.offences},           {"since_ms", static_cast<std::int64_t>(ban.since_ms) - now + wall}};
  if (ban.until_ms < ratelimit::for_ever) {
    out["until_ms"] = static_cast<std::int64_t>(ban.until_ms) - now + wall;
    out["left_s"] = std::max<std::int64_t>(0, (static_cast<std::int64_t>(ban.until_ms) - now + 999) / 1000);
  }
  return out;
}

}  // namespace gatehouse::cli
