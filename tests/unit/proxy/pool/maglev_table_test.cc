#include "proxy/pool/maglev_table.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "proxy/pool/hash.h"

namespace gatehouse::pool {
namespace {

std::vector<MaglevMember> members(std::size_t n) {
  std::vector<MaglevMember> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back({hash_bytes("endpoint " + std::to_string(i)), 1});
  return out;
}

// Part of the keys that lead to another member, by key of the member.
double moved(const MaglevTable& a, const MaglevTable& b) {
  int changed = 0;
  constexpr int keys = 50'000;
  for (int i = 0; i < keys; ++i) {
    const auto hash = mix(static_cast<std::uint64_t>(i));
    changed += a.members()[a.at(hash)].key != b.members()[b.at(hash)].key;
  }
  return changed / double(keys);
}

TEST(MaglevTable, GivesEverySlotAndEqualSharesToEquals) {
  for (const std::size_t n : {1, 2, 3, 10, 16, 17, 100, 256}) {
    const MaglevTable table(members(n));
    std::map<std::uint32_t, double> share;
    for (std::size_t slot = 0; slot < table.size(); ++slot) share[table.at(slot)] += 1;
    ASSERT_EQ(share.size(), n);
    const double fair = static_cast<double>(table.size()) / static_cast<double>(n);
    for (const auto& [member, slots] : share) EXPECT_NEAR(slots, fair, 1.0) << n << " members";
  }
}

TEST(MaglevTable, FollowsWeights) {
  auto list = members(3);
  list[1].weight = 3;
  list[2].weight = 0;
  const MaglevTable table(list);
  std::map<std::uint32_t, double> share;
  for (std::size_t slot = 0; slot < table.size(); ++slot)
    share[table.at(slot)] += 1.0 / static_cast<double>(table.size());
  EXPECT_NEAR(share[0], 0.25, 0.01);
  EXPECT_NEAR(share[1], 0.75, 0.01);
  EXPECT_EQ(share.count(2), 0u);
}

TEST(MaglevTable, IsTheSameWhateverTheOrder) {
  auto list = members(12);
  const MaglevTable one(list);
  std::ranges::reverse(list);
  EXPECT_EQ(moved(one, MaglevTable(list)), 0.0);
}

TEST(MaglevTable, MovesLittleMoreThanItsShareWhenOneLeavesOrJoins) {
  for (const std::size_t n : {5, 10, 16, 50}) {
    auto list = members(n);
    const MaglevTable before(list);
    list.erase(list.begin() + 2);
    const double part = moved(before, MaglevTable(list));
    EXPECT_GE(part, 0.8 / static_cast<double>(n));
    EXPECT_LE(part, 1.0 / static_cast<double>(n) + 0.05) << n << " members";
  }
}

TEST(MaglevTable, GrowsInThreeSteps) {
  EXPECT_EQ(MaglevTable(members(16)).size(), 4'093u);
  EXPECT_EQ(MaglevTable(members(17)).size(), 65'521u);
  EXPECT_EQ(MaglevTable(members(256)).size(), 65'521u);
  EXPECT_EQ(MaglevTable(members(257)).size(), 1'048'573u);
}

TEST(MaglevTable, HasPrimeSizes) {
  for (const std::uint32_t size : {4'093u, 65'521u, 1'048'573u}) {
    for (std::uint32_t d = 2; d * d <= size; ++d) ASSERT_NE(size % d, 0u) << size << " = " << d << " * …";
  }
}

}  // namespace
}  // namespace gatehouse::pool
