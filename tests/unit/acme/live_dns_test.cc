#include "acme/live_dns.h"

#include <gtest/gtest.h>

namespace gatehouse::acme {
namespace {

using Values = std::vector<std::string>;

TEST(LiveDns, ValuesComeWithQuotesOrWithoutThem) {
  const auto values = live_dns_values(R"({"rrset_name":"x","rrset_values":["\"one\"","two"],"rrset_ttl":300})");
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, (Values{"one", "two"}));
}

TEST(LiveDns, WhatIsNoSetIsAnError) {
  for (const char* body : {"", "[]", "x", R"({"rrset_values":[1]})"}) EXPECT_FALSE(live_dns_values(body)) << body;
  std::string many = R"({"rrset_values":["a")";
  for (std::size_t i = 0; i < values_most; ++i) many += R"(,"a")";
  EXPECT_FALSE(live_dns_values(many + "]}"));
}

TEST(LiveDns, OneValueComesOrGoesAndTheRestStays) {
  EXPECT_EQ(live_dns_change({"theirs"}, true, "ours"), (Values{"theirs", "ours"}));
  EXPECT_EQ(live_dns_change({"theirs", "ours"}, false, "ours"), (Values{"theirs"}));
  EXPECT_EQ(live_dns_change({"ours"}, false, "ours"), Values{});
  EXPECT_EQ(live_dns_change({"ours"}, true, "ours"), std::nullopt);
  EXPECT_EQ(live_dns_change({"theirs"}, false, "ours"), std::nullopt);
}

TEST(LiveDns, ASetIsWrittenWhole) {
  EXPECT_EQ(live_dns_body({"a", "b"}), R"({"rrset_ttl":300,"rrset_values":["a","b"]})");
}

TEST(LiveDns, NamesAreSaidWithinTheZone) {
  EXPECT_EQ(live_dns_label("_acme-challenge.eu.shop.example", "shop.example"), "_acme-challenge.eu");
  EXPECT_EQ(live_dns_label("shop.example", "shop.example"), "@");
}

TEST(LiveDns, ARefusalSaysWhatWouldMendIt) {
  EXPECT_EQ(live_dns_refusal(403, R"({"message":"Access was denied."})"),
            "LiveDNS answered 403: Access was denied. (the token has ended, or has no right to this zone)");
  EXPECT_EQ(live_dns_refusal(500, "<html>"), "LiveDNS answered 500");
}

}  // namespace
}  // namespace gatehouse::acme
