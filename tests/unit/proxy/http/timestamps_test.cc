#include "proxy/http/timestamps.h"

#include <ctime>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(Timestamps, AreThoseOfTheRfcs) {
  HttpDate date;
  LogTime log;
  EXPECT_EQ(date.at(WallTime(784111777s)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(log.at(WallTime(Millis(784111777001))), "1994-11-06T08:49:37.001Z");
  EXPECT_EQ(log.at(WallTime(Millis(784111777999))), "1994-11-06T08:49:37.999Z");
  EXPECT_EQ(log.at(WallTime(Millis(784111778000))), "1994-11-06T08:49:38.000Z");
  EXPECT_EQ(date.at(WallTime(0s)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Timestamps, AgreeWithTheCLibraryOverManyYears) {
  HttpDate date;
  for (std::time_t second = 0; second < 8'000'000'000; second += 12'345'678) {
    char expected[64];
    std::tm parts;
    gmtime_r(&second, &parts);
    std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    ASSERT_EQ(date.at(WallTime(Seconds(second))), expected);
  }
}

}  // namespace
}  // namespace gatehouse::http
