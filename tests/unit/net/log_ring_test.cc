#include "net/log_ring.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

bool put(LogRing& ring, std::string_view line) {
  const auto room = ring.reserve(line.size());
  if (room.empty()) return false;
  std::memcpy(room.data(), line.data(), line.size());
  ring.commit(line.size());
  return true;
}

std::string take_all(LogRing& ring) {
  std::string out;
  for (auto piece = ring.peek(); !piece.empty(); piece = ring.peek()) {
    out += piece;
    ring.release(piece.size());
  }
  return out;
}

TEST(LogRing, LinesComeOutWholeAndInOrderOverManyTurns) {
  LogRing ring(64);
  std::string expected, got;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "line " + std::to_string(i) + std::string(i % 13, '.') + "\n";
    ASSERT_TRUE(put(ring, line)) << i;
    expected += line;
    if (i % 2 == 1) got += take_all(ring);
  }
  EXPECT_EQ(got, expected);
}

TEST(LogRing, AFullRingRefusesTheNewLineAndKeepsTheOld) {
  LogRing ring(32);
  EXPECT_TRUE(put(ring, std::string(30, 'a')));
  EXPECT_FALSE(put(ring, "bbb"));
  EXPECT_EQ(take_all(ring), std::string(30, 'a'));
  EXPECT_TRUE(put(ring, "bbb"));
  EXPECT_EQ(take_all(ring), "bbb");
}

TEST(LogRing, OneWriterAndOneReaderNeedNoLock) {
  LogRing ring(256);
  constexpr int lines = 20'000;
  std::string got;
  std::thread reader([&] {
    while (std::count(got.begin(), got.end(), '\n') < lines) got += take_all(ring);
  });
  for (int i = 0; i < lines;)
    if (put(ring, std::string(i % 40, 'x') + "\n")) ++i;
  reader.join();
  std::string expected;
  for (int i = 0; i < lines; ++i) expected += std::string(i % 40, 'x') + "\n";
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace gatehouse
