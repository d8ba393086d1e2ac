#include "proxy/pool/health.h"

#include <gtest/gtest.h>

#include "proxy/pool/endpoint_registry.h"
#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

using enum CheckResult;
constexpr Millis on_time{0};

conf::HealthCheck check_of(unsigned rise, unsigned fall) {
  conf::HealthCheck check;
  check.rise = rise;
  check.fall = fall;
  return check;
}

// One check, told a row of results: 'p'assing, 'w'arning, 'c'ritical.
Health after(const std::string& results, Health before = Health::unknown) {
  const auto check = check_of(2, 3);
  CheckHealth health(check, before);
  for (char c : results) health.on_result(c == 'p' ? passing : c == 'w' ? warning : critical, on_time);
  return health.health();
}

TEST(CheckHealth, FirstResultCountsAtOnceThenRiseAndFall) {
  struct Row {
    std::string results;
    Health health;
  };
  const Row rows[] = {
      {"", Health::unknown},   {"p", Health::up},         {"c", Health::down},      {"w", Health::warning},
      {"pcc", Health::up},     {"pccc", Health::down},    {"pccpcc", Health::up},   {"pccpccc", Health::down},
      {"cp", Health::down},    {"cpp", Health::up},       {"cpcp", Health::down},   {"cpcpp", Health::up},
      {"pw", Health::warning}, {"pwp", Health::up},       {"cpw", Health::warning}, {"cwp", Health::up},
      {"wccc", Health::down},  {"pccw", Health::warning},
  };
  for (const auto& row : rows) EXPECT_EQ(after(row.results), row.health) << '"' << row.results << '"';
}

TEST(CheckHealth, TakesOverTheVerdictOfTheOneItReplaces) {
  EXPECT_EQ(after("", Health::up), Health::up);
  EXPECT_EQ(after("cc", Health::up), Health::up);
  EXPECT_EQ(after("ccc", Health::up), Health::down);
  EXPECT_EQ(after("p", Health::down), Health::down);
  EXPECT_EQ(after("pp", Health::down), Health::up);
}

TEST(CheckHealth, StartsAsTheDefinitionSays) {
  auto check = check_of(2, 3);
  check.initial = "passing";
  EXPECT_EQ(CheckHealth(check, Health::unknown).health(), Health::up);
  check.initial = "warning";
  EXPECT_EQ(CheckHealth(check, Health::unknown).health(), Health::warning);
  CheckHealth health(check, Health::unknown);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.health(), Health::down);  // still the first result
}

TEST(CheckHealth, DoesNotCountFailuresMeasuredWhileTheProberWasLate) {
  auto check = check_of(1, 1);
  check.timeout = 800ms;  // a quarter of it is the most lag
  CheckHealth health(check, Health::up);
  health.on_result(critical, 201ms);
  EXPECT_EQ(health.health(), Health::up);
  health.on_result(critical, 200ms);
  EXPECT_EQ(health.health(), Health::down);
  health.on_result(passing, 5s);  // a success is one however late
  EXPECT_EQ(health.health(), Health::up);
}

TEST(CheckHealth, BelievesATtlCheckAtOnce) {
  auto check = check_of(2, 3);
  check.kind = conf::HealthCheck::Kind::ttl;
  CheckHealth health(check, Health::up);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.health(), Health::down);
  health.on_result(passing, on_time);
  EXPECT_EQ(health.health(), Health::up);
}

TEST(CheckHealth, TakesATtlCheckAsToldFromTheStart) {
  auto check = check_of(2, 3);
  check.kind = conf::HealthCheck::Kind::ttl;
  EXPECT_EQ(CheckHealth(check, Health::unknown).health(), Health::down);
  EXPECT_EQ(CheckHealth(check, Health::up).health(), Health::down);
  check.initial = "passing";
  EXPECT_EQ(CheckHealth(check, Health::unknown).health(), Health::up);
}

TEST(CheckHealth, IsAskedQuicklyWhileResultsDisagreeAndSeldomOnlyWhenWell) {
  const auto check = check_of(2, 2);
  CheckHealth health(check, Health::unknown);
  EXPECT_EQ(health.pace(false), Pace::changing);
  health.on_result(passing, on_time);
  EXPECT_EQ(health.pace(true), Pace::usual);
  EXPECT_EQ(health.pace(false), Pace::unused);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.pace(false), Pace::changing);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.pace(false), Pace::usual);  // down: nobody can use it, its return is waited for
}

class TwoChecks : public testing::Test {
 protected:
  EndpointHealth health_of(Health before) { return EndpointHealth(list_, before); }
  conf::HealthCheck first_ = check_of(1, 1), second_ = check_of(1, 1);
  std::vector<const conf::HealthCheck*> list_ = {&first_, &second_};
};

TEST_F(TwoChecks, TheWorstCounts) {
  auto health = health_of(Health::unknown);
  health.on_result(0, passing, on_time);
  EXPECT_EQ(health.health(), Health::unknown);  // the other has not answered yet
  health.on_result(1, warning, on_time);
  EXPECT_EQ(health.health(), Health::warning);
  health.on_result(0, critical, on_time);
  EXPECT_EQ(health.health(), Health::down);
  health.on_result(0, passing, on_time);
  health.on_result(1, passing, on_time);
  EXPECT_EQ(health.health(), Health::up);
}

TEST_F(TwoChecks, OneFailureIsEnoughBeforeTheOtherAnswers) {
  auto health = health_of(Health::unknown);
  health.on_result(1, critical, on_time);
  EXPECT_EQ(health.health(), Health::down);
}

TEST(CheckHealth, WarnsBeforeItFallsWhereAskedTo) {
  conf::HealthCheck check;
  check.fall = 3;
  check.fall_warning = 2;
  CheckHealth health(check, Health::up);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.health(), Health::up);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.health(), Health::warning);
  health.on_result(critical, on_time);
  EXPECT_EQ(health.health(), Health::down);
  CheckHealth spared(check, Health::up);
  spared.on_result(critical, on_time);
  spared.on_result(critical, on_time);
  spared.on_result(passing, on_time);
  EXPECT_EQ(spared.health(), Health::up);
}

TEST(EndpointHealth, IsUpWithoutChecks) { EXPECT_EQ(EndpointHealth({}, Health::down).health(), Health::up); }

TEST(Publish, TellsChangesAndWhenItBecameHealthy) {
  EndpointState state(0);
  EXPECT_TRUE(publish(Health::up, state, 100));
  EXPECT_FALSE(publish(Health::up, state, 200));
  EXPECT_EQ(state.since_ms, 100);
  EXPECT_TRUE(publish(Health::warning, state, 300));
  EXPECT_EQ(state.since_ms, 300);
  EXPECT_EQ(state.healthy_since_ms, 100);  // a warning is no new start
  publish(Health::down, state, 400);
  publish(Health::up, state, 500);
  EXPECT_EQ(state.healthy_since_ms, 500);
}

TEST(Publish, ForgetsWhatTheDataPathHeldAgainstItWhenItReturns) {
  EndpointState state(0);
  publish(Health::down, state, 100);
  state.ejected_until_ms = 30'000;
  state.consecutive_refusals = 7;
  publish(Health::up, state, 200);
  EXPECT_EQ(state.ejected_until_ms, 0);
  EXPECT_EQ(state.consecutive_refusals, 0);
}

TEST(ProbeDelay, StaysWithinAFifthOfItsInterval) {
  conf::HealthCheck check;
  check.interval = 5s;
  struct Row {
    Pace pace;
    Millis interval;
  };
  for (const Row& row : {Row{Pace::usual, 5s}, Row{Pace::changing, 1s}, Row{Pace::unused, 60s}}) {
    Millis least = 1h, most{0};
    for (std::uint64_t dice = 0; dice < 2000; ++dice) {
      const auto delay = probe_delay(check, row.pace, dice);
      least = std::min(least, delay);
      most = std::max(most, delay);
    }
    EXPECT_GE(least, row.interval * 8 / 10);
    EXPECT_LE(least, row.interval * 83 / 100);
    EXPECT_GE(most, row.interval * 117 / 100);
    EXPECT_LE(most, row.interval * 12 / 10);
  }
}

TEST(ProbeDelay, NeverAsksLessOftenThanTheIntervalOnChangeNorMoreOftenWhenUnused) {
  conf::HealthCheck fast, slow;
  fast.interval = 200ms;
  slow.interval = 10min;
  EXPECT_LE(probe_delay(fast, Pace::changing, 1), 240ms);
  EXPECT_GE(probe_delay(slow, Pace::unused, 1), 8min);
}

TEST(ProbeDelay, FirstLookIsSoonAndSpread) {
  conf::HealthCheck check;
  check.interval = 10s;
  Millis least = 1h, most{0};
  for (std::uint64_t dice = 0; dice < 1000; ++dice) {
    least = std::min(least, first_probe_delay(check, dice));
    most = std::max(most, first_probe_delay(check, dice));
  }
  EXPECT_LE(least, 5ms);
  EXPECT_GE(most, 190ms);
  EXPECT_LE(most, 200ms);
}

TEST(FirstHealth, IsUpWithoutChecksAndUnknownUntilEveryCheckAnswered) {
  conf::HealthCheck critical_first, passing_first, warning_first;
  passing_first.initial = "passing";
  warning_first.initial = "warning";
  EXPECT_EQ(first_health({}), Health::up);
  EXPECT_EQ(first_health({&critical_first}), Health::unknown);
  EXPECT_EQ(first_health({&passing_first, &critical_first}), Health::unknown);
  EXPECT_EQ(first_health({&passing_first}), Health::up);
  EXPECT_EQ(first_health({&passing_first, &warning_first}), Health::warning);
  auto ttl = critical_first;
  ttl.kind = conf::HealthCheck::Kind::ttl;
  EXPECT_EQ(first_health({&ttl, &critical_first}), Health::down);
}

TEST(ChecksOf, AreTheInstancesAndTheServicesUnlessThereAreToBeNone) {
  conf::Service service;
  conf::Instance instance;
  EXPECT_TRUE(checks_of(service, instance).empty());
  instance.checks.resize(2);
  service.health.emplace();
  EXPECT_EQ(checks_of(service, instance).size(), 3u);
  EXPECT_EQ(checks_of(service, instance)[2], &*service.health);
  service.health_none = true;
  EXPECT_TRUE(checks_of(service, instance).empty());
}

TEST(InUse, WhatIsUsedNowOrNeededAtOnceKeepsItsPace) {
  conf::Service service;
  const Endpoint idle = make_endpoint({}, 0);
  EXPECT_TRUE(in_use(service, idle, 59s));
  EXPECT_FALSE(in_use(service, idle, 60s));
  EXPECT_TRUE(in_use(service, make_endpoint({.in_flight = 1}, 1), 1h)) << "a session that began an hour ago";
  EXPECT_TRUE(in_use(service, make_endpoint({.backup = true}, 2), 1h));
  service.single = true;
  EXPECT_TRUE(in_use(service, idle, 1h)) << "an idle primary that is one no longer would be a second one";
}

}  // namespace
}  // namespace gatehouse::pool
