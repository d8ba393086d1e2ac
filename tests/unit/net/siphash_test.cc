#include "net/siphash.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

// The vectors of the reference implementation: key 00 01 … 0f, messages 00 01 …
TEST(Siphash, GivesTheReferenceImplementationsValues) {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string message;
  EXPECT_EQ(siphash(key, message), 0x726fdb47dd0e0e31u);
  message.push_back(0);
  EXPECT_EQ(siphash(key, message), 0x74f839c593dc67fdu);
  for (char c = 1; c < 15; ++c) message.push_back(c);
  EXPECT_EQ(siphash(key, message), 0xa129ca6149be45e5u);
}

TEST(Siphash, AnotherKeyGivesAnotherValue) { EXPECT_NE(siphash({1, 2}, "x"), siphash({1, 3}, "x")); }

}  // namespace
}  // namespace gatehouse
