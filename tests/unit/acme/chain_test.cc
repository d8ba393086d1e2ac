#include "acme/chain.h"

#include <gtest/gtest.h>

#include "tests/unit/net/test_certificates.h"

namespace gatehouse::acme {
namespace {

TEST(LeadsTo, TheIssuerOfTheLastCertificateCounts) {
  test::Recipe first, last;
  first.common_name = "Root One";
  last.common_name = "Root Two";
  const std::string one = test::make_pair(first).crt, two = test::make_pair(last).crt;
  EXPECT_TRUE(leads_to(one, "Root One"));
  EXPECT_TRUE(leads_to(one + two, "Root Two"));
  EXPECT_FALSE(leads_to(one + two, "Root One"));
  EXPECT_FALSE(leads_to(one, "Root"));
  EXPECT_FALSE(leads_to(one, "root one"));
  EXPECT_FALSE(leads_to("", ""));
  EXPECT_FALSE(leads_to("no PEM", "Root One"));
}

TEST(LeadsTo, OneThatIsTooLongIsNotLookedAt) {
  std::string chain = test::make_pair({.common_name = "Root"}).crt;
  EXPECT_TRUE(leads_to(chain, "Root"));
  chain.insert(0, chain_bytes_most - chain.size(), '\n');
  EXPECT_TRUE(leads_to(chain, "Root")) << "at the limit";
  EXPECT_FALSE(leads_to("\n" + chain, "Root"));
}

}  // namespace
}  // namespace gatehouse::acme
