#include "net/certificate.h"

#include <gtest/gtest.h>

#include "net/host_name.h"
#include "net/openssl_error.h"
#include "net/placeholder.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse {
namespace {

using namespace test;

std::string refusal(const Pair& pair, WallTime now = noon, CertificateUse use = CertificateUse::server) {
  const auto loaded = load_certificate(pair.crt, pair.key, now, use);
  EXPECT_EQ(ERR_peek_error(), 0u) << "the error queue must be left empty";
  return loaded ? "accepted" : loaded.error().what;
}

TEST(HostName, HasOneFormForOneName) {
  EXPECT_EQ(HostName::parse("WWW.Bank.Example.")->text(), "www.bank.example");
  EXPECT_EQ(HostName::parse("a.b_c.x-1")->parent(), "b_c.x-1");
  EXPECT_EQ(HostName::parse("localhost")->parent(), "");
  const std::string label63(63, 'a');
  EXPECT_TRUE(HostName::parse(label63 + ".test"));
  EXPECT_FALSE(HostName::parse(label63 + "a.test"));
  const std::string name253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  EXPECT_EQ(HostName::parse(name253)->text().size(), 253u);
  EXPECT_FALSE(HostName::parse(name253 + "b"));
  for (const char* bad : {"", ".", "a..b", ".a", "a..", "a b", "*.a", "a/b", "ä.x"})
    EXPECT_FALSE(HostName::parse(bad)) << bad;
  EXPECT_FALSE(HostName::parse(std::string_view("a\0b", 3)));
}

TEST(Certificate, TellsWhatIsInIt) {
  const auto certificate = make_certificate(
      {.names = {"DNS:Learn.Bank.Example", "DNS:*.off.example", "IP:192.0.2.7", "IP:2001:db8::1", "email:a@b.c"}});
  EXPECT_EQ(certificate->names, (std::vector<std::string>{"learn.bank.example", "*.off.example"}));
  EXPECT_EQ(certificate->addresses,
            (std::vector<IpAddress>{*IpAddress::parse("192.0.2.7"), *IpAddress::parse("2001:db8::1")}));
  EXPECT_EQ(certificate->not_before, noon - day);
  EXPECT_EQ(certificate->not_after, noon + 90 * day);
  EXPECT_EQ(certificate->key_type, KeyType::ecdsa);
  EXPECT_EQ(certificate->issuer, "CN = a.test");
  EXPECT_FALSE(certificate->placeholder);
  EXPECT_EQ(certificate->fingerprint_text().size(), 64u);
  EXPECT_NE(certificate->fingerprint, make_certificate()->fingerprint);
}

TEST(Certificate, CoversByRfc9525) {
  const auto certificate = make_certificate(
      {.names = {"DNS:bank.example", "DNS:*.off.example", "DNS:f*.odd.example", "IP:192.0.2.7", "IP:::1"}});
  for (const char* host :
       {"bank.example", "BANK.example.", "a.off.example", "A.OFF.EXAMPLE", "192.0.2.7", "::1", "[::1]"})
    EXPECT_TRUE(certificate->covers(host)) << host;
  for (const char* host :
       {"", "www.bank.example", "off.example", "a.b.off.example", ".off.example", "foo.odd.example", "192.0.2.8",
        "a.test", "*.off.example", "bank.example..", "bank.example:443"})
    EXPECT_FALSE(certificate->covers(host)) << host;
  EXPECT_FALSE(certificate->covers(std::string_view("bank.example\0.off.example", 25)));
}

TEST(Certificate, TheCommonNameDoesNotCount) {
  EXPECT_FALSE(make_certificate({.names = {"DNS:new.test"}, .common_name = "old.test"})->covers("old.test"));
  EXPECT_NE(refusal(make_pair({.names = {}, .common_name = "old.test"})), "accepted");
}

TEST(Certificate, AcceptsTheUsualKeys) {
  for (const char* group : {"P-256", "P-384", "P-521"}) {
    const auto key = ec_key(group);
    EXPECT_EQ(make_certificate({.key = key.get()})->key_type, KeyType::ecdsa);
  }
  const auto rsa = rsa_key(2048);
  EXPECT_EQ(make_certificate({.key = rsa.get()})->key_type, KeyType::rsa);
  const EvpPkeyPtr ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  EXPECT_EQ(make_certificate({.key = ed.get()})->key_type, KeyType::ed25519);
}

TEST(Certificate, RefusesWeakKeysWithWords) {
  const auto rsa = rsa_key(2047), curve = ec_key("secp256k1");
  EXPECT_EQ(refusal(make_pair({.key = rsa.get()})), "the RSA key has 2047 bits; at least 2048 are needed");
  EXPECT_EQ(refusal(make_pair({.key = curve.get()})),
            "the key's curve is secp256k1; P-256, P-384 or P-521 is needed");
}

TEST(Certificate, RefusesAKeyThatDoesNotMatch) {
  const Pair one = make_pair(), other = make_pair();
  EXPECT_EQ(refusal({one.crt, other.key}), "the key does not match the certificate");
  EXPECT_EQ(refusal({one.crt + other.crt, other.key}),
            "the key belongs to a later certificate of the file; that one must come first");
}

TEST(Certificate, RefusesOutsideItsTimeToTheSecond) {
  const Pair pair = make_pair();
  EXPECT_EQ(refusal(pair, noon - day - 1s), "not valid before 2027-01-14 08:00:00 UTC");
  EXPECT_EQ(refusal(pair, noon - day), "accepted");
  EXPECT_EQ(refusal(pair, noon + 90 * day - 1s), "accepted");
  EXPECT_EQ(refusal(pair, noon + 90 * day), "expired on 2027-04-15 08:00:00 UTC");
}

TEST(Certificate, RefusesOneWithoutAUsableName) {
  const char* words =
      "the certificate covers no name: names belong in its subjectAltName, clients don't look at the common name";
  EXPECT_EQ(refusal(make_pair({.names = {}, .common_name = ""})), words);
  EXPECT_EQ(refusal(make_pair({.names = {"DNS:*.*.test"}})), words);
  const Pair client = make_pair({.names = {}, .common_name = ""});
  EXPECT_EQ(refusal(client, noon, CertificateUse::client), "accepted");
}

TEST(Certificate, RefusesTheWrongUse) {
  const Pair client = make_pair({.extensions = {{NID_ext_key_usage, "clientAuth"}}});
  EXPECT_EQ(refusal(client), "the certificate's key usage is not for TLS servers");
  EXPECT_EQ(refusal(client, noon, CertificateUse::client), "accepted");
  const Pair server = make_pair({.extensions = {{NID_ext_key_usage, "serverAuth"}}});
  EXPECT_EQ(refusal(server, noon, CertificateUse::client), "the certificate's key usage is not for TLS clients");
}

TEST(Certificate, RefusesWhatCannotBeRead) {
  const Pair pair = make_pair();
  EXPECT_EQ(refusal({"", pair.key}), "the certificate cannot be read: no start line");
  EXPECT_EQ(refusal({pair.key, pair.key}), "the certificate cannot be read: no start line");
  EXPECT_EQ(refusal({pair.crt, ""}).substr(0, 22), "the key cannot be read");
  EXPECT_EQ(refusal({pair.crt, pair.crt}).substr(0, 22), "the key cannot be read");
  const std::string torn = pair.crt.substr(0, pair.crt.size() / 2);
  EXPECT_EQ(refusal({torn, pair.key}).substr(0, 30), "the certificate cannot be read");
  EXPECT_EQ(refusal({pair.crt + torn, pair.key}).substr(0, 31), "the chain after the certificate");
}

TEST(Certificate, NeverAsksForAPassphrase) {
  const auto key = ec_key();
  const Pair pair = make_pair({.key = key.get()});
  EXPECT_EQ(refusal({pair.crt, pem(key.get(), "secret")}),
            "the key is encrypted; write it without a passphrase (openssl pkey) and guard it by its mode");
}

TEST(Certificate, KeepsTheChainInOrderAndBounded) {
  const Authority authority;
  const auto key = ec_key();
  const Pair pair = make_pair(authority.signing({.key = key.get()}));
  const auto loaded = load_certificate(pair.crt + authority.pem(), pair.key, noon);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(sk_X509_num((*loaded)->chain.get()), 1);
  EXPECT_EQ((*loaded)->issuer, "CN = Test Authority");
  std::string chain = pair.crt;
  for (int i = 0; i < 16; ++i) chain += authority.pem();
  EXPECT_EQ(refusal({chain, pair.key}), "accepted");
  EXPECT_EQ(refusal({chain + authority.pem(), pair.key}), "the chain is longer than 16 certificates");
}

TEST(Certificate, ToleratesCommentsAndCurveParameters) {
  const auto key = ec_key();
  const Pair pair = make_pair({.key = key.get()});
  const std::string parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  EXPECT_EQ(refusal({"subject=a.test\n" + pair.crt + "\n", parameters + pair.key}), "accepted");
}

TEST(Placeholder, IsMarkedAndCoversWhatItWasMadeFor) {
  const auto made = make_placeholder({"demo.localhost", "*.demo.localhost", "127.0.0.1", "::1"}, noon);
  ASSERT_TRUE(made);
  const Certificate& placeholder = **made;
  EXPECT_TRUE(placeholder.placeholder);
  EXPECT_TRUE(placeholder.covers("demo.localhost") && placeholder.covers("a.demo.localhost"));
  EXPECT_TRUE(placeholder.covers("127.0.0.1") && placeholder.covers("[::1]"));
  EXPECT_EQ(placeholder.key_type, KeyType::ecdsa);
  EXPECT_EQ(placeholder.not_after, noon + 365 * day);
}

TEST(Placeholder, CoversNothingWhenMadeForNothing) {
  const auto made = make_placeholder({}, noon);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->names, std::vector<std::string>{"placeholder.invalid"});
}

TEST(Placeholder, TakesNoNameThatSaysMore) {
  EXPECT_EQ(make_placeholder({"a.test,IP:192.0.2.1"}, noon).error().what,
            "\"a.test,IP:192.0.2.1\" is no name for a certificate");
  EXPECT_FALSE(make_placeholder({"*.*.test"}, noon));
}

}  // namespace
}  // namespace gatehouse
