#include "ratelimit/application_event.h"

#include <gtest/gtest.h>

namespace gatehouse::ratelimit {
namespace {

struct Good {
  const char *value, *reason, *user;
  unsigned weight;
};

TEST(ApplicationEvent, IsReadWithItsParametersInAnyOrder) {
  for (const Good& each : {
           Good{"login_failed", "login_failed", "", 1},
           Good{"login_failed; user=ann; w=2", "login_failed", "ann", 2},
           Good{" login_failed ;w=2;user=ann ", "login_failed", "ann", 2},
           Good{"spam; user=\"a b; w=9\"", "spam", "a b; w=9", 1},
           Good{"spam; user=\"a\\\"b\"", "spam", "a\\\"b", 1},
           Good{"spam; user=ann@example.org; more=yes", "spam", "ann@example.org", 1},
           Good{"spam; w=1000", "spam", "", 1000},
           Good{"spam; w=1001", "spam", "", 1000},
           Good{"spam; w=99999999999999999999", "spam", "", 1000},
           Good{"spam; user=\"\"", "spam", "", 1},
       }) {
    const auto read = parse_application_event(each.value);
    ASSERT_TRUE(read) << each.value;
    EXPECT_EQ(read->reason, each.reason) << each.value;
    EXPECT_EQ(read->user, each.user) << each.value;
    EXPECT_EQ(read->weight, each.weight) << each.value;
  }
}

TEST(ApplicationEvent, WhatIsNotOfItsFormIsNone) {
  for (const char* each :
       {"", " ", ";", "; w=2", "two words", "a; w", "a; w=", "a; w=0", "a; w=-1", "a; w=2x", "a; w=\"\"", "a; =b",
        "a;;w=2", "a; user=\"open", "a; user=\"open\\", "a; user=\"\x01\"", "a; user=a b", "a, b", "a; user=ann,"})
    EXPECT_FALSE(parse_application_event(each)) << each;
}

TEST(ApplicationEvent, OneByteBeyondItsLimitIsNone) {
  EXPECT_TRUE(parse_application_event(std::string(ApplicationEvent::bytes_max, 'a')));
  EXPECT_FALSE(parse_application_event(std::string(ApplicationEvent::bytes_max + 1, 'a')));
}

}  // namespace
}  // namespace gatehouse::ratelimit
