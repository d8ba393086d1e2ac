#include "conf/values.h"

#include <gtest/gtest.h>

namespace gatehouse::conf {
namespace {

TEST(Duration, ReadsUnitsAndTheirSums) {
  EXPECT_EQ(*parse_duration("500ms"), 500ms);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("180d"), 24h * 180);
  EXPECT_EQ(*parse_duration("0"), 0ms);
}

TEST(Duration, RefusesWhatHasNoUnitAndSaysWhatToWrite) {
  for (const char* text : {"60", "", "s", "5x", "-1s", "1s ", "99999999999999999999s", "11000000000s"})
    EXPECT_FALSE(parse_duration(text)) << text;
  EXPECT_NE(parse_duration("60").error().what.find("500ms, 2s"), std::string::npos);
}

TEST(Duration, SaysWhatWasMeantByAWord) {
  EXPECT_EQ(parse_duration("1 minute").error().what, "1 minute: write 1m");
  EXPECT_EQ(parse_duration("30sec").error().what, "30sec: write 30s");
  EXPECT_EQ(parse_duration("2 h").error().what, "2 h: write 2h");
  EXPECT_EQ(parse_duration("60").error().what, "60: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d");
}

TEST(Duration, SaysWhatIsWrongWithTheNumberOrTheUnit) {
  EXPECT_EQ(parse_duration("1y").error().what, "1y: write 365d");
  EXPECT_EQ(parse_duration("5x").error().what, "5x: there is no unit x; write ms, s, m, h, d or w");
  EXPECT_EQ(parse_duration("1.5s").error().what, "1.5s: a duration has whole numbers; write 1500ms");
  EXPECT_EQ(parse_duration(".5h").error().what, ".5h: a duration has whole numbers; write 30m");
  EXPECT_EQ(parse_duration("-1s").error().what, "-1s: a duration can't be negative");
  for (const char* text : {"1.", "1.s", "1.0001s", "1.5", "-s", "off", "99999999999999999999.5s", "1.9999999999999s"})
    EXPECT_EQ(parse_duration(text).error().what,
              std::string(text) + ": a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d");
}

TEST(Duration, TextIsTheShortestExactForm) {
  EXPECT_EQ(duration_text(90s), "90s");
  EXPECT_EQ(duration_text(120s), "2m");
  EXPECT_EQ(duration_text(1500ms), "1500ms");
}

TEST(Size, KnowsBinaryAndDecimalUnits) {
  EXPECT_EQ(*parse_size("2GiB"), 2ull << 30);
  EXPECT_EQ(*parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(*parse_size("512"), 512u);
  EXPECT_FALSE(parse_size("2G"));
  EXPECT_FALSE(parse_size("999999999TiB"));
  EXPECT_EQ(size_text(64 << 10), "64KiB");
}

TEST(Nearest, FindsTheMistypedWordAndNothingFarAway) {
  constexpr std::string_view words[] = {"maxretry", "findtime", "bantime"};
  EXPECT_EQ(nearest("maxrety", words), "maxretry");
  EXPECT_EQ(nearest("bnatime", words), "bantime");
  EXPECT_EQ(nearest("fidntmie", words), "findtime");
  EXPECT_EQ(nearest("colour", words), "");
  EXPECT_EQ(nearest("cluster", std::vector<std::string_view>{"listen", "limits"}), "");
  EXPECT_EQ(nearest(std::string(65, 'a'), std::vector<std::string_view>{"a"}), "");
}

TEST(Nearest, KnowsTheSamePartsInAnotherOrderABeginningAndAPart) {
  constexpr std::string_view words[] = {"connect_timeout", "total_timeout", "least_connection", "opencraft-studio"};
  EXPECT_EQ(nearest("timeout_connect", words), "connect_timeout");
  EXPECT_EQ(nearest("leastconn", words), "least_connection");
  EXPECT_EQ(nearest("studio", words), "opencraft-studio");
  EXPECT_EQ(nearest("con", words), "");
  EXPECT_EQ(nearest("timeout_retry", words), "");
  EXPECT_EQ(did_you_mean("studio"), "; did you mean studio?");
  EXPECT_EQ(did_you_mean(""), "");
}

}  // namespace
}  // namespace gatehouse::conf
