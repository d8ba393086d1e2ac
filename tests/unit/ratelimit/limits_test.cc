#include "ratelimit/limits.h"

#include <gtest/gtest.h>

#include "conf/guard_keys.h"

namespace gatehouse::ratelimit {
namespace {

constexpr std::uint64_t now = 1'000'000;

conf::RateLimit limit(const std::string& rate, unsigned burst = 0, std::vector<std::string> keys = {"client"}) {
  conf::RateLimit out;
  out.rate = *conf::parse_rate(rate);
  out.burst = burst;
  out.key.clear();
  for (const std::string& key : keys) out.key.push_back(*conf::parse_limit_key(key));
  return out;
}

class Fields final : public RequestFields {
 public:
  std::string_view header(std::string_view name) const override { return name == "X-Key" ? x_key : ""; }
  std::string_view cookie(std::string_view name) const override { return name == "s" ? session : ""; }
  std::string_view x_key, session;
};

struct House {
  explicit House(std::map<std::string, conf::RateLimit> limits, std::vector<std::string> everywhere = {})
      : rules(make(std::move(limits), std::move(everywhere)), {1, 2}, nullptr) {}
  static conf::Guard make(std::map<std::string, conf::RateLimit> limits, std::vector<std::string> everywhere) {
    conf::Guard guard;
    guard.rate_limits = std::move(limits);
    guard.rate_limit = std::move(everywhere);
    return guard;
  }
  LimitAnswer ask(const std::string& client, std::vector<std::string> names, std::uint64_t at = now) {
    facts.client = *IpAddress::parse(client);
    facts.fields = &fields;
    verdict = rules.judge(names, facts, at, table);
    return verdict.answer;
  }
  Limits rules;
  LimitTable table{1 << 10};
  Fields fields;
  RequestFacts facts;
  LimitVerdict verdict;
};

using enum LimitAnswer;

TEST(Limits, OneClientsRequestsAreCountedTogether) {
  House house({{"a", limit("1/s")}});
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), refused);
  EXPECT_EQ(house.verdict.by->name, "a");
  EXPECT_EQ(house.verdict.wait_us, 1'000'000u);
  EXPECT_EQ(house.ask("192.0.2.2", {"a"}), admitted);
}

TEST(Limits, AddressesOfOneHouseholdAreOneClient) {
  House house({{"a", limit("1/s")}});
  EXPECT_EQ(house.ask("2001:db8:1:2::1", {"a"}), admitted);
  EXPECT_EQ(house.ask("2001:db8:1:2:ffff::9", {"a"}), refused);
  EXPECT_EQ(house.ask("2001:db8:1:3::1", {"a"}), admitted);
}

TEST(Limits, WiderLimitsCountWiderNetworks) {
  conf::RateLimit wide = limit("1/s");
  wide.ipv6 = 48, wide.ipv4 = 24;
  House house({{"wide", wide}});
  EXPECT_EQ(house.ask("2001:db8:1:2::1", {"wide"}), admitted);
  EXPECT_EQ(house.ask("2001:db8:1:ffff::1", {"wide"}), refused);
  EXPECT_EQ(house.ask("192.0.2.1", {"wide"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.200", {"wide"}), refused);
}

TEST(Limits, LimitsOfOneClientDontMeet) {
  House house({{"a", limit("1/s")}, {"b", limit("1/s")}});
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.1", {"b"}), admitted);
}

TEST(Limits, PartsOfAKeyTogetherAreOneKey) {
  House house({{"a", limit("1/s", 0, {"client", "path", "service"})}});
  house.facts.path = "/x", house.facts.service = "web";
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), refused);
  house.facts.path = "/y";
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), admitted);
  house.facts.service = "shop";
  EXPECT_EQ(house.ask("192.0.2.1", {"a"}), admitted);
}

TEST(Limits, HeaderAndCookieCountWhoHasThem) {
  House house({{"h", limit("1/s", 0, {"header:X-Key"})}, {"c", limit("1/s", 0, {"cookie:s"})}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(house.ask("192.0.2.1", {"h", "c"}), admitted) << "neither is there";
  house.fields.x_key = "k1";
  EXPECT_EQ(house.ask("192.0.2.1", {"h"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.2", {"h"}), refused) << "whoever shows the key";
  house.fields.session = "s1";
  EXPECT_EQ(house.ask("192.0.2.1", {"c"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.1", {"c"}), refused);
}

TEST(Limits, WhoIsRefusedByOneOwesTheOthersNothing) {
  House house({{"loose", limit("1/s", 1)}, {"tight", limit("1/s")}});
  EXPECT_EQ(house.ask("192.0.2.1", {"loose", "tight"}), admitted);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(house.ask("192.0.2.1", {"loose", "tight"}), refused);
  EXPECT_EQ(house.ask("192.0.2.1", {"loose"}), admitted);
}

TEST(Limits, DelayMakesThoseBeyondTheRateWaitTheirTurn) {
  conf::RateLimit slow = limit("10/s", 2);
  slow.delay = true;
  House house({{"slow", slow}});
  EXPECT_EQ(house.ask("192.0.2.1", {"slow"}), admitted);
  EXPECT_EQ(house.ask("192.0.2.1", {"slow"}), delayed);
  EXPECT_EQ(house.verdict.wait_us, 100'000u);
  EXPECT_EQ(house.ask("192.0.2.1", {"slow"}), delayed);
  EXPECT_EQ(house.verdict.wait_us, 200'000u);
  EXPECT_EQ(house.ask("192.0.2.1", {"slow"}), refused);
  EXPECT_EQ(house.rules.find("slow")->counts->delayed, 2u);
  EXPECT_EQ(house.rules.find("slow")->counts->refused, 1u);
}

TEST(Limits, ObserverRefusesNobodyAndCounts) {
  conf::RateLimit look = limit("1/s");
  look.mode = conf::GuardMode::observe;
  House house({{"look", look}});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(house.ask("192.0.2.1", {"look"}), admitted);
  EXPECT_EQ(house.rules.find("look")->counts->observed, 3u);
  EXPECT_EQ(house.rules.find("look")->counts->refused, 0u);
}

TEST(Limits, ExceptedClientsAreNotCounted) {
  conf::RateLimit some = limit("1/s");
  some.except = {*IpPrefix::parse("10.0.0.0/8")};
  House house({{"a", some}});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(house.ask("10.1.2.3", {"a"}), admitted);
}

TEST(Limits, ProxyThatNamesNobodyIsNoClient) {
  House house({{"a", limit("1/s")}});
  house.facts.client_known = false;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(house.ask("192.0.2.1", {"a"}), admitted);
}

TEST(Limits, CountsOutliveAChangeOfTheConfiguration) {
  House house({{"a", limit("1/s")}});
  house.ask("192.0.2.1", {"a"});
  house.ask("192.0.2.1", {"a"});
  const Limits next(House::make({{"a", limit("2/s")}, {"b", limit("1/s")}}, {}), {1, 2}, &house.rules);
  EXPECT_EQ(next.find("a")->counts->refused, 1u);
  EXPECT_EQ(next.find("b")->counts->refused, 0u);
  EXPECT_EQ(next.find("c"), nullptr);
}

TEST(Limits, EverywhereCountsEveryRequest) {
  House house({{"a", limit("1/s")}}, {"a"});
  house.facts.client = *IpAddress::parse("192.0.2.1");
  EXPECT_EQ(house.rules.judge_everywhere(house.facts, now, house.table).answer, admitted);
  EXPECT_EQ(house.rules.judge_everywhere(house.facts, now, house.table).answer, refused);
}

TEST(Limits, FieldsSayWhatTheDraftSays) {
  House house({{"search", limit("5/s", 20)}});
  EXPECT_EQ(house.rules.find("search")->policy, "\"search\";q=21;w=5");
  for (int i = 0; i < 22; ++i) house.ask("192.0.2.1", {"search"});
  ASSERT_EQ(house.verdict.answer, refused);
  std::array<char, 128> room;
  EXPECT_EQ(rate_limit_field(house.verdict, room), "\"search\";r=0;t=1");
  std::array<char, 8> little;
  EXPECT_EQ(rate_limit_field(house.verdict, little), "");
}

TEST(Limits, MaskKeepsSoManyBits) {
  const auto text = [](const char* address, unsigned v4, unsigned v6) {
    return masked(*IpAddress::parse(address), v4, v6).text();
  };
  EXPECT_EQ(text("192.0.2.255", 32, 64), "192.0.2.255");
  EXPECT_EQ(text("192.0.2.255", 25, 64), "192.0.2.128");
  EXPECT_EQ(text("2001:db8:1:2:3::4", 32, 64), "2001:db8:1:2::");
  EXPECT_EQ(text("2001:db8:1:2:3::4", 32, 128), "2001:db8:1:2:3::4");
}

}  // namespace
}  // namespace gatehouse::ratelimit
