#include "net/ip.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8::1")->text(), "2001:db8::1");
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->text(), "192.0.2.1");
  for (const char* bad : {"", "1.2.3", "01.2.3.4", "1.2.3.256", "[::1]", "::1%lo", "fe80::1%2"})
    EXPECT_FALSE(IpAddress::parse(bad)) << bad;
}

TEST(IpPrefix, ContainsByLengthInEitherFamily) {
  const auto net = *IpPrefix::parse("127.11.100.0/24");
  EXPECT_TRUE(net.contains(*IpAddress::parse("127.11.100.7")));
  EXPECT_FALSE(net.contains(*IpAddress::parse("127.11.101.7")));
  EXPECT_TRUE(IpPrefix::parse("2001:db8::/32")->contains(*IpAddress::parse("2001:db8:ffff::1")));
  EXPECT_TRUE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_EQ(IpPrefix::parse("10.1.2.3/8")->text(), "10.0.0.0/8");
  EXPECT_FALSE(IpPrefix::parse("10.0.0.0/33"));
  EXPECT_FALSE(IpPrefix::parse("10.0.0.0/"));
}

TEST(SocketAddress, ReadsWhatOperatorsWrite) {
  EXPECT_EQ(SocketAddress::parse("[::]:443")->text(), "[::]:443");
  EXPECT_EQ(SocketAddress::parse(":8080")->text(), "[::]:8080");
  EXPECT_EQ(SocketAddress::parse("127.0.0.1:80")->text(), "127.0.0.1:80");
  for (const char* bad : {"127.0.0.1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:65536", "127.0.0.1:"})
    EXPECT_FALSE(SocketAddress::parse(bad)) << bad;
}

}  // namespace
}  // namespace gatehouse
