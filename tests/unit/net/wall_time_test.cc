#include "net/wall_time.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(WallTime, IsTheSecondItWasMadeOf) {
  EXPECT_EQ(WallTime::clock::to_time_t(wall_time(1'800'000'000)), 1'800'000'000);
  EXPECT_EQ(WallTime::clock::to_time_t(wall_time(-5)), -5);
}

TEST(WallTime, WhatTheClockCannotHoldIsFarAwayAndStaysOnItsSide) {
  constexpr std::time_t end_of_9999 = 253'402'300'799;
  EXPECT_GT(wall_time(end_of_9999), wall_time(8'000'000'000));
  EXPECT_LT(wall_time(-end_of_9999), wall_time(0));
  EXPECT_GT(wall_time(end_of_9999) - wall_time(1'800'000'000), Seconds(0));
  EXPECT_GT(wall_time(1'800'000'000) - wall_time(-end_of_9999), Seconds(0));
}

}  // namespace
}  // namespace gatehouse
