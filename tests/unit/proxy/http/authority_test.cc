#include "proxy/http/authority.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(Authority, SplitsHostAndPort) {
  const auto split = [](std::string_view text) {
    const auto got = parse_authority(text);
    return got ? std::string(got->host) + "|" + std::to_string(got->port) : "(refused)";
  };
  EXPECT_EQ(split("front.test"), "front.test|0");
  EXPECT_EQ(split("front.test:8080"), "front.test|8080");
  EXPECT_EQ(split("Front.Test.:80"), "Front.Test|80");
  EXPECT_EQ(split("front.test:"), "front.test|0");
  EXPECT_EQ(split("front.test:00080"), "front.test|80");
  EXPECT_EQ(split("192.0.2.1:1"), "192.0.2.1|1");
  EXPECT_EQ(split("[2001:DB8::1]:443"), "[2001:DB8::1]|443");
  EXPECT_EQ(split("[::ffff:192.0.2.1]"), "[::ffff:192.0.2.1]|0");
  EXPECT_EQ(split("a_b!$&'()*+,;=~%41"), "a_b!$&'()*+,;=~%41|0");
  for (const char* bad :
       {"",   ":80",  ".",   ".:80",    "..",        "a..",    "a..:80", "a..b", ".a",  "a:b", "a:65536", "a:1:2",
        "[]", "[::1", "::1", "[::1]80", "[1.2.3.4]", "[v1.x]", "a b",    "a/b",  "a@b", "a%4", "a%zz",    "a\"b"})
    EXPECT_EQ(split(bad), "(refused)") << bad;
}

TEST(Authority, ACertificateNamesTheHostWithoutPortAndBrackets) {
  EXPECT_EQ(certified_name("front.test:8443"), "front.test");
  EXPECT_EQ(certified_name("192.0.2.1:1"), "192.0.2.1");
  EXPECT_EQ(certified_name("[2001:db8::1]:443"), "2001:db8::1");
  EXPECT_EQ(certified_name("::1"), "");
}

TEST(Authority, CapitalsAreLoweredIntoTheBufferOnlyIfThereAreAny) {
  char buffer[host_bytes_max];
  const std::string_view small = "front.test", mixed = "Front.Test";
  EXPECT_EQ(lower_host(small, buffer).data(), small.data());
  EXPECT_EQ(lower_host(mixed, buffer), small);
}

TEST(Authority, IsTheSameForAnyCaseAndTheDefaultPort) {
  EXPECT_TRUE(same_authority({"a", 0}, {"A", 80}, 80));
  EXPECT_FALSE(same_authority({"a", 0}, {"a", 80}, 443));
  EXPECT_FALSE(same_authority({"a", 80}, {"b", 80}, 80));
}

}  // namespace
}  // namespace gatehouse::http
