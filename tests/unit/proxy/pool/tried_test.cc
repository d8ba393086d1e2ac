#include "proxy/pool/tried.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

Tried tried_of(unsigned endpoints, unsigned refusals) {
  Tried tried;
  for (unsigned id = 0; id < endpoints; ++id) tried.ids.push_back(id);
  tried.refusals = refusals;
  return tried;
}

conf::RoutePolicy policy(unsigned retries) {
  conf::RoutePolicy out;
  out.retry.attempts = retries;
  return out;
}

TEST(Tried, ConnectionsThatFailSlowlyCountAsRetries) {
  EXPECT_TRUE(may_connect_elsewhere(policy(1), tried_of(1, 0), false, 0));
  EXPECT_FALSE(may_connect_elsewhere(policy(1), tried_of(2, 0), false, 0));
  EXPECT_TRUE(may_connect_elsewhere(policy(2), tried_of(2, 0), false, 0));
}

TEST(Tried, RefusalsDoNotUntilTheTimeForConnectingIsSpent) {
  EXPECT_TRUE(may_connect_elsewhere(policy(1), tried_of(50, 50), true, 1'999'999));
  EXPECT_FALSE(may_connect_elsewhere(policy(1), tried_of(50, 50), true, 2'000'000));
  EXPECT_TRUE(may_connect_elsewhere(policy(1), tried_of(51, 50), false, 0)) << "the first that was slow";
  EXPECT_FALSE(may_connect_elsewhere(policy(1), tried_of(52, 50), false, 0));
}

TEST(Tried, RefusalsAreBoundedInNumber) {
  EXPECT_TRUE(may_connect_elsewhere(policy(1), tried_of(128, 128), true, 0));
  EXPECT_FALSE(may_connect_elsewhere(policy(1), tried_of(129, 129), true, 0));
}

TEST(Tried, WhoWantsNoRetryHasNone) {
  EXPECT_FALSE(may_connect_elsewhere(policy(0), tried_of(1, 1), true, 0));
  conf::RoutePolicy on_stale_only = policy(3);
  on_stale_only.retry.on_connect = false;
  EXPECT_FALSE(may_connect_elsewhere(on_stale_only, tried_of(1, 1), true, 0));
}

}  // namespace
}  // namespace gatehouse::pool
