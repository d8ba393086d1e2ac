#include <gtest/gtest.h>

#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

EndpointSet single(const std::vector<Spec>& specs) {
  conf::Service service;
  service.single = true;
  std::vector<Endpoint> endpoints;
  for (std::uint32_t i = 0; i < specs.size(); ++i) endpoints.push_back(make_endpoint(specs[i], i));
  return EndpointSet(endpoints, service);
}

TEST(Single, TheHealthyOneGetsIt) {
  const EndpointSet set = single({{.health = Health::down}, {.health = Health::up}, {.health = Health::down}});
  EXPECT_EQ(picked(pick(set, throw_of(0))), 1);
  EXPECT_EQ(contenders(set).size(), 1u);
}

TEST(Single, OfTwoNobody) {
  const EndpointSet set = single({{.health = Health::up}, {.health = Health::warning}});
  EXPECT_EQ(pick(set, throw_of(0)).outcome, Outcome::doubled);
  EXPECT_EQ(pick_sticky(set, 0, throw_of(0)).outcome, Outcome::doubled);
  EXPECT_EQ(contenders(set).size(), 2u);
}

TEST(Single, ABackupIsASecondToo) {
  EXPECT_EQ(pick(single({{}, {.backup = true}}), throw_of(0)).outcome, Outcome::doubled);
}

TEST(Single, OneThatIsTakenOutIsNoSecond) {
  EXPECT_EQ(picked(pick(single({{.maintenance = true}, {}}), throw_of(0))), 1);
  EXPECT_EQ(picked(pick(single({{.weight = 0}, {}}), throw_of(0))), 1);
  const EndpointSet set = single({{}, {}});
  set[0].live->draining_since_ms = 1;
  EXPECT_EQ(picked(pick(set, throw_of(0))), 1);
}

TEST(Single, NoPanic) {
  EXPECT_EQ(pick(single({{.health = Health::down}, {.health = Health::down}}), throw_of(0)).outcome,
            Outcome::unhealthy);
  EXPECT_EQ(pick(single({}), throw_of(0)).outcome, Outcome::empty);
}

TEST(Single, WaitsForOneThatWasThereBeforeAndIsNotChecked) {
  const EndpointSet set = single({{.health = Health::up}, {.health = Health::unknown}});
  set[1].live->since_ms = 1000;
  set[0].live->healthy_since_ms = 1000;
  EXPECT_EQ(pick(set, throw_of(0)).outcome, Outcome::unchecked) << "both are new: the other may be healthy as well";
  set[1].live->since_ms = 2000;
  EXPECT_EQ(picked(pick(set, throw_of(0))), 0) << "who comes later must not stop the one that serves";
  set[0].live->health = Health::down;
  EXPECT_EQ(pick(set, throw_of(0)).outcome, Outcome::unchecked);
}

TEST(Single, TheOneServesAlthoughItRests) {
  const EndpointSet set = single({{}, {.health = Health::down}});
  set[0].live->ejected_until_ms = now_ms + 1000;
  EXPECT_EQ(picked(pick(set, throw_of(0))), 0);
}

TEST(Single, TheOneThatIsFullIsWaitedForAndTheOneTriedIsNotTriedAgain) {
  EXPECT_EQ(pick(single({{.in_flight = 3, .max_requests = 3}}), throw_of(0)).outcome, Outcome::busy);
  PickContext context = throw_of(0);
  const std::uint32_t tried[] = {0};
  context.tried = tried;
  EXPECT_EQ(pick(single({{}}), context).outcome, Outcome::tried);
}

}  // namespace
}  // namespace gatehouse::pool
