#include "ratelimit/watch.h"

#include <gtest/gtest.h>

#include "conf/guard_presets.h"
#include "ratelimit/ban_file.h"

namespace gatehouse::ratelimit {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t start = 1'000'000;

class Fields final : public EventFields {
 public:
  std::string_view header(std::string_view name) const override { return name == "X-Odd" ? odd : std::string_view(); }
  std::string_view cookie(std::string_view) const override { return {}; }
  bool any_header(bool (*matches)(const void*, std::string_view), const void* with) const override {
    return matches(with, odd);
  }
  std::string_view odd;
};

conf::Jail jail(conf::FilterFields filter, unsigned maxretry = 1) {
  conf::Jail out;
  out.filter = std::move(filter);
  out.maxretry = maxretry;
  out.mode = conf::GuardMode::enforce;
  return out;
}

struct House {
  explicit House(std::map<std::string, conf::Jail> jails) {
    guard.jails = std::move(jails);
    build();
  }
  void build() { rules = std::make_unique<Rules>(guard, SipKey{1, 2}, spared, rules.get()); }
  bool happens(const std::string& client, const std::string& path = "/", int status = 200) {
    Event event;
    event.client = *IpAddress::parse(client);
    event.method = "GET", event.host = "a.test", event.path = path, event.status = status, event.fields = &fields;
    event.user_agent = agent, event.termination = "ok";
    return watch(event, *rules, tables, {at, 0}, told);
  }
  bool banned(const std::string& client) const { return tables.bans.find(*IpAddress::parse(client), at).has_value(); }
  std::uint64_t left(const std::string& client) const {
    return tables.bans.find(*IpAddress::parse(client), at)->until_ms - at;
  }
  std::vector<StrikeRecord> records() {
    std::vector<StrikeRecord> out;
    read_records(told, [&](const StrikeRecord& record) { out.push_back(record); });
    return out;
  }
  conf::Guard guard;
  std::vector<IpPrefix> spared;
  std::unique_ptr<Rules> rules;
  Tables tables{{1, 2}, 1 << 10, 1 << 10};
  LogRing told{1 << 16};
  Fields fields;
  std::string agent;
  std::uint64_t at = start;
};

TEST(Watch, MaxretryEventsThatMatchBan) {
  House house({{"a", jail({{"path", {"~^/wp-"}}, {"status", {"404"}}}, 3)}});
  for (int i = 0; i < 5; ++i) house.happens("192.0.2.1", "/wp-login.php", 200);
  for (int i = 0; i < 5; ++i) house.happens("192.0.2.1", "/other", 404);
  EXPECT_FALSE(house.happens("192.0.2.1", "/wp-a", 404));
  EXPECT_FALSE(house.happens("192.0.2.1", "/wp-b", 404));
  EXPECT_FALSE(house.banned("192.0.2.1"));
  EXPECT_TRUE(house.happens("192.0.2.1", "/wp-c", 404));
  EXPECT_TRUE(house.banned("192.0.2.1"));
  EXPECT_FALSE(house.banned("192.0.2.2"));
  EXPECT_EQ(house.left("192.0.2.1"), 600'000u);
}

TEST(Watch, WhatIsNoRequestCountsOnlyWhereItIsNamed) {
  House house(
      {{"any", jail({{"reason", {"protocol"}}})}, {"tls", jail({{"event", {"tls"}}, {"reason", {"protocol"}}}, 2)}});
  Event event;
  event.client = *IpAddress::parse("192.0.2.1");
  event.event = event_kind::tls;
  for (const char* reason : {"closed", "protocol", "protocol"}) {
    EXPECT_FALSE(house.banned("192.0.2.1"));
    event.reason = reason;
    watch(event, *house.rules, house.tables, {house.at, 0}, house.told);
  }
  EXPECT_TRUE(house.banned("192.0.2.1"));
  const auto told = house.records();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_STREQ(told[0].event, "tls");
  EXPECT_STREQ(told[0].reason, "protocol");
}

TEST(Watch, AnEventMayWeighMoreThanOne) {
  House house({{"a", jail({{"event", {"application"}}}, 4)}});
  Event event;
  event.client = *IpAddress::parse("192.0.2.1");
  event.event = event_kind::application;
  event.weight = 3;
  EXPECT_FALSE(watch(event, *house.rules, house.tables, {house.at, 0}, house.told));
  event.weight = 1;
  EXPECT_TRUE(watch(event, *house.rules, house.tables, {house.at, 0}, house.told));
  event.client = *IpAddress::parse("192.0.2.2");
  event.weight = 1000;
  EXPECT_TRUE(watch(event, *house.rules, house.tables, {house.at, 0}, house.told));
}

TEST(Watch, WhatIsToldNamesTheEventsAndTheBan) {
  House house({{"a", jail({{"path", {"/x"}}}, 2)}});
  house.happens("192.0.2.1", "/x", 404);
  house.happens("192.0.2.1", "/x", 404);
  const auto records = house.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].kind, StrikeRecord::Kind::strike);
  EXPECT_STREQ(records[0].path, "/x");
  EXPECT_EQ(records[0].status, 404);
  EXPECT_EQ(records[2].kind, StrikeRecord::Kind::ban);
  EXPECT_STREQ(records[2].jail, "a");
  EXPECT_EQ(records[2].prefix.text(), "192.0.2.1/32");
}

TEST(Watch, ObserverBansNobodyAndTells) {
  conf::Jail observer = jail({{"path", {"/x"}}});
  observer.mode.reset();
  House house({{"a", observer}});
  EXPECT_FALSE(house.happens("192.0.2.1", "/x"));
  EXPECT_FALSE(house.banned("192.0.2.1"));
  EXPECT_EQ(house.records().back().kind, StrikeRecord::Kind::would_ban);
  EXPECT_EQ(house.rules->find("a")->counts->observed, 1u);
}

TEST(Watch, UnlessTakesBackWhatTheFilterFinds) {
  conf::Jail some = jail({{"status", {"4xx"}}});
  some.unless = {{"path", {"~\\.png$"}}};
  House house({{"a", some}});
  EXPECT_FALSE(house.happens("192.0.2.1", "/a.png", 404));
  EXPECT_TRUE(house.happens("192.0.2.1", "/a.php", 404));
}

TEST(Watch, SomeAreNeverBanned) {
  House house({{"a", jail({{"path", {"/x"}}})}});
  house.guard.ignoreip = {*IpPrefix::parse("192.0.2.0/24")};
  house.spared = {*IpPrefix::parse("2001:db8::5/128")};
  house.build();
  EXPECT_FALSE(house.happens("192.0.2.1", "/x"));
  EXPECT_FALSE(house.happens("2001:db8::6", "/x")) << "its /64 holds one that is never banned";
  EXPECT_TRUE(house.happens("198.51.100.1", "/x"));
  EXPECT_EQ(house.rules->find("a")->counts->spared, 2u);
}

TEST(Watch, HouseholdOfIpv6IsBannedWhole) {
  House house({{"a", jail({{"path", {"/x"}}})}});
  house.happens("2001:db8:1:2::1", "/x");
  EXPECT_TRUE(house.banned("2001:db8:1:2:ffff::1"));
  EXPECT_FALSE(house.banned("2001:db8:1:3::1"));
}

// fail2ban's vectors for a bantime of 600 s: counts 1, 2 … make 1200, 2400 …, until maxtime.
TEST(Watch, WhoWasBannedBeforeIsBannedLonger) {
  conf::Jail longer = jail({{"path", {"/x"}}});
  longer.increment = true;
  longer.maxtime = 24h;
  House house({{"a", longer}});
  for (const std::uint64_t seconds : {600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400}) {
    house.happens("192.0.2.1", "/x");
    ASSERT_TRUE(house.banned("192.0.2.1"));
    EXPECT_EQ(house.left("192.0.2.1"), seconds * 1000);
    house.at += seconds * 1000 + 1;
  }
}

TEST(Watch, OffencesAreForgottenAfterDbpurgeage) {
  conf::Jail longer = jail({{"path", {"/x"}}});
  longer.increment = true;
  House house({{"a", longer}});
  house.happens("192.0.2.1", "/x");
  house.at += 600'000 + 1'200'000 + 86'400'000 + 1;
  house.happens("192.0.2.1", "/x");
  EXPECT_EQ(house.left("192.0.2.1"), 600'000u);
}

TEST(Watch, MultipliersReplaceDoubling) {
  conf::Jail longer = jail({{"path", {"/x"}}});
  longer.increment = true;
  longer.multipliers = {1, 5, 30};
  const Jail made("a", conf::settled(longer, {}), 64, nullptr);
  EXPECT_EQ(made.ban_ms(0, 0), 600'000u);
  EXPECT_EQ(made.ban_ms(1, 0), 3'000'000u);
  EXPECT_EQ(made.ban_ms(2, 0), 18'000'000u);
  EXPECT_EQ(made.ban_ms(9, 0), 18'000'000u);
}

TEST(Watch, KnownOffendersNeedFewerEvents) {
  conf::Jail known = jail({{"path", {"/x"}}}, 9);
  known.increment = true;
  const Jail made("a", conf::settled(known, {}), 64, nullptr);
  EXPECT_EQ(made.weight(0), 1u);
  EXPECT_EQ(made.weight(1), 2u);
  EXPECT_EQ(made.weight(2), 3u);
  EXPECT_EQ(made.weight(3), 5u);
  EXPECT_EQ(made.weight(4), 9u);
  EXPECT_EQ(made.weight(30), 9u);
}

TEST(Watch, RecidiveCountsBansOfOtherJails) {
  conf::Jail again;
  again.preset = "recidive";
  again.maxretry = 2;
  again.mode = conf::GuardMode::enforce;
  House house({{"a", jail({{"path", {"/x"}}})}, {"recidive", again}});
  house.happens("192.0.2.1", "/x");
  EXPECT_EQ(house.left("192.0.2.1"), 600'000u);
  house.at += 700'000;
  house.happens("192.0.2.1", "/x");
  EXPECT_EQ(house.left("192.0.2.1"), 7ull * 86'400'000);
}

TEST(Watch, CountsOutliveAReloadThatDoesNotChangeThem) {
  House house({{"a", jail({{"path", {"/x"}}}, 2)}});
  house.happens("192.0.2.1", "/x");
  house.guard.jails["a"].bantime = 1h;
  house.build();
  EXPECT_TRUE(house.happens("192.0.2.1", "/x"));
  EXPECT_EQ(house.left("192.0.2.1"), 3'600'000u);
}

TEST(Watch, FullRingLosesRecordsAndNoDecision) {
  House house({{"a", jail({{"path", {"/x"}}}, 500)}});
  for (int i = 0; i < 500; ++i) house.happens("192.0.2.1", "/x");
  EXPECT_TRUE(house.banned("192.0.2.1"));
  EXPECT_GT(house.told.dropped(), 0u);
}

struct PresetCase {
  const char *preset, *path;
  int status;
  const char *agent, *odd;
  bool counts;
};

TEST(Watch, PresetsFindWhatTheyAreFor) {
  const PresetCase cases[] = {
      {"nginx-botsearch", "/phpMyAdmin-4.8/", 404, "", "", true},
      {"nginx-botsearch", "/blog/wp-login.php", 404, "", "", true},
      {"nginx-botsearch", "/wp-login.php", 200, "", "", false},
      {"nginx-botsearch", "/mailing", 200, "", "", false},
      {"nginx-bad-request", "", 400, "", "", true},
      {"nginx-http-auth", "/", 401, "", "", true},
      {"apache-noscript", "/x.php", 404, "", "", true},
      {"apache-noscript", "/x.php", 200, "", "", false},
      {"apache-nohome", "/~root", 404, "", "", true},
      {"apache-shellshock", "/", 200, "", "() { :;}; x", true},
      {"apache-shellshock", "/", 200, "", "(a) {b}", false},
      {"apache-badbots", "/", 200, "EmailCollector", "", true},
      {"apache-badbots", "/", 200, "Mozilla/5.0 (compatible; Googlebot/2.1)", "", false},
      {"http-bad-user-agent", "/", 200, "sqlmap/1.7", "", true},
      {"http-sensitive-files", "/.env", 404, "", "", true},
      {"http-sensitive-files", "/a/.git/config", 200, "", "", true},
      {"http-sensitive-files", "/environment", 200, "", "", false},
      {"http-admin-interface-probing", "/phpmyadmin/", 404, "", "", true},
      {"http-probing", "/a", 404, "", "", true},
      {"http-probing", "/a.png", 404, "", "", false},
      {"http-crawl-non-statics", "/a", 200, "", "", true},
  };
  for (const PresetCase& each : cases) {
    conf::Jail one;
    one.preset = each.preset;
    one.maxretry = 1;
    one.mode = conf::GuardMode::enforce;
    House house({{"a", one}});
    house.agent = each.agent, house.fields.odd = each.odd;
    EXPECT_EQ(house.happens("192.0.2.1", each.path, each.status), each.counts) << each.preset << " " << each.path;
  }
}

TEST(Watch, EveryPresetIsSound) {
  for (const conf::Preset& preset : conf::presets()) {
    EXPECT_FALSE(preset.jail.filter.empty()) << preset.name;
    for (const auto& [field, values] : preset.jail.filter) EXPECT_TRUE(conf::is_event_field(field)) << preset.name;
  }
}

Ban some_ban(const std::string& prefix, std::uint64_t until) {
  Ban ban{.prefix = *IpPrefix::parse(prefix), .since_ms = start, .until_ms = until, .offences = 3};
  ban.action = conf::BanAction::drop;
  ban.set_jail("scanners");
  return ban;
}

TEST(BanFile, KeepsWhatIsLeftOfBans) {
  Tables before({1, 2}, 64, 64);
  before.bans.add(some_ban("192.0.2.1/32", start + 60'000), start);
  before.bans.add(some_ban("2001:db8::/64", for_ever), start);
  const std::string bytes = write_bans(before.key, before.bans, start + 10'000, 500'000);
  const auto read = read_bans(bytes, 77'000'000, 510'000);  // ten seconds later, by another clock
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, before.key);
  Tables after(read->key, 64, 64);
  for (const Ban& ban : read->bans) after.bans.add(ban, 0);
  const auto first = after.bans.find(*IpAddress::parse("192.0.2.1"), 77'000'000);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->until_ms, 77'040'000u);
  EXPECT_EQ(first->action, conf::BanAction::drop);
  EXPECT_EQ(first->id, before.bans.id_of(*IpPrefix::parse("192.0.2.1/32")));
  EXPECT_EQ(after.bans.find(*IpAddress::parse("2001:db8::9"), 77'000'000)->until_ms, for_ever);
  EXPECT_EQ(after.bans.known(*IpPrefix::parse("192.0.2.1/32"))->offences, 3u);
  EXPECT_EQ(after.bans.known(*IpPrefix::parse("192.0.2.1/32"))->jail_name(), "scanners");
}

TEST(BanFile, ClockThatWasSetBackEndsNoBanEarly) {
  Tables before({1, 2}, 64, 64);
  before.bans.add(some_ban("192.0.2.1/32", start + 60'000), start);
  const auto read = read_bans(write_bans(before.key, before.bans, start, 500'000), start, 100);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->bans.at(0).until_ms, start + 60'000);
}

TEST(BanFile, WhatWasCutOrAlteredIsRefusedWhole) {
  Tables before({1, 2}, 64, 64);
  before.bans.add(some_ban("192.0.2.1/32", start + 60'000), start);
  const std::string good = write_bans(before.key, before.bans, start, 500'000);
  ASSERT_TRUE(read_bans(good, start, 500'000));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(read_bans(good.substr(0, size), start, 500'000));
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    EXPECT_FALSE(read_bans(bad, start, 500'000)) << at;
  }
}

}  // namespace
}  // namespace gatehouse::ratelimit
