#include "proxy/pool/failover.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

constexpr Reach good{.usable = true}, bad{}, unknown{.unchecked = true};

struct Site {
  Failovers failovers;
  conf::Failover policy{.datacenter = "dc2", .after = 10s, .back_after = 60s};
  TimePoint now{};

  Site() { now += 1000s; }
  bool changes(const Reach& here, const Reach& there, Millis later = 0ms) {
    now += later;
    return failovers.look("web", policy, here, there, now).changed;
  }
  std::string at() const {
    const auto away = failovers.away().find("web");
    return away == failovers.away().end() ? "home" : away->second.datacenter;
  }
};

TEST(Failover, GoesOnceNoneWasUsableForSoLong) {
  Site site;
  EXPECT_FALSE(site.changes(good, good));
  EXPECT_FALSE(site.changes(bad, good));
  EXPECT_FALSE(site.changes(bad, good, 9'999ms));
  EXPECT_TRUE(site.changes(bad, good, 1ms));
  EXPECT_EQ(site.at(), "dc2");
}

TEST(Failover, TellsWhenToLookAgain) {
  Site site;
  EXPECT_EQ(site.failovers.look("web", site.policy, bad, good, site.now).again, site.now + 10s);
  EXPECT_EQ(site.failovers.look("web", site.policy, good, good, site.now).again, TimePoint::max());
}

TEST(Failover, WithoutAfterItGoesAtOnce) {
  Site site;
  site.policy.after = 0ms;
  EXPECT_TRUE(site.changes(bad, good));
}

TEST(Failover, OneThatCameBackBetweenBeginsTheTimeAnew) {
  Site site;
  site.changes(bad, good);
  site.changes(good, good, 9s);
  site.changes(bad, good, 1s);
  EXPECT_FALSE(site.changes(bad, good, 9s));
  EXPECT_TRUE(site.changes(bad, good, 1s));
}

TEST(Failover, OneThatAwaitsItsFirstCheckKeepsItHere) {
  Site site;
  site.policy.after = 0ms;
  EXPECT_FALSE(site.changes(unknown, good));
  EXPECT_FALSE(site.changes(unknown, good, 60s));
}

TEST(Failover, WhereNobodyIsUsableThereItStaysUntilSomebodyIs) {
  Site site;
  EXPECT_FALSE(site.changes(bad, bad));
  EXPECT_FALSE(site.changes(bad, unknown, 60s));
  EXPECT_TRUE(site.changes(bad, good));
}

TEST(Failover, ComesBackOnceOneHereWasUsableForSoLong) {
  Site site;
  site.changes(bad, good), site.changes(bad, good, 10s);
  ASSERT_EQ(site.at(), "dc2");
  EXPECT_FALSE(site.changes(good, good, 100s));
  EXPECT_FALSE(site.changes(bad, good, 59s));
  EXPECT_FALSE(site.changes(good, good, 1s));
  EXPECT_FALSE(site.changes(good, good, 59s));
  EXPECT_TRUE(site.changes(good, good, 1s));
  EXPECT_EQ(site.at(), "home");
}

TEST(Failover, ComesBackAtOnceWhereNobodyIsLeftThere) {
  Site site;
  site.changes(bad, good), site.changes(bad, good, 10s);
  EXPECT_FALSE(site.changes(bad, bad)) << "here is nobody either";
  EXPECT_TRUE(site.changes(good, bad));
}

TEST(Failover, ByHandItStaysWhateverHappens) {
  Site site;
  site.policy.datacenter = "";
  site.failovers.go("web", "dc3");
  EXPECT_FALSE(site.changes(good, bad, 1000s));
  EXPECT_EQ(site.at(), "dc3");
  EXPECT_TRUE(site.failovers.back("web"));
  EXPECT_FALSE(site.failovers.back("web"));
  EXPECT_EQ(site.at(), "home");
}

TEST(Failover, WithoutAPolicyItNeverGoesByItself) {
  Site site;
  site.policy = {};
  EXPECT_FALSE(site.changes(bad, good));
  EXPECT_FALSE(site.changes(bad, good, 1000s));
}

TEST(Failover, APolicyThatNamesAnotherBringsItBack) {
  Site site;
  site.changes(bad, good), site.changes(bad, good, 10s);
  site.policy.datacenter = "dc4";
  EXPECT_TRUE(site.changes(bad, good));
  EXPECT_EQ(site.at(), "home");
}

TEST(Failover, IsKeptAsText) {
  Failovers before, after;
  before.go("my web", "dc3");
  before.look("api", {.datacenter = "dc2", .after = 0ms}, bad, good, TimePoint() + 1s);
  EXPECT_EQ(before.text(), "api dc2\nmy web dc3 by hand\n");
  after.restore(before.text() + "\nnonsense\n dc\nx \n");
  EXPECT_EQ(after.away(), before.away());
}

TEST(Reach, CountsWhoMayGetRequests) {
  const auto reach = [](const Spec& spec, bool draining = false) {
    const Endpoint endpoint = make_endpoint(spec, 0);
    if (draining) endpoint.live->draining_since_ms = 1;
    Reach out;
    out.add(endpoint);
    return std::pair(out.usable, out.unchecked);
  };
  EXPECT_EQ(reach({}), std::pair(true, false));
  EXPECT_EQ(reach({.health = Health::warning}), std::pair(true, false));
  EXPECT_EQ(reach({.health = Health::warning, .weight_warning = 0}), std::pair(false, false));
  EXPECT_EQ(reach({.health = Health::unknown}), std::pair(false, true));
  EXPECT_EQ(reach({.health = Health::down}), std::pair(false, false));
  EXPECT_EQ(reach({.maintenance = true}), std::pair(false, false));
  EXPECT_EQ(reach({.weight = 0}), std::pair(false, false));
  EXPECT_EQ(reach({}, true), std::pair(false, false));
}

}  // namespace
}  // namespace gatehouse::pool
