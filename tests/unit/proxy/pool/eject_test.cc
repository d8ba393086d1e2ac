#include "proxy/pool/eject.h"

#include <thread>

#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

constexpr conf::Eject policy{.errors = 3, .interval = 10s, .time = 30s, .max_percent = 50};

class Ejection : public testing::Test {
 protected:
  bool error(std::size_t index, std::int64_t at = now_ms, const conf::Eject& by = policy) {
    return on_gateway_error(set_[index], set_, by, gate_, Failure::timeout, at);
  }
  bool refuse(std::size_t index, std::int64_t at = now_ms) {
    return on_connect_failure(set_[index], set_, gate_, Failure::refused, at);
  }
  bool ejected(std::size_t index, std::int64_t at = now_ms) { return set_[index].live->ejected_until_ms > at; }

  EndpointSet set_ = make_set(std::vector<Spec>(4), conf::Balance::least_request);
  EjectGate gate_;
};

TEST_F(Ejection, ComesWithTheLastErrorOfARow) {
  EXPECT_FALSE(error(0));
  EXPECT_FALSE(error(0));
  EXPECT_TRUE(error(0));
  EXPECT_EQ(set_[0].live->ejected_until_ms, now_ms + 30'000);
  EXPECT_EQ(set_[0].live->failures_total, 3u);
  EXPECT_EQ(set_[0].live->last_failure, Failure::timeout);
}

TEST_F(Ejection, NeedsErrorsInARow) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(error(0));
    EXPECT_FALSE(error(0));
    on_success(*set_[0].live);
  }
}

TEST_F(Ejection, NeedsThemWithinTheInterval) {
  error(0, now_ms);
  error(0, now_ms + 10'000);
  EXPECT_FALSE(error(0, now_ms + 10'001));  // the first is too old: this one begins a row
  EXPECT_FALSE(error(0, now_ms + 10'002));
  EXPECT_TRUE(error(0, now_ms + 20'001));
}

TEST_F(Ejection, IsOffWithZeroErrors) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(error(0, now_ms, conf::Eject{.errors = 0}));
  EXPECT_EQ(set_[0].live->failures_total, 100u);
}

TEST_F(Ejection, LastsLongerEachTimeUpToFiveMinutes) {
  std::int64_t at = now_ms;
  for (const std::int64_t seconds : {30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300}) {
    error(0, at);
    error(0, at);
    ASSERT_TRUE(error(0, at));
    EXPECT_EQ(set_[0].live->ejected_until_ms - at, seconds * 1000);
    at = set_[0].live->ejected_until_ms;
  }
}

TEST_F(Ejection, IsForgivenWithGoodTime) {
  const auto eject_at = [&](std::int64_t at) {
    error(0, at);
    error(0, at);
    error(0, at);
    return set_[0].live->ejected_until_ms - at;
  };
  EXPECT_EQ(eject_at(now_ms), 30'000);
  auto end = set_[0].live->ejected_until_ms.load();
  EXPECT_EQ(eject_at(end + 29'999), 60'000);
  end = set_[0].live->ejected_until_ms;
  EXPECT_EQ(eject_at(end + 60'000), 30'000);  // two good times took both back
}

TEST_F(Ejection, TakesNoMoreThanItsPart) {
  for (std::size_t i : {0, 1}) {
    for (int n = 0; n < 3; ++n) error(i);
    EXPECT_TRUE(ejected(i));
  }
  for (int n = 0; n < 10; ++n) EXPECT_FALSE(error(2));  // 3 of 4 would be over 50 %
  const auto later = now_ms + 30'000;                   // the first two are back
  error(2, later);
  error(2, later);
  EXPECT_TRUE(error(2, later));
}

TEST_F(Ejection, TakesItsPartOfThoseThatGetSomething) {
  const Spec nothing{.weight = 0, .weight_warning = 0};
  set_ = make_set({{}, {}, {}, nothing, nothing, nothing, nothing}, conf::Balance::least_request);
  const conf::Eject half{.errors = 1, .time = 30s, .max_percent = 50};
  EXPECT_TRUE(error(0, now_ms, half));
  EXPECT_FALSE(error(1, now_ms, half));
}

TEST_F(Ejection, TakesOneEvenWhenItsPartIsLessThanOne) {
  const conf::Eject tight{.errors = 1, .time = 30s, .max_percent = 1};
  EXPECT_TRUE(error(0, now_ms, tight));
  EXPECT_FALSE(error(1, now_ms, tight));
}

TEST_F(Ejection, NeverTakesTheLastThatCouldServe) {
  const conf::Eject all{.errors = 1, .time = 30s, .max_percent = 100};
  set_[1].live->health = Health::down;
  set_[2].live->draining_since_ms = 1;
  EXPECT_TRUE(error(3, now_ms, all));
  EXPECT_FALSE(error(0, now_ms, all));
  set_[1].live->health = Health::warning;
  EXPECT_TRUE(error(0, now_ms, all));
}

TEST_F(Ejection, LeavesTheDecisionToTheNextErrorWhileAnotherWorkerDecides) {
  error(0);
  error(0);
  ASSERT_TRUE(gate_.try_enter());
  EXPECT_FALSE(error(0));
  gate_.leave();
  EXPECT_TRUE(error(0));
}

TEST_F(Ejection, OfManyWorkersAtOnceKeepsToItsPart) {
  const conf::Eject half{.errors = 1, .time = 30s, .max_percent = 50};
  std::vector<std::thread> workers;
  for (std::size_t w = 0; w < 4; ++w) {
    workers.emplace_back([&, w] {
      for (int n = 0; n < 2000; ++n) error((w + static_cast<std::size_t>(n)) % 4, now_ms, half);
    });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(ejected(0) + ejected(1) + ejected(2) + ejected(3), 2);
}

TEST_F(Ejection, ARefusedConnectionCountsAtOnceAndDoubles) {
  std::int64_t at = now_ms;
  for (const std::int64_t seconds : {1, 2, 4, 8, 16, 30, 30}) {
    ASSERT_TRUE(refuse(0, at));
    EXPECT_EQ(set_[0].live->ejected_until_ms - at, seconds * 1000);
    at = set_[0].live->ejected_until_ms;
  }
  on_connected(*set_[0].live);
  EXPECT_TRUE(refuse(0, at));
  EXPECT_EQ(set_[0].live->ejected_until_ms - at, 1000);
  EXPECT_EQ(set_[0].live->connect_failures_total, 8u);
}

TEST_F(Ejection, RefusedConnectionsTakeAllButTheLast) {
  EXPECT_TRUE(refuse(0));
  EXPECT_TRUE(refuse(1));
  EXPECT_TRUE(refuse(2));
  EXPECT_FALSE(refuse(3));
}

constexpr conf::Eject by_time{.slow = 3, .interval = 10s, .time = 30s, .max_percent = 50};

class SlowEjection : public Ejection {
 protected:
  // Each endpoint answers so often, in so many microseconds; which of them was ejected, -1: none.
  int answers(const std::vector<std::uint64_t>& us, int times, const conf::Eject& by = by_time) {
    for (int n = 0; n < times; ++n, at_ += 100)
      for (std::size_t i = 0; i < us.size(); ++i)
        if (us[i] != 0 && on_answer(set_[i], set_, by, gate_, us[i], at_)) return static_cast<int>(i);
    return -1;
  }
  std::int64_t at_ = now_ms;
};

TEST_F(SlowEjection, TakesTheOneThatIsManyTimesSlowerThanTheOthers) {
  EXPECT_EQ(answers({10'000, 12'000, 40'000, 11'000}, 40), 2);
  EXPECT_EQ(set_[2].live->ejected_until_ms, at_ + 30'000);
  EXPECT_EQ(set_[2].live->last_failure, Failure::slow);
}

TEST_F(SlowEjection, LeavesThoseThatAreAlittleSlowerOrSlowAlike) {
  EXPECT_EQ(answers({10'000, 12'000, 29'000, 11'000}, 400), -1);
  EXPECT_EQ(answers({900'000, 900'000, 900'000, 900'000}, 800), -1);
}

TEST_F(SlowEjection, NeedsManyAnswers) {
  EXPECT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 31), -1);
  EXPECT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 1), 2);
}

TEST_F(SlowEjection, NeedsTwoOthersToCompareWith) {
  EXPECT_EQ(answers({10'000, 90'000, 0, 0}, 400), -1);
  EXPECT_EQ(answers({10'000, 90'000, 10'000, 0}, 400), 1);
}

TEST_F(SlowEjection, ComparesWithWhoCouldServeAlone) {
  set_[0].live->health = Health::down;
  set_[1].live->draining_since_ms = 1;
  EXPECT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 400), -1);
}

TEST_F(SlowEjection, ForgivesASingleSlowAnswer) {
  EXPECT_EQ(answers({10'000, 10'000, 10'000, 10'000}, 63), -1);
  EXPECT_FALSE(on_answer(set_[2], set_, by_time, gate_, 60'000'000, at_));  // the 64th: it is looked at the others
}

TEST_F(SlowEjection, CallsNobodySlowThatAnswersInMilliseconds) {
  EXPECT_EQ(answers({200, 200, 9'000, 200}, 400), -1);
}

TEST_F(SlowEjection, BeginsAnewAfterItsTime) {
  const conf::Eject patient{.slow = 3, .interval = 60s, .time = 30s};
  ASSERT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 40, patient), 2);
  at_ = set_[2].live->ejected_until_ms;
  EXPECT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 31, patient), -1) << "what it was is forgotten";
  EXPECT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 40, patient), 2);
  EXPECT_EQ(set_[2].live->ejected_until_ms, at_ + 60'000);
}

TEST_F(SlowEjection, KeepsToItsPart) {
  ASSERT_EQ(answers({10'000, 10'000, 90'000, 10'000}, 40), 2);
  const conf::Eject quarter{.slow = 3, .interval = 10s, .time = 30s, .max_percent = 25};
  EXPECT_EQ(answers({10'000, 90'000, 0, 10'000}, 60, quarter), -1);
}

}  // namespace
}  // namespace gatehouse::pool
