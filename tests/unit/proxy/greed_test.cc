#include "proxy/greed.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy {
namespace {

using Indices = std::vector<std::size_t>;

Holding of(const char* client, std::uint64_t bytes, bool alone = false) {
  return {*IpAddress::parse(client), alone, bytes};
}

TEST(Greed, TheClientThatHoldsMostPaysWithTheLargestFirst) {
  const std::vector<Holding> all{of("10.0.0.1", 60), of("10.0.0.2", 30), of("10.0.0.2", 50), of("10.0.0.3", 5)};
  EXPECT_EQ(greediest(all, 40, 1), Indices{2});
  EXPECT_EQ(greediest(all, 60, 1), (Indices{2, 1}));
  EXPECT_EQ(greediest(all, 81, 1), (Indices{2, 1, 0}));
}

TEST(Greed, TheModestKeepWhatTheyHold) {
  const std::vector<Holding> all{of("10.0.0.1", 60), of("10.0.0.2", 30), of("10.0.0.2", 10)};
  EXPECT_EQ(greediest(all, 1000, 50), Indices{0});
  EXPECT_EQ(greediest(all, 1000, 100), Indices{});
}

TEST(Greed, OfIpv6AWholeNetworkIsOneClientAndAProxysConnectionsAreMany) {
  const std::vector<Holding> all{of("2001:db8::1", 30), of("2001:db8::2", 30), of("10.0.0.1", 50),
                                 of("10.9.9.9", 40, true), of("10.9.9.9", 40, true)};
  EXPECT_EQ(greediest(all, 60, 1).size(), 2u);
  EXPECT_EQ(greediest(all, 61, 1).back(), 2u);
  EXPECT_EQ(greediest(all, 1000, 45).size(), 3u);
}

}  // namespace
}  // namespace gatehouse::proxy
