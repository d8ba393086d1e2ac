#include "proxy/http/request_id.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(RequestId, IsTheDiceInHex) {
  EXPECT_EQ(view(make_request_id(0x0123456789abcdef, 0xfedcba9876543210)), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(view(make_request_id(0, 1)), "00000000000000000000000000000001");
}

TEST(RequestId, OneFromOutsideIsKeptIfItIsHarmless) {
  EXPECT_TRUE(valid_request_id("Root=1-67891233-abcdef012345678912345678"));
  EXPECT_TRUE(valid_request_id("a.b_c-d+e/f=g:h@i"));
  EXPECT_TRUE(valid_request_id(std::string(128, 'a')));
  EXPECT_FALSE(valid_request_id(std::string(129, 'a')));
  for (const char* bad : {"", "a b", "a\"b", "a,b", "a;b", "<a>", "\xc3\xa9", "a%0d"})
    EXPECT_FALSE(valid_request_id(bad)) << bad;
}

}  // namespace
}  // namespace gatehouse::http
