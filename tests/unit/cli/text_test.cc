#include "cli/text.h"

#include <gtest/gtest.h>

namespace gatehouse::cli {
namespace {

TEST(Printable, WhatATerminalWouldObeyIsShownInstead) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"plain", "plain"},
      {"Zürich ✓", "Zürich ✓"},
      {"\x1b[2J", "\\x1b[2J"},
      {"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
      {std::string("\0", 1), "\\x00"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b", "\\xc2\\x9b"},           // CSI as C1
      {"\xc2\xa0", "\xc2\xa0"},             // the first that is none
      {"\xe2\x80\xae", "\\xe2\\x80\\xae"},  // turns the direction of text
      {"\xff", "\\xff"},                    // no UTF-8
      {"\xc0\xaf", "\\xc0\\xaf"},           // not the shortest form
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // a surrogate
      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // past U+10FFFF
      {"\xe2\x82", "\\xe2\\x82"},                    // cut
  };
  for (const auto& [text, shown] : rows) EXPECT_EQ(printable(text), shown);
}

TEST(HarmlessJson, EscapesWhatATerminalWouldObeyAndNothingElse) {
  EXPECT_EQ(harmless_json("{\"a\":\"\xc2\x9b \xe2\x80\xae Z\xc3\xbcrich \xff\"}\n"),
            "{\"a\":\"\\u009b \\u202e Z\xc3\xbcrich \xff\"}\n");
}

TEST(Text, TimesTakeTheUnitThatSaysMost) {
  const std::vector<std::pair<std::int64_t, std::string>> rows = {
      {-5, "0 ms"},
      {0, "0 ms"},
      {999, "999 ms"},
      {1'000, "1 s"},
      {59'999, "59 s"},
      {60'000, "1 min"},
      {3'599'000, "59 min"},
      {3'600'000, "1 h"},
      {11'100'000, "3 h 5 min"},
      {86'400'000, "1 d"},
      {97'200'000, "1 d 3 h"},
      {86'400'000ll * 61, "61 d"},
  };
  for (const auto& [ms, shown] : rows) EXPECT_EQ(ago(ms), shown);
}

TEST(Text, NumbersAreGroupedByThrees) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(~0ull), "18,446,744,073,709,551,615");
  EXPECT_EQ(counted(1, "request"), "1 request");
  EXPECT_EQ(counted(1'204, "request"), "1,204 requests");
}

TEST(Text, SizesAreBinary) {
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(84 << 20), "84 MiB");
  EXPECT_EQ(bytes_text(~0ull), "16 EiB");
}

TEST(Text, WallTimeIsUtcToTheMillisecond) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(784'111'777'123), "1994-11-06T08:49:37.123Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Columns, CellsStandUnderEachOtherAndNoBlanksTrail) {
  Columns columns;
  columns.row({{"web"}, {"up"}, {""}});
  columns.row({{"Zürich-1"}, {"down"}, {"refused"}});
  EXPECT_EQ(columns.text(false), "  web       up\n  Zürich-1  down  refused\n");
}

TEST(Columns, ColourTakesNoWidth) {
  Columns columns(0);
  columns.row({{"a", Colour::bad}, {"x"}});
  columns.row({{"bb"}, {"y"}});
  EXPECT_EQ(columns.text(true), "\x1b[31ma\x1b[0m   x\nbb  y\n");
}

TEST(Columns, CellsCannotBreakOutOfTheirRow) {
  Columns columns(0);
  columns.row({{"a\nb\x1b[31m"}});
  EXPECT_EQ(columns.text(true), "a\\x0ab\\x1b[31m\n");
}

}  // namespace
}  // namespace gatehouse::cli
