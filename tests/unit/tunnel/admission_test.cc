#include "tunnel/admission.h"

#include <gtest/gtest.h>

#include "tunnel/generation.h"

namespace gatehouse::tunnel {
namespace {

const std::string key_text = "0123456789abcdefghij";

class Admission_ : public ::testing::Test {
 protected:
  Admission_() {
    conf::TunnelAccept accept;
    accept.name = "in";
    accept.allow = {{"one", {"db"}, {*IpPrefix::parse("10.0.0.0/8")}, 0},
                    {"two", {"db", "cache"}, {*IpPrefix::parse("10.0.0.0/8")}, 0},
                    {"gone", {"nowhere"}, {*IpPrefix::parse("10.1.0.0/16")}, 0}};
    tunnel.accept = {accept};
    tunnel.offer["db"].to = {*Place::parse("127.0.0.1:5432")};
    tunnel.offer["cache"].to = {*Place::parse("cache.internal:6379")};
    build();
  }
  void build() {
    auto made = std::make_shared<PskKeys>();
    for (const char* identity : {"one", "one.g2", "two", "gone", "mute"})
      made->emplace(identity,
                    SecretBytes({reinterpret_cast<const unsigned char*>(key_text.data()), key_text.size()}));
    keys.accept = {made};
    plan = build_plan(tunnel, keys, {{"cache.internal", {*IpAddress::parse("10.0.0.9")}}}, registry);
  }
  End ask(std::string_view identity, std::string_view name, const char* from = "10.0.0.1") {
    last = admit(plan, *plan.exits.front(), identity, name, *IpAddress::parse(from));
    return last.end;
  }

  conf::Tunnel tunnel;
  KeySet keys;
  Registry registry;
  Plan plan;
  Admission last;
};

TEST_F(Admission_, TheServiceIsTheOneThatIsNamedElseTheOnlyOne) {
  EXPECT_EQ(ask("one", ""), End::ok);
  EXPECT_EQ(last.offer->name, "db");
  EXPECT_EQ(ask("one", "host.of.the.exit"), End::ok);  // stunnel names the host it connects to
  EXPECT_EQ(ask("two", "cache"), End::ok);
  EXPECT_EQ(last.offer->name, "cache");
  EXPECT_EQ(last.offer->addresses, (std::vector<DialAddress>{{*SocketAddress::parse("10.0.0.9:6379"), ""}}));
  EXPECT_EQ(ask("two", ""), End::no_service);
}

TEST_F(Admission_, NobodyReachesWhatIsNotAllowedHim) {
  EXPECT_EQ(ask("one", "cache"), End::not_allowed);
  EXPECT_EQ(ask("mute", "db"), End::not_allowed);
  EXPECT_EQ(ask("nobody", "db"), End::not_allowed);
  EXPECT_EQ(ask("one", "db", "192.0.2.1"), End::not_allowed);
  EXPECT_EQ(ask("gone", "", "10.1.0.1"), End::not_allowed);  // allowed, but not offered
}

TEST_F(Admission_, AGenerationMayWhatTheFirstMayAndIsCountedByItself) {
  EXPECT_EQ(ask("one.g2", "db"), End::ok);
  EXPECT_NE(last.who->stats, plan.exits.front()->allowed.find("one")->second.stats);
  EXPECT_EQ(ask("two.g2", "db"), End::not_allowed);  // has no key: the handshake had told already
}

TEST_F(Admission_, AnExitOfOneServiceLeadsEverybodyThere) {
  tunnel.accept.front().service = "cache";
  build();
  EXPECT_EQ(ask("two", "db"), End::ok);
  EXPECT_EQ(last.offer->name, "cache");
  EXPECT_EQ(ask("one", "db"), End::not_allowed);
  tunnel.accept.front().allow[0].services.clear();  // it needs no saying again
  build();
  EXPECT_EQ(ask("one", "db"), End::ok);
  EXPECT_EQ(last.offer->name, "cache");
}

TEST_F(Admission_, SourcesAreThoseOfAllAndOneFromAnywhereOpensIt) {
  EXPECT_TRUE(may_come_from(*plan.exits.front(), *IpAddress::parse("10.2.0.1")));
  EXPECT_FALSE(may_come_from(*plan.exits.front(), *IpAddress::parse("192.0.2.1")));
  tunnel.accept.front().allow[1].from.clear();
  build();
  EXPECT_TRUE(may_come_from(*plan.exits.front(), *IpAddress::parse("192.0.2.1")));
}

TEST_F(Admission_, CountersOutliveAPlanAndGoWhenNobodyHasThem) {
  StatsPtr before = plan.exits.front()->allowed.find("one")->second.stats;
  before->count(End::ok);
  build();
  EXPECT_EQ(plan.exits.front()->allowed.find("one")->second.stats, before);
  tunnel.accept.clear();
  keys.accept.clear();
  plan = build_plan(tunnel, keys, {}, registry);
  const std::weak_ptr<Stats> gone = before;
  before.reset();
  registry.forget_unused();
  EXPECT_TRUE(gone.expired());
}

TEST(NextTarget, TheFirstThatDoesNotRestElseTheFirstThatWasNotTried) {
  Entry entry;
  for (int i = 0; i < 3; ++i) entry.targets.push_back({.state = std::make_shared<TargetState>()});
  EXPECT_EQ(next_target(entry, 0, 7, 0), 0u);
  EXPECT_EQ(next_target(entry, 0b001, 7, 0), 1u);
  entry.targets[0].state->failed(1000);
  EXPECT_EQ(next_target(entry, 0, 7, 1500), 1u);
  entry.targets[1].state->failed(1000);
  entry.targets[2].state->failed(1000);
  EXPECT_EQ(next_target(entry, 0, 7, 1500), 0u);  // all rest: tried all the same
  EXPECT_EQ(next_target(entry, 0b111, 7, 1500), std::nullopt);
  EXPECT_EQ(next_target(entry, 0, 7, 2001), 0u);
  entry.conf.balance = conf::TunnelBalance::round_robin;
  EXPECT_EQ(next_target(entry, 0, 7, 5000), 1u);
  EXPECT_EQ(next_target(entry, 0, 8, 5000), 2u);
  EXPECT_EQ(next_target(Entry{}, 0, 8, 5000), std::nullopt);
}

TEST(ExitsOfOthers, AreThoseThatNameAnotherNode) {
  Entry entry;
  for (const char* node : {"", "off1", "off2"}) {
    entry.targets.emplace_back();
    entry.targets.back().conf.node = node;
  }
  EXPECT_EQ(exits_of_others(entry, "off1"), 0b100u);
  EXPECT_EQ(exits_of_others(entry, "off3"), 0b110u);
}

TEST(TargetState, RestsTwiceAsLongEachTimeUpToABound) {
  TargetState state;
  std::int64_t now = 0;
  for (const std::int64_t rest : {1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
    state.failed(now);
    EXPECT_TRUE(state.rests(now + rest - 1));
    EXPECT_FALSE(state.rests(now + rest));
    now += 100'000;
  }
  state.answered();
  EXPECT_EQ(state.failures(), 0u);
  EXPECT_FALSE(state.rests(now));
}

TEST(Generation, IsTheNumberAfterTheLastG) {
  const auto of = [](std::string_view identity) {
    return std::pair(std::string(generation_of(identity).base), generation_of(identity).number);
  };
  EXPECT_EQ(of("a.db.b"), std::pair(std::string("a.db.b"), 1u));
  EXPECT_EQ(of("a.db.b.g2"), std::pair(std::string("a.db.b"), 2u));
  EXPECT_EQ(of("a.g12"), std::pair(std::string("a"), 12u));
  for (const char* none : {"a.g1", "a.g0", "a.g02", "a.g", "a.gx2", ".g2", "a.g99999999999"})
    EXPECT_EQ(of(none).second, 1u) << none;
  EXPECT_EQ(generation_name("a", 1), "a");
  EXPECT_EQ(generation_name("a", 3), "a.g3");
}

}  // namespace
}  // namespace gatehouse::tunnel
