#include "net/encoding.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Base64, GivesTheValuesOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xef\xfe"), "/+/+");
}

TEST(Base64Url, GivesTheValuesOfRfc4648InTheUrlAlphabetWithoutPadding) {
  EXPECT_EQ(base64url(bytes("")), "");
  EXPECT_EQ(base64url(bytes("f")), "Zg");
  EXPECT_EQ(base64url(bytes("fo")), "Zm8");
  EXPECT_EQ(base64url(bytes("foo")), "Zm9v");
  EXPECT_EQ(base64url(bytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64url(bytes("\xff\xef\xfe")), "_-_-");
}

TEST(PercentDecoded, DecodesAllOrNothing) {
  EXPECT_EQ(percent_decoded("a%2Fb%3f%00"), std::string("a/b?\0", 5));
  for (const char* wrong : {"%", "%2", "a%2", "%2g", "%g2", "%%41"}) EXPECT_EQ(percent_decoded(wrong), std::nullopt);
}

}  // namespace
}  // namespace gatehouse
