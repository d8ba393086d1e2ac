#include "acme/schedule.h"

#include <gtest/gtest.h>

namespace gatehouse::acme {
namespace {

using std::chrono::hours;
const WallTime start = WallTime(hours(24 * 20'000));

TEST(Schedule, AThirdOfALifeIsLeftAtRenewalAndHalfOfAShortOne) {
  const Life usual{start, start + hours(24 * 90)}, brief{start, start + hours(160)};
  EXPECT_EQ(renewal_time(usual, 0), start + hours(24 * 60));
  EXPECT_EQ(renewal_time(brief, 0), start + hours(80));
  const WallTime late = renewal_time(usual, 0.999);
  EXPECT_GT(late, start + hours(24 * 62));
  EXPECT_LT(late, start + hours(24 * 63));
  EXPECT_EQ(last_call(usual), start + hours(24 * 90) - hours(108));
}

TEST(Schedule, FailuresWaitLongerEachTimeAndOfAShortLifeNoMoreThanAnHour) {
  const Life usual{start, start + hours(24 * 90)}, brief{start, start + hours(160)}, tiny{start, start + 60s};
  const Millis steps[] = {1min, 10min, 100min, 24h, 24h};
  for (unsigned i = 0; i < 5; ++i) {
    EXPECT_EQ(retry_delay(i + 1, std::nullopt), steps[i]);
    EXPECT_EQ(retry_delay(i + 1, usual), steps[i]);
    EXPECT_LE(retry_delay(i + 1, brief), 1h);
    EXPECT_EQ(retry_delay(i + 1, tiny), 3s);
  }
}

TEST(Schedule, AnotherCaIsAskedAfterSeveralFailuresOverSomeTimeOrWhenItIsLate) {
  const Life life{start, start + hours(24 * 90)};
  const WallTime middle = start + hours(24 * 60), late = start + hours(24 * 80);
  EXPECT_EQ(choose_ca(2, {}, life, middle), 0u);
  EXPECT_EQ(choose_ca(2, {2, middle - hours(5), {}}, life, middle), 0u);
  EXPECT_EQ(choose_ca(2, {3, middle - hours(1), {}}, life, middle), 0u) << "not over long enough";
  EXPECT_EQ(choose_ca(2, {3, middle - hours(2), {}}, life, middle), 1u);
  EXPECT_EQ(choose_ca(2, {4, middle - hours(9), {}}, life, middle), 0u) << "in turn";
  EXPECT_EQ(choose_ca(2, {1, late, {}}, life, late), 1u);
  EXPECT_EQ(choose_ca(2, {2, middle, 0}, life, late), 1u)
      << "however often the first one was asked before it was late";
  EXPECT_EQ(choose_ca(2, {3, middle, 1}, life, late), 0u);
  EXPECT_EQ(choose_ca(1, {9, start, {}}, life, late), 0u);
  EXPECT_EQ(choose_ca(3, {3, start, {}}, std::nullopt, middle), 1u);
}

}  // namespace
}  // namespace gatehouse::acme
