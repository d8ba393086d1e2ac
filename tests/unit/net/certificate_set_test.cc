#include "net/certificate_set.h"

#include <gtest/gtest.h>

#include "net/placeholder.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse {
namespace {

using namespace test;

CertificatePtr ecdsa_of(const ServedCertificates* served) {
  return served ? served->by_key_type[static_cast<std::size_t>(KeyType::ecdsa)] : nullptr;
}
CertificatePtr rsa_of(const ServedCertificates* served) {
  return served ? served->by_key_type[static_cast<std::size_t>(KeyType::rsa)] : nullptr;
}

TEST(CertificateSet, FindsTheExactNameBeforeTheWildcard) {
  const auto exact = make_certificate({.names = {"DNS:a.off.example"}});
  const auto wildcard = make_certificate({.names = {"DNS:*.off.example"}});
  const CertificateSet set({{"w", wildcard}, {"e", exact}}, {}, nullptr);
  EXPECT_EQ(ecdsa_of(set.find("a.off.example")), exact);
  EXPECT_EQ(ecdsa_of(set.find("A.Off.Example.")), exact);
  EXPECT_EQ(ecdsa_of(set.find("b.off.example")), wildcard);
  for (const char* none : {"off.example", "x.b.off.example", "", "example", "192.0.2.1", "a.off.example:443"})
    EXPECT_FALSE(set.covers(none)) << none;
}

TEST(CertificateSet, WhoNamesNobodyGetsOneThatWasBroughtNeverOneThatIsObtained) {
  const auto brought = make_certificate({.names = {"DNS:z.test"}}),
             obtained = make_certificate({.names = {"DNS:a.test"}});
  const CertificatePtr placeholder = *make_placeholder({"a.test"}, noon);
  const CertificateSet both({{"acme:a.test", obtained, true}, {"z", brought}}, {}, placeholder);
  EXPECT_EQ(ecdsa_of(&both.fallback()), brought);
  EXPECT_EQ(ecdsa_of(both.find("a.test")), obtained);
  const CertificateSet alone({{"acme:a.test", obtained, true}}, {}, placeholder);
  EXPECT_EQ(ecdsa_of(&alone.fallback()), placeholder);
  EXPECT_EQ(ecdsa_of(alone.find("a.test")), obtained);
  EXPECT_EQ(ecdsa_of(&CertificateSet({{"acme:a.test", obtained, true}}, {}, nullptr).fallback()), obtained);
}

TEST(CertificateSet, TheOneThatEndsLastServes) {
  const auto brief = make_certificate({.not_after = noon + 10 * day});
  const auto longer = make_certificate({.not_after = noon + 20 * day});
  EXPECT_EQ(ecdsa_of(CertificateSet({{"a", brief}, {"b", longer}}, {}, nullptr).find("a.test")), longer);
  EXPECT_EQ(ecdsa_of(CertificateSet({{"a", longer}, {"b", brief}}, {}, nullptr).find("a.test")), longer);
}

TEST(CertificateSet, BothKeyTypesServeOneName) {
  const auto key = rsa_key();
  const auto ecdsa = make_certificate({.names = {"DNS:a.test", "DNS:only-ecdsa.test"}});
  const auto rsa = make_certificate({.names = {"DNS:a.test"}, .key = key.get()});
  const CertificateSet set({{"a", ecdsa}, {"b", rsa}}, {}, nullptr);
  const ServedCertificates* served = set.find("a.test");
  EXPECT_EQ(ecdsa_of(served), ecdsa);
  EXPECT_EQ(rsa_of(served), rsa);
  EXPECT_TRUE(served->covers("a.test"));
  EXPECT_FALSE(served->covers("only-ecdsa.test")) << "the client may have seen the other one";
  EXPECT_FALSE(rsa_of(set.find("only-ecdsa.test")));
}

TEST(CertificateSet, AnAssignedCertificateGoesBeforeTheOthers) {
  const auto bank = make_certificate({.names = {"DNS:learn.bank.example", "DNS:*.off.example"}});
  const auto longer =
      make_certificate({.names = {"DNS:learn.bank.example", "DNS:a.off.example"}, .not_after = noon + 900 * day});
  const std::vector<NamedCertificate> both{{"bank", bank}, {"longer", longer}};
  const CertificateSet set(both, {{"learn.bank.example", "bank"}, {"*.off.example", "bank"}}, nullptr);
  EXPECT_EQ(ecdsa_of(set.find("learn.bank.example")), bank);
  EXPECT_EQ(ecdsa_of(set.find("a.off.example")), bank);
}

TEST(CertificateSet, AnAssignmentThatCannotHoldIsVoid) {
  const auto bank = make_certificate({.names = {"DNS:bank.example"}});
  const auto other = make_certificate({.names = {"DNS:other.example", "DNS:a.x.example"}});
  const CertificateSet set({{"bank", bank}, {"other", other}},
                           {{"other.example", "bank"}, {"bank.example", "none"}, {"*.x.example", "other"}}, nullptr);
  EXPECT_EQ(ecdsa_of(set.find("other.example")), other);
  EXPECT_EQ(ecdsa_of(set.find("bank.example")), bank);
  EXPECT_FALSE(set.covers("b.x.example"));
  EXPECT_EQ(set.by_name("bank"), bank);
  EXPECT_EQ(set.by_name("none"), nullptr);
}

TEST(CertificateSet, FallsBackToTheFirstByNameThenToThePlaceholder) {
  const auto a = make_certificate({.names = {"DNS:*.a.test"}}), b = make_certificate({.names = {"DNS:b.test"}});
  const auto address = make_certificate({.names = {"IP:192.0.2.1"}});
  const auto placeholder = *make_placeholder({"demo.test"}, noon);
  EXPECT_EQ(ecdsa_of(&CertificateSet({{"2", b}, {"1", a}}, {}, placeholder).fallback()), a);
  EXPECT_EQ(ecdsa_of(&CertificateSet({{"2", b}, {"0", address}}, {}, placeholder).fallback()), address);
  EXPECT_EQ(ecdsa_of(&CertificateSet({}, {}, placeholder).fallback()), placeholder);
  EXPECT_TRUE(CertificateSet({}, {}, placeholder).fallback().placeholder());
  EXPECT_TRUE(CertificateSet().fallback().empty());
  EXPECT_FALSE(CertificateSet().fallback().covers("a.test"));
}

TEST(CertificateSet, ThePlaceholderServesItsNamesOnlyWhereNoOtherDoes) {
  const auto key = rsa_key();
  const auto real = make_certificate({.names = {"DNS:*.demo.test"}, .key = key.get()});
  const auto placeholder = *make_placeholder({"a.demo.test", "demo.test"}, noon);
  const CertificateSet set({{"real", real}}, {}, placeholder);
  EXPECT_EQ(rsa_of(set.find("a.demo.test")), real);
  EXPECT_FALSE(set.find("a.demo.test")->placeholder());
  EXPECT_EQ(ecdsa_of(set.find("demo.test")), placeholder);
}

}  // namespace
}  // namespace gatehouse
