#include "conf/guard_keys.h"

#include <gtest/gtest.h>

#include "conf/check.h"
#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

TEST(GuardKeys, RatesAreReadAndPrinted) {
  for (const char* text : {"5/s", "100/m", "10/h", "300/10m", "1/d", "10000/s"}) {
    const Result<Rate> rate = parse_rate(text);
    ASSERT_TRUE(rate) << text;
    EXPECT_EQ(rate_text(*rate), text);
  }
  EXPECT_EQ(parse_rate("5/1s")->per, 1s);
}

TEST(GuardKeys, RatesThatAreNoneAreRefused) {
  for (const char* text : {"", "5", "/s", "0/s", "-1/s", "5/", "5/x", "5/0s", "1.5/s", "10001/s", "1/25h", "5 / s"})
    EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(GuardKeys, LimitKeysAreReadAndPrinted) {
  for (const char* text : {"client", "service", "path", "header:X-Api-Key", "cookie:session"})
    EXPECT_EQ(limit_key_text(*parse_limit_key(text)), text);
  for (const char* text : {"", "Client", "header", "header:", "header:a b", "cookie:;", "ip"})
    EXPECT_FALSE(parse_limit_key(text)) << text;
}

std::vector<std::string> judged(std::string_view text) {
  const ReadConfig read = read_text(text);
  std::vector<std::string> out = texts(read.findings);
  for (const std::string& each : texts(check_config(read))) out.push_back(each);
  return out;
}

TEST(GuardKeys, SoundGuardHasNothingToSay) {
  EXPECT_EQ(judged("guard:\n  rate_limits: { a: { rate: 5/s, burst: 20, key: [client, 'header:X'] } }\n"
                   "  rate_limit: a\n"),
            std::vector<std::string>{});
}

TEST(GuardKeys, SaysWhatIsWrongAndWhere) {
  const struct {
    const char* text;
    const char* finding;
  } rows[] = {
      {"guard: { rate_limits: { a: { burst: 1 } } }", "gatehouse.yaml:1:28: guard.rate_limits.a: rate is missing"},
      {"guard: { rate_limits: { a: { rate: 5 } } }",
       "gatehouse.yaml:1:36: guard.rate_limits.a.rate: 5: write a rate as in 5/s, 100/m or 300/10m, up to 10000/s, "
       "over 1d at most"},
      {"guard: { rate_limits: { a: { rate: 1/h, burst: 24 } } }",
       "gatehouse.yaml:1:41: guard.rate_limits.a.burst: at 1/h this burst takes longer than a day to come back; "
       "write "
       "less, or a higher rate"},
      {"guard: { rate_limits: { a: { rate: 1/s, delay: true } } }",
       "gatehouse.yaml:1:41: warning: guard.rate_limits.a.delay: without a burst nobody may wait; write how many in "
       "burst"},
      {"guard: { rate_limits: { search: { rate: 1/s } }, rate_limit: serch }",
       "gatehouse.yaml:1:50: guard.rate_limit[0]: serch: guard.rate_limits has no limit of this name; did you mean "
       "search?"},
      {"guard: { rate_limits: { a: { rate: 1/s, key: path } }, rate_limit: a }",
       "gatehouse.yaml:1:56: guard.rate_limit[0]: a: counts by path, which is not known before the route; name it at "
       "routes, by rate_limit"},
      {"guard: { rate_limits: { a b: { rate: 1/s } } }",
       "gatehouse.yaml:1:25: guard.rate_limits.a b: write a name of letters, digits, - or _"},
  };
  for (const auto& row : rows) EXPECT_EQ(judged(row.text), std::vector<std::string>{row.finding}) << row.text;
}

TEST(GuardKeys, AJailOfSomeServicesSaysWhatElseCounts) {
  EXPECT_EQ(judged("guard: { jails: { a: { services: [web, api], filter: { path: /x } } } }"),
            std::vector<std::string>{});
  EXPECT_EQ(judged("guard: { jails: { a: { services: web } } }"),
            std::vector<std::string>{
                "gatehouse.yaml:1:19: guard.jails.a: doesn't say what counts: write a filter, or a preset"});
  EXPECT_EQ(judged("guard: { jails: { a: { services: web, filter: { service: api, path: /x } } } }"),
            std::vector<std::string>{"gatehouse.yaml:1:24: guard.jails.a.services: filter.service says another word "
                                     "on it; write one of the two"});
}

TEST(GuardKeys, AJailBelievesApplicationsThatItNames) {
  const std::vector<std::string> refused{
      "gatehouse.yaml:1:19: guard.jails.a.services: X-Ban-Event counts of services that are named here; write which"};
  EXPECT_EQ(judged("guard: { jails: { a: { preset: application-login } } }"), refused);
  EXPECT_EQ(judged("guard: { jails: { a: { filter: { event: [ban, application] } } } }"), refused);
  EXPECT_EQ(judged("guard: { jails: { a: { preset: application-login, services: web } } }"),
            std::vector<std::string>{});
  EXPECT_EQ(judged("guard: { jails: { a: { filter: { event: application, service: web } } } }"),
            std::vector<std::string>{});
}

TEST(GuardKeys, BurstOfADayIsTheLongest) {
  EXPECT_EQ(judged("guard: { rate_limits: { a: { rate: 1/h, burst: 23 } } }"), std::vector<std::string>{});
}

}  // namespace
}  // namespace gatehouse::conf
