#include "conf/catalog/hold_down.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

using conf::CatalogHealth;
using conf::Instance;

const TimePoint start = TimePoint{} + 1h;

Instance instance(int n, CatalogHealth health = CatalogHealth::passing) {
  Instance out;
  out.node = "n1";
  out.service = "web";
  out.id = "web-" + std::to_string(n);
  out.catalog_health = health;
  return out;
}

std::vector<Instance> instances(int count) {
  std::vector<Instance> out;
  for (int n = 0; n < count; ++n) out.push_back(instance(n));
  return out;
}

std::size_t held(const std::vector<Instance>& all) {
  std::size_t count = 0;
  for (const Instance& each : all) count += !each.held.empty();
  return count;
}

TEST(HoldDown, GivesWhatTheCatalogSays) {
  HoldDown hold;
  EXPECT_EQ(hold.update("web", instances(3), true, false, start), instances(3));
  EXPECT_EQ(hold.update("web", instances(4), true, false, start), instances(4));
}

TEST(HoldDown, TellsWhetherAnAnswerLosesWhoWasWell) {
  HoldDown hold;
  EXPECT_FALSE(hold.doubt("web", {}, start));
  hold.update("web", {instance(1), instance(2, CatalogHealth::critical)}, true, false, start);
  EXPECT_FALSE(hold.doubt("web", instances(3), start));
  EXPECT_FALSE(hold.doubt("web", {instance(1)}, start)) << "who failed before may go";
  EXPECT_TRUE(hold.doubt("web", {instance(2)}, start));
  hold.update("web", {}, false, false, start);
  EXPECT_FALSE(hold.doubt("web", {}, start)) << "held already";
}

TEST(HoldDown, ALostNodeIsNoEvidenceAgainstAService) {
  HoldDown hold;
  auto lost = instances(3);
  for (Instance& each : lost) each.catalog_health = CatalogHealth::critical, each.node_lost = true;
  hold.update("web", lost, true, false, start);
  EXPECT_EQ(held(hold.update("web", {}, true, false, start)), 3u);
}

TEST(HoldDown, OneMayLeaveATrustedCatalogAtOnce) {
  HoldDown hold;
  hold.update("web", instances(3), true, false, start);
  EXPECT_EQ(hold.update("web", instances(2), true, false, start), instances(2));
}

TEST(HoldDown, AFifthOfAServiceMayLeaveAndNoMore) {
  HoldDown hold;
  hold.update("other", instances(100), true, false, start);
  hold.update("web", instances(20), true, false, start);
  EXPECT_EQ(hold.update("web", instances(16), true, false, start).size(), 16u);
  const auto after = hold.update("web", instances(15), true, false, start);
  EXPECT_EQ(after.size(), 16u);
  EXPECT_EQ(held(after), 1u);
  EXPECT_EQ(hold.held()[0].id, "web-15");
  EXPECT_NE(hold.held()[0].reason.find("at once"), std::string::npos);
}

TEST(HoldDown, OneByOneTheyMayLeaveInTime) {
  HoldDown hold;
  hold.update("other", instances(100), true, false, start);
  hold.update("web", instances(20), true, false, start);
  TimePoint now = start;
  for (int left = 19; left >= 1; --left) {
    now += HoldDown::window + 1ms;
    const auto served = hold.update("web", instances(left), true, false, now);
    EXPECT_EQ(served.size(), static_cast<std::size_t>(left));
    EXPECT_EQ(held(served), 0u);
  }
}

TEST(HoldDown, ASeventhOfAllMayLeaveAndNoMore) {
  HoldDown hold;
  for (int n = 0; n < 14; ++n) hold.update("s" + std::to_string(n), instances(1), true, false, start);
  std::size_t kept = 0;
  for (int n = 0; n < 14; ++n) kept += held(hold.update("s" + std::to_string(n), {}, true, false, start));
  EXPECT_EQ(kept, 12u);
}

TEST(HoldDown, ANodeThatGoesWithItsServicesIsNotBelievedBitByBit) {
  HoldDown hold;
  for (int n = 0; n < 14; ++n) hold.update("s" + std::to_string(n), instances(1), true, false, start);
  for (int n = 0; n < 14; ++n) EXPECT_TRUE(hold.doubt("s" + std::to_string(n), {}, start));
  std::size_t kept = 0;
  for (int n = 0; n < 14; ++n) kept += held(hold.update("s" + std::to_string(n), {}, true, false, start + 1s));
  EXPECT_EQ(kept, 14u);
}

TEST(HoldDown, OneThatWasDoubtedAloneLeaves) {
  HoldDown hold;
  hold.update("web", instances(3), true, false, start);
  EXPECT_FALSE(hold.doubt("web", instances(3), start));
  EXPECT_TRUE(hold.doubt("web", instances(2), start));
  EXPECT_TRUE(hold.doubt("web", instances(2), start));
  EXPECT_EQ(hold.update("web", instances(2), true, false, start + 1s), instances(2));
  EXPECT_EQ(held(hold.update("web", instances(1), true, false, start + 3s)), 1u) << "the first one counts";
}

// Says which of five the catalog has; gives how many are held.
std::size_t held_of(HoldDown& hold, const std::set<int>& said, TimePoint now) {
  std::vector<Instance> out;
  for (const int n : said) out.push_back(instance(n));
  hold.doubt("web", out, now);
  return held(hold.update("web", out, true, false, now));
}

TEST(HoldDown, OneThatFlapsMakesNobodyElseBeHeld) {
  HoldDown hold;
  held_of(hold, {0, 1, 2, 3, 4}, start);
  for (int n = 1; n < 8; n += 2) {
    EXPECT_EQ(held_of(hold, {1, 2, 3, 4}, start + n * 1s), 0u) << n;
    EXPECT_EQ(held_of(hold, {0, 1, 2, 3, 4}, start + (n + 1) * 1s), 0u) << n;
  }
  EXPECT_EQ(held_of(hold, {0, 1, 2, 3}, start + 9s), 0u) << "another leaves, the one that flaps is there";
  HoldDown away;
  held_of(away, {0, 1, 2, 3, 4}, start);
  held_of(away, {1, 2, 3, 4}, start + 1s);
  held_of(away, {0, 1, 2, 3, 4}, start + 2s);
  held_of(away, {1, 2, 3, 4}, start + 3s);
  EXPECT_EQ(held_of(away, {1, 2, 3}, start + 4s), 0u) << "another leaves, the one that flaps is away";
  EXPECT_EQ(held_of(away, {1, 2}, start + 5s), 1u) << "of the others one may leave, as ever";
}

TEST(HoldDown, OneThatFlapsMakesNobodyOfAnotherServiceBeHeld) {
  HoldDown hold;
  Instance other = instance(0);
  other.service = "shop";
  hold.update("shop", {other}, true, false, start);
  held_of(hold, {0, 1}, start);
  for (int n = 0; n < 4; ++n) {
    held_of(hold, {1}, start + (2 * n) * 1s);
    held_of(hold, {0, 1}, start + (2 * n + 1) * 1s);
  }
  EXPECT_TRUE(hold.doubt("shop", {}, start + 8s));
  EXPECT_EQ(held(hold.update("shop", {}, true, false, start + 8s)), 0u);
}

TEST(HoldDown, WhoseLossDidNotComeTrueCountsNoMore) {
  HoldDown hold;
  hold.update("web", instances(3), true, false, start);
  EXPECT_TRUE(hold.doubt("web", instances(2), start));
  hold.update("web", instances(3), true, false, start);
  EXPECT_EQ(held_of(hold, {1, 2}, start + 1s), 0u);
}

TEST(HoldDown, WhoDepartedIsAwaitedForAWhile) {
  HoldDown hold;
  hold.update("web", instances(1), true, false, start);
  EXPECT_TRUE(hold.update("web", {}, true, false, start).at(0).awaited);
  EXPECT_FALSE(hold.expire(false, start)) << "whatever the catalog is worth";
  EXPECT_FALSE(hold.expire(false, start + HoldDown::awaited_most - 1ms));
  EXPECT_TRUE(hold.expire(false, start + HoldDown::awaited_most));
  EXPECT_FALSE(hold.instances("web").at(0).awaited);
  EXPECT_TRUE(hold.instances("web").at(0).departed);
  EXPECT_FALSE(hold.expire(false, start + HoldDown::awaited_most + 1s));
  hold.update("web", instances(1), true, false, start + 1h);
  EXPECT_TRUE(hold.update("web", {}, true, false, start + 2h).at(0).awaited) << "each time";
  EXPECT_FALSE(hold.expire(false, start + 2h));
}

TEST(HoldDown, WhatWasKnownHoldsUntilChecksHaveRun) {
  HoldDown hold;
  hold.update("web", {instance(0), instance(1, CatalogHealth::critical)}, true, false, start);
  std::vector<Instance> restarted;
  for (int n = 0; n < 4; ++n) restarted.push_back(instance(n, CatalogHealth::critical));
  std::set<InstanceKey> unproven{{"n1", "web-0"}, {"n1", "web-1"}, {"n1", "web-2"}};
  hold.recall("web", restarted, unproven);
  EXPECT_EQ(restarted[0].catalog_health, CatalogHealth::passing);
  EXPECT_EQ(restarted[1].catalog_health, CatalogHealth::critical);
  EXPECT_EQ(restarted[2].catalog_health, CatalogHealth::critical) << "nothing was known of it";
  std::vector<Instance> failed{instance(0, CatalogHealth::critical)};
  hold.recall("web", failed, {});
  EXPECT_EQ(failed[0].catalog_health, CatalogHealth::critical);
}

TEST(HoldDown, WhoFailedFirstLeavesWhateverTheCatalogIsWorth) {
  HoldDown hold;
  auto failing = instances(3);
  for (Instance& each : failing) each.catalog_health = CatalogHealth::critical;
  failing[0].catalog_health = CatalogHealth::passing;
  failing[0].maintenance = true;
  hold.update("web", failing, true, false, start);
  EXPECT_EQ(held(hold.update("web", {}, false, false, start)), 0u);
}

TEST(HoldDown, NobodyLeavesACatalogThatIsNotTrusted) {
  HoldDown hold;
  hold.update("web", instances(3), true, false, start);
  const auto after = hold.update("web", instances(2), false, false, start);
  EXPECT_EQ(after.size(), 3u);
  EXPECT_EQ(held(after), 1u);
  EXPECT_FALSE(hold.expire(false, start + 24h));
}

TEST(HoldDown, WhoIsHeldIsJudgedByAConnectionWhereNothingElseIsChecked) {
  HoldDown hold;
  auto two = instances(2);
  two[1].checks.push_back({.id = "own"});
  hold.update("web", two, true, false, start);
  const auto after = hold.update("web", {}, false, false, start);
  ASSERT_EQ(after.size(), 2u);
  ASSERT_EQ(after[0].checks.size(), 1u);
  EXPECT_EQ(after[0].checks[0].kind, conf::HealthCheck::Kind::tcp);
  EXPECT_EQ(after[1].checks.size(), 1u);
  EXPECT_EQ(after[1].checks[0].id, "own");
}

TEST(HoldDown, WhoIsHeldGoesWhenItsCheckFailsOrAnOperatorSaysSoOrInTime) {
  HoldDown hold;
  hold.update("web", instances(4), true, false, start);
  hold.update("web", {}, true, false, start);
  EXPECT_TRUE(hold.drop("web", "n1", "web-0", ""));
  EXPECT_FALSE(hold.drop("web", "n1", "web-0", ""));
  EXPECT_EQ(hold.approve("web", "web-1"), 1u);
  EXPECT_EQ(hold.instances("web").size(), 2u);
  EXPECT_FALSE(hold.expire(true, start));
  EXPECT_FALSE(hold.expire(true, start + HoldDown::hold_most - 1ms));
  EXPECT_TRUE(hold.expire(true, start + HoldDown::hold_most));
  EXPECT_TRUE(hold.held().empty());
}

TEST(HoldDown, TheTimeInWhichTheCatalogIsNotTrustedDoesNotCount) {
  HoldDown hold;
  hold.update("web", instances(4), true, false, start);
  hold.update("web", {}, false, false, start);
  EXPECT_FALSE(hold.expire(false, start + 3h));
  EXPECT_FALSE(hold.expire(true, start + 3h + 1s)) << "trusted again, and not yet read again";
  EXPECT_FALSE(hold.expire(false, start + 3h + 1s + HoldDown::hold_most - 1ms));
  EXPECT_FALSE(hold.expire(true, start + 4h));
  EXPECT_TRUE(hold.expire(true, start + 4h + HoldDown::hold_most));
}

TEST(HoldDown, WhoComesBackIsHeldNoMore) {
  HoldDown hold;
  hold.update("web", instances(4), true, false, start);
  hold.update("web", {}, true, false, start);
  EXPECT_EQ(hold.update("web", instances(4), true, false, start), instances(4));
  EXPECT_FALSE(hold.drop("web", "n1", "web-0", "")) << "the catalog has it: its health is the pool's business";
}

TEST(HoldDown, TheLastOfAServiceLeavesItsRoutesBehind) {
  HoldDown hold;
  hold.update("web", instances(1), true, false, start);
  const auto after = hold.update("web", {}, true, false, start);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_TRUE(after[0].departed);
  EXPECT_EQ(hold.update("web", instances(1), true, false, start), instances(1));
  hold.update("web", {}, true, false, start + 1h);
  EXPECT_EQ(hold.approve("web", ""), 1u);
  EXPECT_TRUE(hold.instances("web").empty());
}

TEST(HoldDown, TheRoutesOfTheLastOneStayForADay) {
  HoldDown hold;
  hold.update("web", instances(1), true, false, start);
  ASSERT_TRUE(hold.update("web", {}, true, false, start).at(0).departed);
  EXPECT_FALSE(hold.expire(true, start));
  hold.expire(true, start + HoldDown::departed_most - 1ms);
  EXPECT_EQ(hold.instances("web").size(), 1u);
  EXPECT_TRUE(hold.expire(true, start + HoldDown::departed_most));
  EXPECT_TRUE(hold.instances("web").empty());
  hold.update("web", instances(1), true, false, start + 25h);
  hold.update("web", {}, true, false, start + 26h);
  EXPECT_FALSE(hold.expire(true, start + 26h)) << "its own day";
}

TEST(HoldDown, OfASingleNobodyIsHeldWhomTheCatalogTookAwayOrAnotherReplaces) {
  HoldDown hold;
  hold.update("db", instances(2), true, true, start);
  EXPECT_EQ(held(hold.update("db", {}, true, true, start)), 0u);
  hold.update("db", instances(1), true, true, start);
  EXPECT_EQ(hold.update("db", {instance(1)}, false, true, start), std::vector{instance(1)});
}

TEST(HoldDown, TheOnlyOneOfASingleIsHeldWhileTheCatalogCannotBeTrustedAndNamesNoOther) {
  HoldDown hold;
  hold.update("db", instances(1), true, true, start);
  EXPECT_EQ(held(hold.update("db", {}, false, true, start)), 1u);
  EXPECT_EQ(held(hold.update("db", {instance(1, CatalogHealth::critical)}, false, true, start)), 1u);
  EXPECT_EQ(hold.update("db", {instance(1)}, false, true, start), std::vector{instance(1)}) << "its successor";
}

TEST(HoldDown, WhatIsKnownFromBeforeServesUntilTheCatalogIsHeard) {
  HoldDown hold;
  for (const Instance& each : instances(3)) hold.remember(each, start);
  EXPECT_EQ(hold.instances("web"), instances(3));
  EXPECT_EQ(hold.update("web", instances(3), true, false, start), instances(3));
  EXPECT_EQ(hold.update("web", instances(2), true, false, start), instances(2));  // as any other from now on
}

TEST(HoldDown, WhatIsKnownFromBeforeAndLacksInTheFirstAnswerIsHeld) {
  HoldDown hold;
  for (const Instance& each : instances(10)) hold.remember(each, start);
  const auto after = hold.update("web", instances(9), true, false, start);
  EXPECT_EQ(after.size(), 10u);
  ASSERT_EQ(hold.held().size(), 1u);
  EXPECT_EQ(hold.held()[0].reason, "known from before, and the catalog lacks it");
  EXPECT_EQ(after.back().checks.size(), 1u);
  EXPECT_TRUE(hold.drop("web", "n1", "web-9", ""));
  EXPECT_EQ(hold.instances("web"), instances(9));
}

TEST(HoldDown, WhatWasCriticalBeforeAndLacksInTheFirstAnswerIsGone) {
  HoldDown hold;
  hold.remember(instance(0), start);
  hold.remember(instance(1, CatalogHealth::critical), start);
  EXPECT_EQ(hold.update("web", instances(1), true, false, start), instances(1));
}

TEST(HoldDown, OfASingleServiceWhatTheFirstAnswerLacksIsGone) {
  HoldDown hold;
  hold.remember(instance(0), start);
  hold.remember(instance(1), start);
  EXPECT_EQ(hold.update("web", instances(1), true, true, start), instances(1));
}

TEST(HoldDown, WhatWasHeldAndWhoDepartedIsSoAfterARestart) {
  HoldDown hold;
  Instance held = instance(0), departed = instance(1);
  held.held = "the catalog lost it";
  departed.service = "gone";
  departed.departed = true;
  hold.remember(held, start);
  hold.remember(departed, start);
  EXPECT_EQ(hold.update("web", {}, true, false, start).at(0).held, "the catalog lost it");
  EXPECT_TRUE(hold.update("gone", {}, true, false, start).at(0).departed);
  EXPECT_FALSE(hold.expire(true, start));
  EXPECT_TRUE(hold.expire(true, start + HoldDown::hold_most));
}

TEST(HoldDown, ApprovesOneByItsNodeAndId) {
  HoldDown hold;
  hold.update("web", instances(3), true, false, start);
  hold.update("web", {}, false, false, start);
  EXPECT_EQ(hold.approve("web", "n2/web-1"), 0u);
  EXPECT_EQ(hold.approve("web", "n1/web-1"), 1u);
  EXPECT_EQ(hold.approve("web", "web-2"), 1u);
  EXPECT_EQ(hold.held().size(), 1u);
}

}  // namespace
}  // namespace gatehouse::catalog
