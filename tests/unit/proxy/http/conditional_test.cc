#include "proxy/http/conditional.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

constexpr const char* then = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::int64_t then_second = 784111777;

const Validators strong{"\"a\"", then_second, 1'796'000'000}, weak{"W/\"a\"", then_second, 1'796'000'000};

ParsedRequest with(std::string_view fields) {
  return request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
}

Precondition judged(std::string_view fields, const Validators& is = strong) {
  return judge_conditions(with(fields).head, is);
}

std::string field(const char* name, const char* value) { return std::string(name) + ": " + value + "\r\n"; }

TEST(Conditional, WithoutConditionsItGoesOn) { EXPECT_EQ(judged(""), Precondition::go_on); }

TEST(Conditional, IfNoneMatchComparesWeakly) {
  for (const char* tags : {"\"a\"", "W/\"a\"", "*", "\"x\", \"a\"", "\"x\",W/\"a\",\"y\"", " , \"a\""}) {
    EXPECT_EQ(judged(field("If-None-Match", tags)), Precondition::not_modified) << tags;
    EXPECT_EQ(judged(field("If-None-Match", tags), weak), Precondition::not_modified) << tags;
  }
  for (const char* tags : {"\"b\"", "a", "\"A\"", "\"a", "", "w/\"a\""})
    EXPECT_EQ(judged(field("If-None-Match", tags)), Precondition::go_on) << tags;
  EXPECT_EQ(judged("If-None-Match: \"x\"\r\nIf-None-Match: \"a\"\r\n"), Precondition::not_modified);
}

TEST(Conditional, ATagMayHoldACommaButNotEndInIt) {
  const Validators comma{"\"a,b\"", then_second, 1'796'000'000};
  EXPECT_EQ(judged(field("If-None-Match", "\"a,b\""), comma), Precondition::not_modified);
  EXPECT_EQ(judged(field("If-None-Match", "\"a\", \"b\""), comma), Precondition::go_on);
}

TEST(Conditional, IfMatchComparesStrongly) {
  EXPECT_EQ(judged(field("If-Match", "\"a\"")), Precondition::go_on);
  EXPECT_EQ(judged(field("If-Match", "*")), Precondition::go_on);
  EXPECT_EQ(judged(field("If-Match", "W/\"a\"")), Precondition::failed);
  EXPECT_EQ(judged(field("If-Match", "\"a\""), weak), Precondition::failed);
  EXPECT_EQ(judged(field("If-Match", "\"b\"")), Precondition::failed);
}

TEST(Conditional, IfModifiedSinceIsWithinASecond) {
  EXPECT_EQ(judged(field("If-Modified-Since", then)), Precondition::not_modified);
  EXPECT_EQ(judged(field("If-Modified-Since", before)), Precondition::go_on);
  EXPECT_EQ(judged(field("If-Modified-Since", "yesterday")), Precondition::go_on);
}

TEST(Conditional, IfUnmodifiedSinceFailsOnceItIsNewer) {
  EXPECT_EQ(judged(field("If-Unmodified-Since", then)), Precondition::go_on);
  EXPECT_EQ(judged(field("If-Unmodified-Since", before)), Precondition::failed);
  EXPECT_EQ(judged(field("If-Unmodified-Since", "0")), Precondition::go_on);
}

// RFC 9110 13.2.2: tags come before dates, what fails before what spares.
TEST(Conditional, TheOrderIsTheRfcs) {
  EXPECT_EQ(judged(field("If-None-Match", "\"b\"") + field("If-Modified-Since", then)), Precondition::go_on);
  EXPECT_EQ(judged(field("If-Match", "\"a\"") + field("If-Unmodified-Since", before)), Precondition::go_on);
  EXPECT_EQ(judged(field("If-Match", "\"b\"") + field("If-None-Match", "\"a\"")), Precondition::failed);
  EXPECT_EQ(judged(field("If-Match", "\"a\"") + field("If-None-Match", "\"a\"")), Precondition::not_modified);
}

TEST(Conditional, ARangeCountsIfWhatIsThereIsWhatTheClientHas) {
  const auto counts = [](const char* value, const Validators& is = strong) {
    return range_applies(with(field("If-Range", value)).head, is);
  };
  EXPECT_TRUE(range_applies(with("").head, strong));
  EXPECT_TRUE(counts("\"a\""));
  EXPECT_FALSE(counts("\"b\""));
  EXPECT_FALSE(counts("W/\"a\""));
  EXPECT_FALSE(counts("\"a\"", weak));
  EXPECT_TRUE(counts(then));
  EXPECT_FALSE(counts(before));
  EXPECT_FALSE(counts("never"));
  // Of this second: another change may follow and look the same.
  EXPECT_FALSE(counts(then, {"\"a\"", then_second, then_second}));
}

}  // namespace
}  // namespace gatehouse::http
