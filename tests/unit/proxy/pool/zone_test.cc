#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

using conf::Balance;

constexpr int many = 20'000;
constexpr Spec near_one, far_one{.far = true};

int share_of(const std::map<int, int>& counts, int first, int last) {
  int sum = 0;
  for (const auto& [id, count] : counts) sum += id >= first && id <= last ? count : 0;
  return sum;
}

class Zone : public testing::TestWithParam<Balance> {};
INSTANTIATE_TEST_SUITE_P(EveryPolicy, Zone,
                         testing::Values(Balance::round_robin, Balance::least_request, Balance::least_connection,
                                         Balance::peak_ewma, Balance::random, Balance::maglev));

TEST_P(Zone, TheNearOnesGetItAll) {
  const auto set = make_set({far_one, near_one, far_one, near_one}, GetParam());
  const auto counts = count_picks(set, 400);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts.count(1) + counts.count(3), 2u);
}

TEST_P(Zone, NobodyNearMeansTheFarOnes) {
  EXPECT_EQ(count_picks(make_set({far_one, far_one}, GetParam()), 400).size(), 2u);
  const auto set = make_set({{.told = Health::down}, far_one, {.backup = true}}, GetParam());
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
}

TEST_P(Zone, BackupsComeAfterTheFarOnes) {
  const auto set =
      make_set({{.told = Health::down}, {.told = Health::down, .far = true}, {.backup = true}}, GetParam());
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{2, 100}}));
}

// One of four gone: the other three carry 4/3 of their share, which is below 1.4.
TEST_P(Zone, AFewThatAreMissingSpillNothing) {
  const auto set = make_set({near_one, near_one, near_one, {.health = Health::down}, far_one}, GetParam());
  EXPECT_EQ(count_picks(set, 1'000).count(4), 0u);
}

// Two of four: they carry 2 x 1.4 of what four should, the rest goes away.
TEST_P(Zone, ManyThatAreMissingSpillWhatTheOthersCantCarry) {
  const Spec gone{.health = Health::down};
  const auto set = make_set({near_one, near_one, gone, gone, far_one, far_one}, GetParam());
  std::uint32_t cursor = 0;
  const auto counts = count_picks(set, many, &cursor);
  EXPECT_NEAR(share_of(counts, 4, 5), many * 0.3, many * 0.02);
  EXPECT_NEAR(share_of(counts, 0, 1), many * 0.7, many * 0.02);
}

TEST_P(Zone, WhatWouldSpillStaysWhenTheFarOnesAreGone) {
  const Spec gone{.health = Health::down};
  const auto set = make_set({near_one, gone, gone, {.health = Health::down, .far = true}}, GetParam());
  EXPECT_EQ(count_picks(set, 200), (std::map<int, int>{{0, 200}}));
}

TEST_P(Zone, FullOnesSpillRatherThanQueue) {
  const Spec full{.in_flight = 1, .max_requests = 1}, far_full{.in_flight = 1, .max_requests = 1, .far = true};
  EXPECT_EQ(picked(pick(make_set({full, far_one}, GetParam()), throw_of(1))), 1);
  EXPECT_EQ(pick(make_set({full, far_full}, GetParam()), throw_of(1)).outcome, Outcome::busy);
  EXPECT_EQ(pick(make_set({full, {.health = Health::down, .far = true}, {.backup = true}}, GetParam()), throw_of(1))
                .outcome,
            Outcome::busy)
      << "a backup is not for load";
}

TEST(ZoneOfMany, TakesTheHealthOfSomeForThatOfAll) {
  std::vector<Spec> specs(400);
  for (std::size_t i = 0; i < specs.size(); i += 2) specs[i].health = Health::down;
  specs.push_back(far_one);
  const auto set = make_set(specs, Balance::least_request);
  EXPECT_NEAR(count_picks(set, many)[400], many * 0.3, many * 0.05);
}

TEST(ZoneByKey, AKeyStaysWhereItWentWhenSomeSpill) {
  const Spec gone{.health = Health::down};
  const auto set = make_set({near_one, near_one, gone, gone, far_one, far_one}, Balance::maglev);
  for (std::uint64_t n = 0; n < 200; ++n) {
    auto context = throw_of(n);
    const int first = picked(pick(set, context));
    context.dice = ~context.dice;
    EXPECT_EQ(picked(pick(set, context)), first);
  }
}

}  // namespace
}  // namespace gatehouse::pool
