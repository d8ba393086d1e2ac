#include <algorithm>
#include <deque>

#include "proxy/pool/latency.h"
#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

using conf::Balance;

constexpr int many = 20'000;

// Shares of `many` within a tenth of what they should be: far outside of chance (5 sigma at the least).
void expect_shares(std::map<int, int> counts, const std::map<int, double>& shares) {
  for (const auto& [id, share] : shares) {
    EXPECT_NEAR(counts[id], share * many, share * many / 10) << "endpoint " << id;
    counts.erase(id);
  }
  EXPECT_TRUE(counts.empty()) << "endpoint " << counts.begin()->first << " should get nothing";
}

TEST(Policies, EveryRowIsNamedAsTheConfigurationNamesIt) {
  std::vector<std::string_view> names;
  for (const auto& policy : policies) names.push_back(policy.name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"round_robin", "least_request", "least_connection", "peak_ewma",
                                                  "random", "maglev"}));
}

TEST(Policies, EachFollowsTheWeightsOfAnIdlePool) {
  for (const auto& policy : policies) {
    SCOPED_TRACE(policy.name);
    const auto set = make_set({{.weight = 1}, {.weight = 2}, {.weight = 7}}, policy.balance);
    expect_shares(count_picks(set, many), {{0, 0.1}, {1, 0.2}, {2, 0.7}});
  }
}

TEST(Policies, EachSharesEquallyAmongEquals) {
  for (const auto& policy : policies) {
    SCOPED_TRACE(policy.name);
    const auto set = make_set({{}, {}, {}, {}}, policy.balance);
    expect_shares(count_picks(set, many), {{0, 0.25}, {1, 0.25}, {2, 0.25}, {3, 0.25}});
  }
}

TEST(Policies, EachSpreadsTheShareOfADeadOneOverTheOthers) {
  for (const auto& policy : policies) {
    SCOPED_TRACE(policy.name);
    const auto set =
        make_set({{}, {.health = Health::down}, {}, {}, {.weight = 0, .weight_warning = 0}}, policy.balance);
    std::uint32_t cursor = 0;
    expect_shares(count_picks(set, many, &cursor), {{0, 1.0 / 3}, {2, 1.0 / 3}, {3, 1.0 / 3}});
  }
}

TEST(Policies, EachGivesAWarnedEndpointItsWarningWeight) {
  for (const auto& policy : policies) {
    SCOPED_TRACE(policy.name);
    const auto set =
        make_set({{.weight = 10}, {.weight = 10, .health = Health::warning, .weight_warning = 2}}, policy.balance);
    std::uint32_t cursor = 0;
    expect_shares(count_picks(set, many, &cursor), {{0, 5.0 / 6}, {1, 1.0 / 6}});
  }
}

TEST(Policies, EachFindsTheOnlyHealthyOneAmongAThousand) {
  for (const auto& policy : policies) {
    SCOPED_TRACE(policy.name);
    std::vector<Spec> specs(1000, Spec{.health = Health::down});
    specs[617].health = Health::up;
    const auto set = make_set(specs, policy.balance);
    for (std::uint64_t n = 0; n < 20; ++n) EXPECT_EQ(picked(pick(set, throw_of(n))), 617);
  }
}

TEST(Policies, EachUsesAllOfManyEvenly) {
  for (const auto& policy : policies) {
    SCOPED_TRACE(policy.name);
    const auto set = make_set(std::vector<Spec>(200), policy.balance);
    std::uint32_t cursor = 0;
    const auto counts = count_picks(set, many, &cursor);
    EXPECT_EQ(counts.size(), 200u);
    for (const auto& [id, count] : counts) {
      EXPECT_GT(count, 40) << id;  // 100 each; maglev's shares differ by a few per cent, chance does the rest
      EXPECT_LT(count, 180) << id;
    }
  }
}

TEST(RoundRobin, GoesAroundInTurn) {
  const auto set = make_set({{}, {}, {}}, Balance::round_robin);
  std::uint32_t cursor = 0;
  std::vector<int> order;
  for (std::uint64_t n = 0; n < 7; ++n) {
    auto context = throw_of(n);
    context.cursor = &cursor;
    order.push_back(picked(pick(set, context)));
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 0, 1, 2, 0}));
}

TEST(RoundRobin, SpreadsAHeavyEndpointsTurnsOverTheRound) {
  const auto set = make_set({{.weight = 5}, {.weight = 1}, {.weight = 1}}, Balance::round_robin);
  std::uint32_t cursor = 0;
  int run = 0, longest = 0;
  std::map<int, int> counts;
  for (std::uint64_t n = 0; n < 70; ++n) {
    auto context = throw_of(n);
    context.cursor = &cursor;
    const int id = picked(pick(set, context));
    ++counts[id];
    run = id == 0 ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_EQ(counts, (std::map<int, int>{{0, 50}, {1, 10}, {2, 10}}));  // exact, not by chance
  EXPECT_LE(longest, 3);
}

TEST(RoundRobin, GivesTheTurnsOfADeadOneToTheOthersInTurn) {
  const auto set = make_set({{}, {.health = Health::down}, {}}, Balance::round_robin);
  std::uint32_t cursor = 0;
  EXPECT_EQ(count_picks(set, 100, &cursor), (std::map<int, int>{{0, 50}, {2, 50}}));
}

TEST(RoundRobin, BoundsItsScheduleWhateverTheWeights) {
  const auto set = make_set({{.weight = 65'535}, {.weight = 1}, {.weight = 65'534}}, Balance::round_robin);
  EXPECT_LE(set.primaries().schedule.size(), 4096u + 3);
  EXPECT_NE(std::ranges::count(set.primaries().schedule, 1u), 0);
}

TEST(LeastRequest, TakesTheLessLoadedOfTwo) {
  const auto set = make_set({{.in_flight = 3}, {.in_flight = 2}}, Balance::least_request);
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
}

TEST(LeastRequest, CountsLoadPerUnitOfWeight) {
  const auto set = make_set({{.weight = 1, .in_flight = 3}, {.weight = 4, .in_flight = 8}}, Balance::least_request);
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
}

TEST(PeakEwma, TakesTheQuickerOfTwo) {
  const auto set = make_set({{}, {}}, Balance::peak_ewma);
  note_peak(*set[0].live, 20'000, now_ms);
  note_peak(*set[1].live, 5'000, now_ms);
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
}

TEST(PeakEwma, CountsTheRequestsThatWouldWaitThereForEachUnitOfWeight) {
  const auto quicker_by = [](std::uint32_t in_flight, std::uint32_t weight) {
    const auto set = make_set({{}, {.weight = weight, .in_flight = in_flight}}, Balance::peak_ewma);
    note_peak(*set[0].live, 20'000, now_ms);
    note_peak(*set[1].live, 5'000, now_ms);
    return count_picks(set, 100);
  };
  EXPECT_EQ(quicker_by(2, 1), (std::map<int, int>{{1, 100}}));  // 5 ms x 3 < 20 ms x 1
  EXPECT_EQ(quicker_by(4, 1), (std::map<int, int>{{0, 100}}));
  EXPECT_EQ(quicker_by(4, 2), (std::map<int, int>{{1, 100}}));
}

TEST(PeakEwma, SendsOneOfWhichNothingIsKnownASingleRequest) {
  const auto set = make_set({{}, {}}, Balance::peak_ewma);
  note_peak(*set[0].live, 20'000, now_ms);
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
  set[1].live->requests = 1;
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{0, 100}}));
}

TEST(PeakEwma, ForgetsASlowAnswerWithTime) {
  const auto set = make_set({{}, {}}, Balance::peak_ewma);
  note_peak(*set[0].live, 5'000, now_ms);
  note_peak(*set[1].live, 500'000, now_ms - 60'000);
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}})) << "six times the decay: 1.2 ms are left of it";
}

// Requests come while 120 are in flight, and end in the order they came.
std::map<int, int> carry(const EndpointSet& set) {
  std::map<int, int> counts;
  std::deque<const Endpoint*> in_flight;
  for (std::uint64_t n = 0; n < many; ++n) {
    const auto pick = pool::pick(set, throw_of(n));
    ++counts[picked(pick)];
    begin_request(*pick.endpoint);
    in_flight.push_back(pick.endpoint);
    if (in_flight.size() <= 120) continue;
    end_request(*in_flight.front());
    in_flight.pop_front();
  }
  return counts;
}

TEST(LeastRequest, HonoursWeightsUnderLoad) {
  expect_shares(carry(make_set({{.weight = 1}, {.weight = 2}, {.weight = 3}}, Balance::least_request)),
                {{0, 1.0 / 6}, {1, 2.0 / 6}, {2, 3.0 / 6}});
}

TEST(LeastRequest, NeverSendsMostRequestsToOneThatIsStuck) {
  const auto set = make_set({{.in_flight = 1000}, {}, {}, {}}, Balance::least_request);
  EXPECT_EQ(carry(set).count(0), 0u);
}

TEST(LeastConnection, PrefersTheEndpointWithFewestRequestsPerUnitOfWeight) {
  const auto set =
      make_set({{.weight = 1, .in_flight = 3}, {.weight = 4, .in_flight = 8}, {.weight = 2, .in_flight = 5}},
               Balance::least_connection);
  EXPECT_EQ(count_picks(set, 100), (std::map<int, int>{{1, 100}}));
}

TEST(LeastConnection, KeepsAllAtTheSameLoad) {
  const auto set = make_set(std::vector<Spec>(7), Balance::least_connection);
  for (std::uint64_t n = 0; n < 700; ++n) begin_request(*pick(set, throw_of(n)).endpoint);
  for (const auto& endpoint : set.endpoints()) EXPECT_EQ(endpoint.live->requests, 100u);
}

// The same key by other dice, which don't matter.
PickContext thrown_again(std::uint64_t n) {
  auto context = throw_of(n);
  context.dice = n * 77;
  return context;
}

TEST(Maglev, KeepsAKeyAtItsEndpoint) {
  const auto set = make_set(std::vector<Spec>(10), Balance::maglev);
  for (std::uint64_t n = 0; n < 200; ++n) {
    EXPECT_EQ(picked(pick(set, throw_of(n))), picked(pick(set, thrown_again(n))));
  }
}

TEST(Maglev, MovesOnlyTheKeysOfADownEndpointAndBringsThemHome) {
  const auto set = make_set(std::vector<Spec>(10), Balance::maglev);
  std::map<std::uint64_t, int> home;
  for (std::uint64_t n = 0; n < many; ++n) home[n] = picked(pick(set, throw_of(n)));
  set[3].live->health = Health::down;
  std::map<int, int> heirs;
  for (std::uint64_t n = 0; n < many; ++n) {
    const int now = picked(pick(set, throw_of(n)));
    if (home[n] == 3) {
      ++heirs[now];
    } else {
      ASSERT_EQ(now, home[n]);
    }
  }
  EXPECT_EQ(heirs.size(), 9u);  // spread over all the others
  set[3].live->health = Health::up;
  for (std::uint64_t n = 0; n < many; ++n) ASSERT_EQ(picked(pick(set, throw_of(n))), home[n]);
}

TEST(Maglev, GivesAWarmingEndpointTheSameGrowingPartOfItsKeys) {
  auto set = make_set(std::vector<Spec>(4), Balance::maglev, 100s);
  set[2].live->healthy_since_ms = now_ms - 30'000;
  std::vector<bool> early, late;
  for (std::uint64_t n = 0; n < 4000; ++n) early.push_back(picked(pick(set, throw_of(n))) == 2);
  set[2].live->healthy_since_ms = now_ms - 60'000;
  for (std::uint64_t n = 0; n < 4000; ++n) late.push_back(picked(pick(set, thrown_again(n))) == 2);
  const auto before = std::ranges::count(early, true), after = std::ranges::count(late, true);
  EXPECT_GT(before, 200);  // 30 % of a quarter
  EXPECT_GT(after, before * 3 / 2);
  int lost = 0;
  for (std::size_t n = 0; n < early.size(); ++n) lost += early[n] && !late[n];
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace gatehouse::pool
