#include "ratelimit/watch.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "ratelimit/crawlers.h"

namespace gatehouse::ratelimit {
namespace {

static_assert(std::is_trivially_copyable_v<StrikeRecord>);
constexpr auto relaxed = std::memory_order_relaxed;

template <std::size_t N>
void put(char (&to)[N], std::string_view text) {
  text.copy(to, N - 1);
}

void tell(const StrikeRecord& record, LogRing& told) {
  const std::span<char> room = told.reserve(sizeof record);
  if (room.empty()) return told.drop();
  std::memcpy(room.data(), &record, sizeof record);
  told.commit(sizeof record);
}

StrikeRecord record_of(const Event& event, const Jail& jail, const IpPrefix& prefix, std::uint64_t now) {
  StrikeRecord record;
  record.status = static_cast<std::uint16_t>(event.status);
  record.client = event.client;
  record.prefix = prefix;
  record.at_ms = now;
  put(record.jail, jail.name);
  put(record.method, event.method);
  put(record.host, event.host);
  put(record.path, event.path);
  put(record.request_id, event.request_id);
  put(record.event, event.event);
  put(record.reason, event.reason);
  return record;
}

class Watch {
 public:
  Watch(const Rules& rules, Tables& tables, const Moment& moment, LogRing& told)
      : rules_(rules), tables_(tables), moment_(moment), told_(told) {}

  bool judge(const Event& event) {
    bool banned = false;
    if (rules_.counts_fakes) [[maybe_unused]]
      const CrawlerState state = crawler_state(event);
    for (const Jail& jail : rules_.jails) {
      if (!jail.filter.wants(event.event) || !jail.filter.matches(event)) continue;
      if (!jail.unless.empty() && jail.unless.matches(event)) continue;
      banned |= strike(event, jail);
    }
    return banned;
  }

 private:
  bool strike(const Event& event, const Jail& jail) {
    const IpPrefix prefix = jail.prefix_of(event.client);
    const CrawlerState crawler = crawler_state(event);
    if (rules_.spares(prefix) || crawler == CrawlerState::proved)
      return jail.counts->spared.fetch_add(1, relaxed), false;
    jail.counts->strikes.fetch_add(1, relaxed);
    const unsigned before = offences_of(tables_.bans, prefix, moment_.now_ms, rules_.forget_after_ms);
    const unsigned weight = std::min(jail.weight(before) * event.weight, *jail.conf.maxretry);
    const std::string_view bytes(reinterpret_cast<const char*>(&prefix), 17);
    const std::uint64_t offender = siphash(tables_.key, bytes);
    const bool full = jail.conf.distinct ? jail.strikes->strike_distinct(
                                               offender, value_of(event, *jail.conf.distinct), moment_.now_ms)
                                         : jail.strikes->strike(offender, moment_.now_ms, weight);
    StrikeRecord record = record_of(event, jail, prefix, moment_.now_ms);
    tell(record, told_);
    // Who is being looked into is banned by what he does next, if he lied.
    return full && crawler != CrawlerState::asked && ban(record, jail, before);
  }

  // Of who is known as one, or says that he is. The DNS is asked elsewhere, once.
  CrawlerState crawler_state(const Event& event) {
    if (rules_.conf.crawlers.empty()) return CrawlerState::unknown;
    const std::uint64_t key = crawler_key(tables_, event.client);
    const CrawlerState known = tables_.crawlers.find(key, moment_.now_ms);
    if (known != CrawlerState::unknown || event.user_agent.empty()) return known;
    const Crawler* claimed = claimed_crawler(event.user_agent, rules_.conf.crawlers);
    if (claimed == nullptr) return known;
    if (tables_.crawlers.ask(key, moment_.now_ms)) {
      StrikeRecord claim;
      claim.kind = StrikeRecord::Kind::claim;
      claim.client = event.client;
      claim.at_ms = moment_.now_ms;
      put(claim.reason, claimed->name);
      tell(claim, told_);
    }
    return CrawlerState::asked;
  }

  std::uint64_t value_of(const Event& event, std::string_view field) const {
    if (field == "status")
      return siphash(tables_.key, {reinterpret_cast<const char*>(&event.status), sizeof event.status});
    return siphash(tables_.key, text_of(event, field));
  }

  bool ban(StrikeRecord& record, const Jail& jail, unsigned before) {
    const std::uint64_t time = jail.ban_ms(before, moment_.dice);
    Ban ban{.prefix = record.prefix, .since_ms = moment_.now_ms, .action = *jail.conf.action, .offences = before + 1};
    ban.until_ms = time >= for_ever ? for_ever : moment_.now_ms + time;
    ban.set_jail(jail.name);
    record.kind = jail.enforces() ? StrikeRecord::Kind::ban : StrikeRecord::Kind::would_ban;
    record.offences = ban.offences;
    record.until_ms = ban.until_ms;
    if (!jail.enforces()) {
      jail.counts->observed.fetch_add(1, relaxed);
      tell(record, told_);
      return false;
    }
    const BanTable::Added added = tables_.bans.add(ban, moment_.now_ms);
    if (added == BanTable::Added::nothing) return false;
    jail.counts->bans.fetch_add(1, relaxed);
    tell(record, told_);
    if (added == BanTable::Added::prolonged) return false;
    Event banned;
    banned.event = event_kind::ban;
    banned.client = record.client;
    judge(banned);
    return true;
  }

  const Rules& rules_;
  Tables& tables_;
  const Moment& moment_;
  LogRing& told_;
};

}  // namespace

std::uint64_t crawler_key(const Tables& tables, const IpAddress& client) {
  return siphash(tables.key, {reinterpret_cast<const char*>(client.bytes.data()), client.bytes.size()});
}

// A ban is remembered for dbpurgeage after its end and twice its time.
unsigned offences_of(const BanTable& bans, const IpPrefix& prefix, std::uint64_t now, std::uint64_t forget_after) {
  if (bans.empty()) return 0;
  const std::optional<Ban> known = bans.known(prefix);
  if (!known || known->until_ms == 0) return 0;
  if (known->live(now)) return known->offences - 1;  // that one is under way, and may become longer
  const std::uint64_t time = known->until_ms - std::min(known->since_ms, known->until_ms);
  return known->until_ms + 2 * time + forget_after < now ? 0 : known->offences;
}

bool watch(const Event& event, const Rules& rules, Tables& tables, const Moment& moment, LogRing& told) {
  return !rules.jails.empty() && Watch(rules, tables, moment, told).judge(event);
}

void read_records(LogRing& told, const std::function<void(const StrikeRecord&)>& visit) {
  for (std::string_view ready = told.peek(); !ready.empty(); ready = told.peek()) {
    for (std::size_t at = 0; at + sizeof(StrikeRecord) <= ready.size(); at += sizeof(StrikeRecord)) {
      StrikeRecord record;
      std::memcpy(&record, ready.data() + at, sizeof record);
      visit(record);
    }
    told.release(ready.size());
  }
}

}  // namespace gatehouse::ratelimit
