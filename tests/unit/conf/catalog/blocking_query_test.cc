#include "conf/catalog/blocking_query.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

const TimePoint start = TimePoint{} + 1h;

ConsulReply good(std::uint64_t index) { return {.status = 200, .index = index, .body = "[]"}; }

TEST(BlockingQuery, AsksAtOnceAtFirstAndThenWaitsForNews) {
  BlockingQuery query;
  EXPECT_EQ(query.ask().index, 0u);
  EXPECT_EQ(query.on_reply(good(41), start, 0).next, start);
  const auto ask = query.ask();
  EXPECT_EQ(ask.index, 41u);
  EXPECT_GT(ask.deadline, ask.wait + ask.wait / 16) << "servers add a sixteenth to the wait";
}

TEST(BlockingQuery, AnIndexThatGoesBackwardsBeginsAnew) {
  BlockingQuery query;
  EXPECT_FALSE(query.on_reply(good(309), start, 0).regressed);
  EXPECT_TRUE(query.on_reply(good(6), start, 0).regressed);
  EXPECT_EQ(query.ask().index, 0u);
}

TEST(BlockingQuery, AnIndexOfZeroIsAskedForAsOne) {
  BlockingQuery query;
  const auto step = query.on_reply(good(0), start, 0);
  EXPECT_EQ(step.fault, ConsulFault::none);
  EXPECT_EQ(query.ask().index, 1u);
}

TEST(BlockingQuery, TakesNoIndexFromWhatIsNoGoodAnswer) {
  for (const unsigned status : {400u, 403u, 404u, 429u, 500u, 503u}) {
    BlockingQuery query;
    const auto step = query.on_reply({.status = status, .index = 77, .body = "?"}, start, 1);
    EXPECT_NE(step.fault, ConsulFault::none) << status;
    EXPECT_EQ(query.ask().index, 0u) << status;
    EXPECT_GT(step.next, start) << status;
  }
}

TEST(BlockingQuery, AfterAFailureReadsAnewBecauseAnotherServerMayAnswer) {
  BlockingQuery query;
  query.on_reply(good(300), start, 0);
  query.on_silence(start, 0);
  EXPECT_EQ(query.ask().index, 0u);
}

TEST(BlockingQuery, PausesGrowWithFailuresUpToABoundAndEndWithAGoodAnswer) {
  BlockingQuery query;
  const std::uint64_t most = ~std::uint64_t{0} / 2;
  TimePoint longest = start;
  for (int i = 0; i < 20; ++i) longest = query.on_silence(start, most).next;
  EXPECT_LE(longest, start + 31s);
  query.on_reply(good(1), start, 0);
  EXPECT_LE(query.on_silence(start, most).next, start + 300ms);
}

TEST(BlockingQuery, AFloodOfNewsIsAskedForLessOftenAndAQuietTimeEndsThat) {
  BlockingQuery query;
  TimePoint now = start;
  int asked = 0;
  for (; now < start + 10s; ++asked) now = query.on_reply(good(static_cast<std::uint64_t>(asked) + 1), now, 0).next;
  EXPECT_LE(asked, 90);
  EXPECT_GE(asked, 70);
  EXPECT_EQ(query.on_reply(good(1000), now + 5s, 0).next, now + 5s);
}

struct Judged {
  ConsulReply reply;
  ConsulFault fault;
};

TEST(ConsulReply, IsJudgedByStatusAndByWhatItSaysOfItself) {
  const Judged cases[] = {
      {{.status = 200, .body = "[]"}, ConsulFault::none},
      {{.status = 200, .filtered_by_acls = true, .body = "[]"}, ConsulFault::denied},
      {{.status = 403, .body = "ACL not found"}, ConsulFault::denied},
      {{.status = 500, .body = "rpc error making call: ACL not found"}, ConsulFault::denied},
      {{.status = 500, .body = "No cluster leader"}, ConsulFault::no_leader},
      {{.status = 500, .body = "No known Consul servers"}, ConsulFault::no_leader},
      {{.status = 500, .body = "No path to datacenter"}, ConsulFault::refused},
      {{.status = 500, .body = "boom"}, ConsulFault::failed},
      {{.status = 429, .body = "Your IP is issuing too many concurrent connections"}, ConsulFault::throttled},
      {{.status = 400, .body = "Invalid query parameter: \"ns\" - ns is a Consul Enterprise feature"},
       ConsulFault::refused},
      {{.status = 301}, ConsulFault::refused},
  };
  for (const Judged& each : cases) EXPECT_EQ(judge(each.reply), each.fault) << each.reply.status << each.reply.body;
}

}  // namespace
}  // namespace gatehouse::catalog
