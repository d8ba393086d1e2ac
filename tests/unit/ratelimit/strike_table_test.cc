#include "ratelimit/strike_table.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::ratelimit {
namespace {

TEST(StrikeTable, TheLastOfMaxretryWithinFindtimeIsOneTooMany) {
  StrikeTable table(64, 3, 1000);
  EXPECT_FALSE(table.strike(7, 5000));
  EXPECT_FALSE(table.strike(7, 5500));
  EXPECT_TRUE(table.strike(7, 5999));
}

TEST(StrikeTable, WindowIsExact) {
  StrikeTable table(64, 3, 1000);
  table.strike(7, 5000);
  table.strike(7, 5500);
  EXPECT_FALSE(table.strike(7, 6000)) << "the first is a whole findtime back";
  EXPECT_EQ(table.count(7, 6000), 2u);
  EXPECT_TRUE(table.strike(7, 6499));
}

// fail2ban extrapolates: of these it counts 4, though two lie in the last 600 s.
TEST(StrikeTable, CountsWhatLiesInTheWindowWhereFail2banGuesses) {
  StrikeTable table(64, 4, 600'000);
  for (const std::uint64_t at : {1'000, 1'000, 591'000}) EXPECT_FALSE(table.strike(7, at));
  EXPECT_FALSE(table.strike(7, 701'000));
}

TEST(StrikeTable, CountingBeginsAnewAfterABan) {
  StrikeTable table(64, 2, 1000);
  table.strike(7, 5000);
  EXPECT_TRUE(table.strike(7, 5001));
  EXPECT_FALSE(table.strike(7, 5002));
  EXPECT_TRUE(table.strike(7, 5003));
}

TEST(StrikeTable, OffendersAreCountedApart) {
  StrikeTable table(64, 2, 1000);
  EXPECT_FALSE(table.strike(7, 5000));
  EXPECT_FALSE(table.strike(8, 5000));
  EXPECT_TRUE(table.strike(8, 5000));
  EXPECT_TRUE(table.strike(7, 5000));
}

TEST(StrikeTable, KnownOffendersCountMore) {
  StrikeTable table(64, 5, 1000);
  EXPECT_FALSE(table.strike(7, 5000, 3));
  EXPECT_TRUE(table.strike(7, 5000, 2));
  EXPECT_TRUE(table.strike(8, 5000, 5));
}

TEST(StrikeTable, DistinctCountsAValueOnceWithinFindtime) {
  StrikeTable table(64, 3, 1000);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(table.strike_distinct(7, 1, 5000));
  EXPECT_FALSE(table.strike_distinct(7, 2, 5500));
  EXPECT_FALSE(table.strike_distinct(7, 1, 6100)) << "seen long ago: it counts again, and the first does not";
  EXPECT_TRUE(table.strike_distinct(7, 3, 6200));
}

TEST(StrikeTable, WhoWasQuietLongestIsForgottenAndCounted) {
  StrikeTable table(8, 2, 10'000);
  for (std::uint64_t n = 0; n < 8; ++n) table.strike(10 + n * 8, 5000 + n);
  EXPECT_EQ(table.forgotten(), 0u);
  table.strike(999, 5100);
  EXPECT_EQ(table.forgotten(), 1u);
  EXPECT_EQ(table.count(10, 5100), 0u);
  EXPECT_EQ(table.count(18, 5100), 1u);
}

TEST(StrikeTable, WhoWasQuietForFindtimeIsOverwrittenWithoutLoss) {
  StrikeTable table(8, 2, 1000);
  for (std::uint64_t n = 0; n < 1000; ++n) table.strike(10 + n, 5000 + n * 1000);
  EXPECT_EQ(table.forgotten(), 0u);
}

TEST(StrikeTable, NewOffenderInheritsNothing) {
  StrikeTable table(8, 2, 1'000'000);
  for (std::uint64_t n = 0; n < 1000; ++n) EXPECT_FALSE(table.strike(100 + n, 5000 + n)) << n;
}

TEST(StrikeTable, WorkersCountTogether) {
  StrikeTable table(64, 1000, 1'000'000);
  std::atomic<unsigned> full{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w)
    workers.emplace_back([&] {
      for (int i = 0; i < 250; ++i) full += table.strike(7, 5000 + static_cast<std::uint64_t>(i));
    });
  for (auto& worker : workers) worker.join();
  EXPECT_TRUE(full > 0 || table.count(7, 5300) >= 996u);  // a tie may count one short
}

}  // namespace
}  // namespace gatehouse::ratelimit
