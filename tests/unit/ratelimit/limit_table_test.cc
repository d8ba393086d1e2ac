#include "ratelimit/limit_table.h"

#include <thread>

#include <gtest/gtest.h>

#include "net/dice.h"

namespace gatehouse::ratelimit {
namespace {

constexpr std::uint64_t second = 1'000'000;

std::uint64_t key_of(std::uint64_t n) { return Dice(n).roll(); }

// As many as are admitted of so many requests, evenly spread over the time.
unsigned admitted(LimitTable& table, std::uint64_t key, const Gcra& limit, unsigned requests, std::uint64_t from,
                  std::uint64_t to) {
  unsigned count = 0;
  for (unsigned i = 0; i < requests; ++i) count += table.take(key, from + (to - from) * i / requests, limit).admitted;
  return count;
}

TEST(LimitTable, AdmitsTheBurstAndOneMoreAtOnce) {
  LimitTable table(64);
  const Gcra limit = Gcra::of(5, second, 20);
  EXPECT_EQ(admitted(table, key_of(1), limit, 100, second, second), 21u);
}

TEST(LimitTable, AdmitsAtTheRateOnceTheBurstIsUsed) {
  LimitTable table(64);
  const Gcra limit = Gcra::of(5, second, 2);
  admitted(table, key_of(1), limit, 10, second, second);
  EXPECT_EQ(admitted(table, key_of(1), limit, 2000, second, 101 * second), 499u);
}

TEST(LimitTable, OneWhoKeepsTryingIsLetInAsSoonAsOneWhoWaits) {
  LimitTable table(64);
  const Gcra limit = Gcra::of(1, second, 0);
  EXPECT_TRUE(table.take(key_of(1), second, limit).admitted);
  for (std::uint64_t t = second; t < 2 * second; t += 1000) {
    const auto refused = table.take(key_of(1), t, limit);
    EXPECT_FALSE(refused.admitted);
    EXPECT_EQ(limit.wait_us(refused.debt_us), 2 * second - t);
  }
  EXPECT_TRUE(table.take(key_of(1), 2 * second, limit).admitted);
}

TEST(LimitTable, CountsKeysApart) {
  LimitTable table(1 << 12);
  const Gcra limit = Gcra::of(1, second, 0);
  for (std::uint64_t n = 0; n < 1000; ++n) EXPECT_TRUE(table.take(key_of(n), second, limit).admitted) << n;
  for (std::uint64_t n = 0; n < 1000; ++n) EXPECT_FALSE(table.take(key_of(n), second, limit).admitted) << n;
  EXPECT_EQ(table.live(second), 1000u);
}

TEST(LimitTable, PeekSaysWhatTakeWouldAndCountsNothing) {
  LimitTable table(64);
  const Gcra limit = Gcra::of(1, second, 1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(table.peek(key_of(1), second, limit).admitted);
  table.take(key_of(1), second, limit);
  table.take(key_of(1), second, limit);
  EXPECT_FALSE(table.peek(key_of(1), second, limit).admitted);
  EXPECT_TRUE(table.peek(key_of(1), 2 * second, limit).admitted);
}

TEST(LimitTable, FullLineForgetsWhoOwesLeastAndCountsIt) {
  LimitTable table(8);  // one line
  const Gcra limit = Gcra::of(1, second, 100);
  for (std::uint64_t n = 1; n <= 8; ++n)
    for (std::uint64_t i = 0; i < n + 1; ++i) table.take(key_of(n), second, limit);
  EXPECT_EQ(table.forgiven(), 0u);
  table.take(key_of(9), second, limit);
  EXPECT_EQ(table.forgiven(), 1u);
  EXPECT_EQ(table.peek(key_of(1), second, limit).debt_us, 0u);
  EXPECT_EQ(table.peek(key_of(2), second, limit).debt_us, 3 * second);
  EXPECT_EQ(table.peek(key_of(8), second, limit).debt_us, 9 * second);
}

TEST(LimitTable, SlotWhoseTimeHasComeIsOverwrittenWithoutLoss) {
  LimitTable table(8);
  const Gcra limit = Gcra::of(1, second, 0);
  for (std::uint64_t n = 0; n < 10'000; ++n) table.take(key_of(n), (n + 1) * second, limit);
  EXPECT_EQ(table.forgiven(), 0u);
}

TEST(LimitTable, OffenderIsHeldToItsLimitWhileMillionsOfFreshKeysPassBy) {
  LimitTable table(1 << 12);
  const Gcra limit = Gcra::of(5, second, 20);
  constexpr unsigned seconds = 60, fresh_a_second = 50'000;
  unsigned offender = 0, honest = 0;
  std::uint64_t fresh = 1000;
  for (unsigned step = 0; step < seconds * 20; ++step) {
    const std::uint64_t now = second + step * second / 20;
    for (unsigned i = 0; i < fresh_a_second / 20; ++i) table.take(key_of(fresh++), now, limit);
    offender += table.take(key_of(1), now, limit).admitted;
    if (step % 20 == 0) honest += table.take(key_of(2), now, limit).admitted;
  }
  EXPECT_LE(offender, (seconds * 5 + 21) * 105 / 100);
  EXPECT_EQ(honest, seconds);
}

TEST(LimitTable, TimeThatComesRoundIsNoDebt) {
  LimitTable table(8);
  const Gcra limit = Gcra::of(1, second, 0);
  table.take(key_of(1), second, limit);
  table.sweep(10 * second);
  const std::uint64_t round = std::uint64_t{1} << 40;
  EXPECT_TRUE(table.take(key_of(1), round + second / 2, limit).admitted);
  EXPECT_FALSE(table.take(key_of(1), round + second, limit).admitted);
}

TEST(LimitTable, LongestDebtIsFarBelowHalfARound) {
  LimitTable table(8);
  const Gcra limit{LimitTable::debt_us_max / 10, LimitTable::debt_us_max / 10 * 9};
  EXPECT_EQ(admitted(table, key_of(1), limit, 20, second, second), 10u);
}

TEST(LimitTable, WorkersShareOneCount) {
  LimitTable table(1 << 10);
  const Gcra limit = Gcra::of(1, second, 999);
  std::atomic<unsigned> count{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w)
    workers.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) count += table.take(key_of(1), second, limit).admitted;
    });
  for (auto& worker : workers) worker.join();
  // The very first may be counted by two at once.
  EXPECT_GE(count, 1000u);
  EXPECT_LE(count, 1003u);
}

}  // namespace
}  // namespace gatehouse::ratelimit
