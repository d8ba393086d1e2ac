#include "ratelimit/ban_table.h"

#include <thread>

#include <gtest/gtest.h>

namespace gatehouse::ratelimit {
namespace {

constexpr std::uint64_t now = 1'000'000;
using Added = BanTable::Added;

IpAddress address(const std::string& text) { return *IpAddress::parse(text); }

Ban ban(const std::string& prefix, std::uint64_t until, unsigned offences = 1) {
  Ban out{.prefix = *IpPrefix::parse(prefix), .since_ms = now, .until_ms = until, .offences = offences};
  out.set_jail("scanners");
  return out;
}

struct Table : BanTable {
  explicit Table(std::size_t bans = 1 << 10) : BanTable({1, 2}, bans) {}
};

TEST(BanTable, BansUntilItsEndAndNoLonger) {
  Table table;
  EXPECT_TRUE(table.empty());
  EXPECT_FALSE(table.find(address("192.0.2.1"), now));
  EXPECT_EQ(table.add(ban("192.0.2.1/32", now + 1000), now), Added::fresh);
  const auto found = table.find(address("192.0.2.1"), now + 999);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->until_ms, now + 1000);
  EXPECT_EQ(found->action, conf::BanAction::forbid);
  EXPECT_FALSE(table.find(address("192.0.2.1"), now + 1000));
  EXPECT_FALSE(table.find(address("192.0.2.2"), now));
}

TEST(BanTable, NetworkBansAllWithinIt) {
  Table table;
  table.add(ban("2001:db8:1:2::/64", now + 1000), now);
  table.add(ban("198.51.100.0/24", now + 1000), now);
  EXPECT_TRUE(table.find(address("2001:db8:1:2:3:4:5:6"), now));
  EXPECT_FALSE(table.find(address("2001:db8:1:3::1"), now));
  EXPECT_TRUE(table.find(address("198.51.100.77"), now));
  EXPECT_FALSE(table.find(address("198.51.101.77"), now));
}

TEST(BanTable, LaterEndProlongsAndAnEarlierOneDoesNothing) {
  Table table;
  table.add(ban("192.0.2.1/32", now + 1000), now);
  EXPECT_EQ(table.add(ban("192.0.2.1/32", now + 500, 2), now), Added::nothing);
  EXPECT_EQ(table.add(ban("192.0.2.1/32", now + 5000, 2), now), Added::prolonged);
  EXPECT_EQ(table.find(address("192.0.2.1"), now)->until_ms, now + 5000);
  EXPECT_EQ(table.known(*IpPrefix::parse("192.0.2.1/32"))->offences, 1u);
}

TEST(BanTable, RemembersWhoWasBanned) {
  Table table;
  table.add(ban("192.0.2.1/32", now + 1000, 3), now);
  const auto known = table.known(*IpPrefix::parse("192.0.2.1/32"));
  ASSERT_TRUE(known);
  EXPECT_FALSE(known->live(now + 2000));
  EXPECT_EQ(known->offences, 3u);
  EXPECT_EQ(known->jail_name(), "scanners");
  EXPECT_EQ(table.add(ban("192.0.2.1/32", now + 9000, 4), now + 2000), Added::fresh);
  EXPECT_EQ(table.known(*IpPrefix::parse("192.0.2.1/32"))->offences, 4u);
}

TEST(BanTable, ForEverHasNoEnd) {
  Table table;
  table.add(ban("192.0.2.1/32", for_ever), now);
  EXPECT_TRUE(table.find(address("192.0.2.1"), now + 20ull * 365 * 86'400'000));
}

TEST(BanTable, LiftEndsAllWithinAndForgetsThem) {
  Table table;
  table.add(ban("192.0.2.1/32", now + 1000), now);
  table.add(ban("192.0.2.2/32", now + 1000), now);
  table.add(ban("192.0.3.1/32", now + 1000), now);
  EXPECT_EQ(table.lift(*IpPrefix::parse("192.0.2.0/24"), now), 2u);
  EXPECT_FALSE(table.find(address("192.0.2.1"), now));
  EXPECT_FALSE(table.known(*IpPrefix::parse("192.0.2.1/32")));
  EXPECT_TRUE(table.find(address("192.0.3.1"), now));
  EXPECT_EQ(table.lift(*IpPrefix::parse("192.0.2.0/24"), now), 0u);
}

TEST(BanTable, FullSetEndsTheSoonestEndEarlyAndCountsIt) {
  Table table(8);  // one set
  for (unsigned n = 0; n < 8; ++n) table.add(ban("192.0.2." + std::to_string(n), now + 1000 + n), now);
  EXPECT_EQ(table.ended_early(), 0u);
  EXPECT_EQ(table.live(now), 8u);
  table.add(ban("192.0.2.100", now + 5000), now);
  EXPECT_EQ(table.ended_early(), 1u);
  EXPECT_FALSE(table.find(address("192.0.2.0"), now));
  EXPECT_TRUE(table.find(address("192.0.2.1"), now));
  EXPECT_TRUE(table.find(address("192.0.2.100"), now));
}

TEST(BanTable, PlaceOfOneThatIsOverIsTakenFirst) {
  Table table(8);
  for (unsigned n = 0; n < 8; ++n) table.add(ban("192.0.2." + std::to_string(n), now + (n == 5 ? 10 : 1000)), now);
  table.add(ban("192.0.2.100", now + 5000), now + 20);
  EXPECT_EQ(table.ended_early(), 0u);
  EXPECT_EQ(table.live(now + 20), 8u);
}

TEST(BanTable, IdIsTheSameWhoeverAsks) {
  Table table;
  table.add(ban("192.0.2.1/32", now + 1000), now);
  std::array<char, ban_id_bytes> text;
  write_ban_id(table.find(address("192.0.2.1"), now)->id, text);
  std::array<char, ban_id_bytes> again;
  write_ban_id(table.id_of(*IpPrefix::parse("192.0.2.1/32")), again);
  EXPECT_EQ(text, again);
}

TEST(BanTable, ReadersSeeNobodyBannedWhoIsNot) {
  Table table(64);
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (unsigned w = 0; w < 2; ++w)
    writers.emplace_back([&, w] {
      for (unsigned n = 0; !stop; ++n)
        table.add(ban("10." + std::to_string(w) + "." + std::to_string(n / 256 % 256) + "." + std::to_string(n % 256),
                      now + 1 + n),
                  now + n);
    });
  for (unsigned n = 0; n < 200'000; ++n)
    EXPECT_FALSE(table.find(address("192.0.2." + std::to_string(n % 256)), now + n / 100));
  stop = true;
  for (auto& writer : writers) writer.join();
}

}  // namespace
}  // namespace gatehouse::ratelimit
