#include <algorithm>

#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

using conf::Balance;

Outcome outcome_of(const EndpointSet& set, PickContext context = throw_of(1)) { return pick(set, context).outcome; }

// What must hold for every policy alike.
class Selection : public testing::TestWithParam<Balance> {};
INSTANTIATE_TEST_SUITE_P(EveryPolicy, Selection,
                         testing::Values(Balance::round_robin, Balance::least_request, Balance::least_connection,
                                         Balance::peak_ewma, Balance::random, Balance::maglev));

TEST_P(Selection, SaysWhyNobodyWasPicked) {
  struct Row {
    std::vector<Spec> specs;
    Outcome outcome;
  };
  const Spec down{.told = Health::down}, fresh{.health = Health::unknown};
  const Spec full{.in_flight = 4, .max_requests = 4}, resting{.maintenance = true};
  const Spec weightless{.weight = 0}, warned_out{.health = Health::warning, .weight_warning = 0};
  const Row rows[] = {
      {{}, Outcome::empty},
      {{down, down}, Outcome::unhealthy},
      {{resting}, Outcome::unhealthy},
      {{weightless}, Outcome::unhealthy},
      {{warned_out}, Outcome::unhealthy},
      {{down, fresh}, Outcome::unchecked},
      {{full, down}, Outcome::busy},
      {{full, fresh}, Outcome::busy},
      {{{.in_flight = 3, .max_requests = 4}}, Outcome::picked},
      {{{.health = Health::warning}}, Outcome::picked},
      {{{.weight = 0, .health = Health::warning}}, Outcome::picked},
  };
  for (const auto& row : rows) {
    const auto set = make_set(row.specs, GetParam());
    const auto pick = pool::pick(set, throw_of(1));
    EXPECT_EQ(pick.outcome, row.outcome) << "row " << &row - rows;
    EXPECT_EQ(pick.endpoint != nullptr, row.outcome == Outcome::picked);
  }
}

TEST_P(Selection, GivesAFreshEndpointNothingBeforeItsFirstSuccess) {
  const auto set = make_set({{}, {.health = Health::unknown}}, GetParam());
  EXPECT_EQ(count_picks(set, 200), (std::map<int, int>{{0, 200}}));
  set[1].live->health = Health::up;
  EXPECT_EQ(count_picks(set, 200).size(), 2u);
}

TEST_P(Selection, TrustsAnEndpointThatHasNoChecks) {
  auto endpoint = make_endpoint({.health = Health::down}, 0);  // left by a check that was taken away
  endpoint.checked = false;
  conf::Service service;
  service.balance = GetParam();
  EXPECT_EQ(outcome_of(EndpointSet({endpoint}, service)), Outcome::picked);
}

TEST_P(Selection, LeavesOutWhatWasTried) {
  const auto set = make_set({{}, {}}, GetParam());
  const std::uint32_t first[] = {0}, both[] = {0, 1};
  auto context = throw_of(1);
  context.tried = first;
  EXPECT_EQ(picked(pick(set, context)), 1);
  context.tried = both;
  EXPECT_EQ(outcome_of(set, context), Outcome::tried);
}

TEST_P(Selection, GivesADrainingEndpointNothing) {
  const auto set = make_set({{}, {}}, GetParam());
  set[0].live->draining_since_ms = now_ms - 1;
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
}

TEST_P(Selection, LeavesOutAnEjectedEndpointUntilItsTimeIsOver) {
  const auto set = make_set({{}, {}}, GetParam());
  set[0].live->ejected_until_ms = now_ms + 1;
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
  set[0].live->ejected_until_ms = now_ms;
  EXPECT_EQ(count_picks(set, 200).size(), 2u);
}

TEST_P(Selection, TakesAnEjectedOneRatherThanNone) {
  const auto set = make_set({{}, {.health = Health::down}, {}}, GetParam());
  set[0].live->ejected_until_ms = now_ms + 1000;
  set[2].live->ejected_until_ms = now_ms + 1000;
  const auto counts = count_picks(set, 200);
  EXPECT_EQ(counts.count(-1) + counts.count(1), 0u);
  EXPECT_EQ(counts.size(), 2u);
  const std::uint32_t tried[] = {0};
  auto context = throw_of(1);
  context.tried = tried;
  EXPECT_EQ(picked(pick(set, context)), 2);
}

TEST_P(Selection, UsesBackupsOnlyWhenNoPrimaryIsHealthy) {
  const auto set = make_set({{.backup = true}, {}, {.backup = true}, {}}, GetParam());
  EXPECT_EQ(set[0].live->id, 1u);  // primaries first
  const auto expect_only = [&](std::vector<int> ids) {
    for (const auto& [id, count] : count_picks(set, 400)) {
      EXPECT_NE(std::ranges::find(ids, id), ids.end()) << id;
    }
  };
  expect_only({1, 3});
  set[0].live->health = Health::down;
  expect_only({3});
  set[1].live->ejected_until_ms = now_ms + 1000;
  expect_only({0, 2});
  set[0].live->health = Health::warning;
  expect_only({1});
}

TEST_P(Selection, WaitsForABusyPrimaryRatherThanUseABackup) {
  const auto set = make_set({{.in_flight = 1, .max_requests = 1}, {.backup = true}}, GetParam());
  EXPECT_EQ(outcome_of(set), Outcome::busy);
  set[0].live->health = Health::down;
  EXPECT_EQ(picked(pick(set, throw_of(1))), 1);
}

TEST_P(Selection, SendsARetryToTheBackupWhenTheOnlyPrimaryFailed) {
  const auto set = make_set({{}, {.backup = true}}, GetParam());
  const std::uint32_t tried[] = {0};
  auto context = throw_of(1);
  context.tried = tried;
  EXPECT_EQ(picked(pick(set, context)), 1);
}

TEST_P(Selection, RaisesTheWeightOfAWarmingEndpointFromATenth) {
  struct Row {
    std::int64_t age;
    double share;  // of two endpoints: w / (1 + w)
  };
  const Row rows[] = {{0, 0.1 / 1.1},     {50, 0.1 / 1.1}, {500, 0.5 / 1.5},
                      {999, 0.99 / 1.99}, {1000, 0.5},     {5000, 0.5}};
  for (const auto& row : rows) {
    const auto set = make_set({{}, {}}, GetParam(), 1s);
    set[0].live->healthy_since_ms = 0;
    set[1].live->healthy_since_ms = now_ms - row.age;
    std::uint32_t cursor = 0;
    auto counts = count_picks(set, 20'000, &cursor);
    EXPECT_NEAR(counts[1] / 20'000.0, row.share, 0.03) << row.age << " ms";
  }
}

TEST(Sticky, StaysWithItsEndpointWhateverThePolicySays) {
  const auto set = make_set({{.in_flight = 100}, {}}, Balance::least_request);
  EXPECT_EQ(picked(pick_sticky(set, 0, throw_of(1))), 0);
}

TEST(Sticky, WaitsForItsEndpointWhenThatIsBusy) {
  const auto set = make_set({{.in_flight = 1, .max_requests = 1}, {}}, Balance::least_request);
  EXPECT_EQ(pick_sticky(set, 0, throw_of(1)).outcome, Outcome::busy);
}

TEST(Sticky, GoesElsewhereWhenItsEndpointCantServe) {
  for (const auto health : {Health::down, Health::unknown}) {
    const auto set = make_set({{.health = health}, {}}, Balance::least_request);
    EXPECT_EQ(picked(pick_sticky(set, 0, throw_of(1))), 1);
  }
  const auto set = make_set({{}, {}}, Balance::least_request);
  const std::uint32_t tried[] = {0};
  auto context = throw_of(1);
  context.tried = tried;
  EXPECT_EQ(picked(pick_sticky(set, 0, context)), 1);
}

TEST(Sticky, KeepsItsSessionAtADrainingEndpointForTheDrainTime) {
  const auto set = make_set({{}, {}}, Balance::least_request);
  set[0].live->draining_since_ms = now_ms - set.drain_ms() + 1;
  EXPECT_EQ(picked(pick_sticky(set, 0, throw_of(1))), 0);
  set[0].live->draining_since_ms = now_ms - set.drain_ms();
  EXPECT_EQ(picked(pick_sticky(set, 0, throw_of(1))), 1);
}

TEST(Endpoint, RefusesOneRequestOverItsLimit) {
  auto endpoint = make_endpoint({.max_requests = 2}, 0);
  EXPECT_TRUE(begin_request(endpoint));
  EXPECT_TRUE(begin_request(endpoint));
  EXPECT_FALSE(begin_request(endpoint));
  EXPECT_EQ(endpoint.live->requests, 2u);
  end_request(endpoint);
  EXPECT_TRUE(begin_request(endpoint));
}

TEST(Endpoint, RefusesOneConnectionOverItsLimitAndHasNoneByDefault) {
  auto endpoint = make_endpoint({}, 0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(begin_connection(endpoint));
  endpoint.max_connections = 1000;
  EXPECT_FALSE(begin_connection(endpoint));
  end_connection(*endpoint.live);
  EXPECT_TRUE(begin_connection(endpoint));
  EXPECT_FALSE(begin_connection(endpoint));
}

}  // namespace
}  // namespace gatehouse::pool
