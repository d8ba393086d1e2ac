#include "proxy/pool/service_stats.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

TEST(ServiceStats, CountsAnswersByClassAndTime) {
  ServiceStats stats(2);
  auto& shard = stats.shard(1);
  shard.on_response(200, 900);         // up to 1 ms
  shard.on_response(204, 1000);        // still
  shard.on_response(404, 1001);        // up to 2 ms
  shard.on_response(503, 30'000'000);  // up to 30 s
  shard.on_response(500, 30'000'001);  // above all
  EXPECT_EQ(shard.responses[1].value(), 2u);
  EXPECT_EQ(shard.responses[3].value(), 1u);
  EXPECT_EQ(shard.responses[4].value(), 2u);
  EXPECT_EQ(shard.latency[0].value(), 2u);
  EXPECT_EQ(shard.latency[1].value(), 1u);
  EXPECT_EQ(shard.latency[latency_bounds_ms.size() - 1].value(), 1u);
  EXPECT_EQ(shard.latency[latency_bounds_ms.size()].value(), 1u);
  EXPECT_EQ(shard.latency_us_total.value(), 60'002'902u);
  EXPECT_EQ(stats.shards()[0].responses[1].value(), 0u);
}

TEST(ServiceStats, PutsAnImpossibleStatusIntoTheNearestClass) {
  ServiceStats stats(1);
  stats.shard(0).on_response(0, 0);
  stats.shard(0).on_response(999, 0);
  EXPECT_EQ(stats.shard(0).responses[0].value(), 1u);
  EXPECT_EQ(stats.shard(0).responses[4].value(), 1u);
}

TEST(ServiceStats, LetsWorkersBeginTheirRoundsApart) {
  ServiceStats stats(2);
  EXPECT_NE(stats.shard(0).cursor, stats.shard(1).cursor);
}

}  // namespace
}  // namespace gatehouse::pool
