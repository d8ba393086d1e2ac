#include "proxy/pool/panic.h"

#include <set>

#include "proxy/pool/eject.h"
#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

constexpr Spec down{.health = Health::down};

EndpointSet unhealthy(const std::vector<Spec>& specs) { return make_set(specs, conf::Balance::least_request); }

std::set<int> all_picked(const EndpointSet& set) {
  std::set<int> ids;
  for (const auto& [id, count] : count_picks(set, 200)) ids.insert(id);
  return ids;
}

TEST(Panic, TriesThoseThatFailTheirChecksWhenNobodyPassesThem) {
  const EndpointSet set = unhealthy({down, down, down});
  EXPECT_TRUE(in_panic(set));
  EXPECT_EQ(all_picked(set), (std::set<int>{0, 1, 2}));
  set[1].live->health = Health::warning;
  EXPECT_FALSE(in_panic(set));
  EXPECT_EQ(all_picked(set), std::set<int>{1});
}

TEST(Panic, FollowsTheWeights) {
  const EndpointSet set = unhealthy({{.weight = 1, .health = Health::down}, {.weight = 9, .health = Health::down}});
  EXPECT_NEAR(count_picks(set, 10'000)[0], 1'000, 150);
}

TEST(Panic, TriesBackupsOnlyWhenNoPrimaryMayBeTried) {
  EXPECT_EQ(all_picked(unhealthy({{.health = Health::down, .backup = true}, down})), std::set<int>{1});
  const Spec critical{.health = Health::down, .told = Health::down};
  EXPECT_EQ(all_picked(unhealthy({{.health = Health::down, .backup = true}, critical})), std::set<int>{0});
}

TEST(Panic, LeavesOutWhomTheCatalogOrTheOperatorTookOut) {
  const EndpointSet drained = unhealthy({down, down});
  drained[0].live->draining_since_ms = 1;
  EXPECT_EQ(all_picked(drained), std::set<int>{1});
  for (const Spec& out :
       {Spec{.health = Health::down, .maintenance = true}, Spec{.health = Health::down, .told = Health::down},
        Spec{.health = Health::down, .held = true}, Spec{.weight = 0, .health = Health::down}}) {
    EXPECT_EQ(all_picked(unhealthy({out, down})), std::set<int>{1});
    EXPECT_FALSE(in_panic(unhealthy({out})));
    EXPECT_EQ(pick(unhealthy({out}), throw_of(1)).outcome, Outcome::unhealthy);
  }
}

TEST(Panic, TriesThoseWhoseNodeAloneIsLost) {
  const Spec lost{.told = Health::down, .node_lost = true};
  EXPECT_TRUE(in_panic(unhealthy({lost})));
  EXPECT_EQ(all_picked(unhealthy({lost, {.told = Health::down}})), std::set<int>{0});
}

TEST(Panic, WaitsForAFirstCheckAndForWhoIsFull) {
  EXPECT_EQ(pick(unhealthy({down, {.health = Health::unknown}}), throw_of(1)).outcome, Outcome::unchecked);
  EXPECT_FALSE(in_panic(unhealthy({down, {.health = Health::unknown}})));
  const Spec full{.in_flight = 2, .health = Health::down, .max_requests = 2};
  EXPECT_EQ(pick(unhealthy({full}), throw_of(1)).outcome, Outcome::busy);
}

TEST(Panic, IsNotForASingleServiceNorForTcp) {
  for (const bool single : {true, false}) {
    conf::Service service;
    service.single = single;
    if (!single) service.tcp.emplace_back();
    const EndpointSet set({make_endpoint(down, 0), make_endpoint(down, 1)}, service);
    EXPECT_FALSE(in_panic(set));
    EXPECT_EQ(pick(set, throw_of(1)).outcome, Outcome::unhealthy);
  }
}

TEST(Panic, IsNotWhereAHealthyOneHasOnlyBeenTried) {
  const EndpointSet set = unhealthy({{}, down});
  const std::uint32_t tried[] = {0};
  PickContext context = throw_of(1);
  context.tried = tried;
  EXPECT_EQ(pick(set, context).outcome, Outcome::tried);
}

TEST(Panic, ARetryGoesToAnother) {
  const EndpointSet set = unhealthy({down, down});
  const std::uint32_t first[] = {0}, both[] = {0, 1};
  PickContext context = throw_of(1);
  context.tried = first;
  EXPECT_EQ(picked(pick(set, context)), 1);
  context.tried = both;
  EXPECT_EQ(pick(set, context).outcome, Outcome::tried);
}

TEST(Panic, KeepsAStickyClientWithItsEndpoint) {
  const EndpointSet set = unhealthy({down, down, down});
  for (std::uint64_t n = 0; n < 50; ++n) EXPECT_EQ(picked(pick_sticky(set, 2, throw_of(n))), 2);
  set[0].live->health = Health::up;
  EXPECT_EQ(picked(pick_sticky(set, 2, throw_of(1))), 0);
}

TEST(Panic, LetsOneRequestAtATimeTryAnEndpointThatRefusesConnections) {
  const EndpointSet set = unhealthy({down});
  EjectGate gate;
  const auto at = [](std::int64_t ms) {
    PickContext context = throw_of(1);
    context.now_ms = now_ms + ms;
    return context;
  };
  const auto refuse = [&](std::int64_t ms) { on_connect_failure(set[0], set, gate, Failure::refused, now_ms + ms); };
  EXPECT_EQ(picked(pick(set, at(0))), 0);
  EXPECT_EQ(picked(pick(set, at(0))), 0) << "nothing is held against it yet";
  refuse(0);
  EXPECT_EQ(picked(pick(set, at(1))), 0);
  EXPECT_EQ(pick(set, at(1)).outcome, Outcome::unhealthy) << "one has gone to see";
  refuse(2);
  EXPECT_EQ(pick(set, at(1'000)).outcome, Outcome::unhealthy);
  EXPECT_EQ(picked(pick(set, at(1'001))), 0);
  EXPECT_EQ(pick(set, at(3'000)).outcome, Outcome::unhealthy);
  EXPECT_EQ(picked(pick(set, at(3'001))), 0);
  for (int i = 0; i < 10; ++i) refuse(3'002);
  EXPECT_EQ(picked(pick(set, at(7'001))), 0) << "four seconds at the most, or one that lives again would be missed";
  on_connected(*set[0].live);
  EXPECT_EQ(picked(pick(set, at(7'002))), 0);
  EXPECT_EQ(picked(pick(set, at(7'002))), 0) << "it has a listener again";
}

TEST(Panic, PrefersAnEndpointThatHasNotRefused) {
  const EndpointSet set = unhealthy({down, down});
  set[0].live->consecutive_refusals = 1;
  EXPECT_EQ(all_picked(set), std::set<int>{1});
}

}  // namespace
}  // namespace gatehouse::pool
