#include "proxy/http/http_date.h"

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

constexpr std::int64_t now = 1'796'000'000;  // in 2026

TEST(HttpDate, AllThreeFormsOfTheRfcAreTheSameMoment) {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text, now), 784111777) << text;
}

TEST(HttpDate, ATwoDigitYearFarAheadIsOfTheCenturyBefore) {
  EXPECT_EQ(parse_http_date("Friday, 01-Jan-77 00:00:00 GMT", now), 220924800);
  EXPECT_EQ(parse_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", now), 3345062400);
}

TEST(HttpDate, WhatIsNoDateIsNone) {
  for (const char* text :
       {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Xun, 06 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94"})
    EXPECT_EQ(parse_http_date(text, now), std::nullopt) << text;
}

TEST(HttpDate, WhatIsWrittenIsReadBack) {
  HttpDateText room;
  EXPECT_EQ(write_http_date(784111777, room), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::int64_t second : {std::int64_t{0}, std::int64_t{951782400}, now, std::int64_t{253402300799}})
    EXPECT_EQ(parse_http_date(write_http_date(second, room), now), second);
}

}  // namespace
}  // namespace gatehouse::http
