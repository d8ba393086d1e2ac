#include "acme/revocation.h"

#include <gtest/gtest.h>

namespace gatehouse::acme {
namespace {

TEST(RevocationReason, IsKnownByItsNameInRfc5280AndNoOther) {
  EXPECT_EQ(revocation_reason("unspecified")->code, 0u);
  EXPECT_EQ(revocation_reason("keyCompromise")->code, 1u);
  EXPECT_EQ(revocation_reason("cessationOfOperation")->code, 5u);
  for (const char* none : {"", "keycompromise", "cACompromise", "removeFromCRL", "1"})
    EXPECT_FALSE(revocation_reason(none)) << none;
  EXPECT_EQ(revocation_words(), "unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation");
}

}  // namespace
}  // namespace gatehouse::acme
