// Keys, signatures, requests for certificates, and certificates as a CA gives them.
#include <gtest/gtest.h>
#include <openssl/ec.h>

#include "acme/account_key.h"
#include "acme/ari.h"
#include "acme/chain.h"
#include "acme/csr.h"
#include "acme/json_look.h"
#include "acme/jws.h"
#include "acme/key.h"
#include "net/encoding.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse::acme {
namespace {

using test::day;
using test::noon;

template <class T>
T taken(Result<T> result) {
  return std::move(*result);
}

json::object decoded(const json::object& message, const char* key) {
  return read_object(*base64url_decoded(text_at(message, key)));
}

// By OpenSSL, as a CA does it.
bool is_signed_by(const AccountKey& key, const json::object& message) {
  const EvpPkeyPtr public_key = taken(key_from_pem(*key.pem()));
  const std::string both = *base64url_decoded(text_at(message, "signature"));
  if (both.size() != 64) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(both.data());
  std::unique_ptr<ECDSA_SIG, FreedBy<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes, 32, nullptr), BN_bin2bn(bytes + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  const std::string text = text_at(message, "protected") + "." + text_at(message, "payload");
  std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>> digest(EVP_MD_CTX_new());
  EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, public_key.get());
  const int good = EVP_DigestVerify(digest.get(), der, static_cast<std::size_t>(size),
                                    reinterpret_cast<const unsigned char*>(text.data()), text.size());
  OPENSSL_free(der);
  return good == 1;
}

TEST(AccountKey, KeepsItsNameOverPem) {
  const AccountKey key = taken(AccountKey::make());
  const AccountKey again = taken(AccountKey::from_pem(*key.pem()));
  EXPECT_EQ(again.jwk(), key.jwk());
  EXPECT_EQ(again.thumbprint(), key.thumbprint());
  EXPECT_EQ(key.thumbprint().size(), 43u);
  EXPECT_EQ(key.authorization("t"), "t." + key.thumbprint());
  EXPECT_TRUE(key.jwk().starts_with(R"({"crv":"P-256","kty":"EC","x":")")) << "members in RFC 7638's order";
  EXPECT_FALSE(AccountKey::from_pem("nonsense"));
  EXPECT_FALSE(AccountKey::from_pem(*pem_of(*taken(make_key(KeyKind::p384)))));
  EXPECT_FALSE(AccountKey::from_pem(*pem_of(*taken(make_key(KeyKind::rsa2048)))));
}

TEST(Jws, IsSignedByTheAccountOrWithItsKeyNeverBoth) {
  const AccountKey key = taken(AccountKey::make());
  const json::object by_account = read_object(*signed_request(key, "https://c/acct/1", "https://c/o", "n1", "{}"));
  EXPECT_TRUE(is_signed_by(key, by_account));
  const json::object head = decoded(by_account, "protected");
  EXPECT_EQ(text_at(head, "alg"), "ES256");
  EXPECT_EQ(text_at(head, "nonce"), "n1");
  EXPECT_EQ(text_at(head, "url"), "https://c/o");
  EXPECT_EQ(text_at(head, "kid"), "https://c/acct/1");
  EXPECT_FALSE(head.contains("jwk"));
  const json::object by_key = read_object(*signed_request(key, "", "https://c/a", "n2", ""));
  EXPECT_TRUE(is_signed_by(key, by_key));
  EXPECT_FALSE(decoded(by_key, "protected").contains("kid"));
  EXPECT_EQ(json::serialize(object_at(decoded(by_key, "protected"), "jwk")), key.jwk());
  EXPECT_EQ(text_at(by_key, "payload"), "") << "POST-as-GET";
}

TEST(Jws, BindsAnAccountAndRollsItsKey) {
  const AccountKey key = taken(AccountKey::make()), next = taken(AccountKey::make());
  const json::object bound = read_object(account_binding(key, "kid-1", "secret", "https://c/a"));
  EXPECT_EQ(text_at(decoded(bound, "protected"), "alg"), "HS256");
  EXPECT_EQ(text_at(decoded(bound, "protected"), "kid"), "kid-1");
  EXPECT_EQ(json::serialize(decoded(bound, "payload")), key.jwk());
  const json::object rolled = read_object(*key_change_payload(key, next, "https://c/acct/1", "https://c/k"));
  EXPECT_TRUE(is_signed_by(next, rolled));
  EXPECT_FALSE(is_signed_by(key, rolled));
  EXPECT_EQ(json::serialize(object_at(decoded(rolled, "payload"), "oldKey")), key.jwk());
}

TEST(Csr, NamesItsHostsAsAlternativesAndHasNoSubject) {
  for (const KeyKind kind : {KeyKind::p256, KeyKind::p384, KeyKind::rsa2048}) {
    const EvpPkeyPtr key = taken(make_key(kind));
    const std::string der = *make_csr(*key, {"a.test", "*.b.test"});
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<X509_REQ, FreedBy<X509_REQ_free>> request(
        d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
    ASSERT_TRUE(request);
    EXPECT_EQ(X509_REQ_verify(request.get(), key.get()), 1);
    EXPECT_EQ(X509_NAME_entry_count(X509_REQ_get_subject_name(request.get())), 0);
    EXPECT_NE(der.find("*.b.test"), std::string::npos);
  }
}

TEST(Csr, TakesNamesAloneAndNoMoreThanThereMayBe) {
  const EvpPkeyPtr key = taken(make_key(KeyKind::p256));
  for (const char* bad : {"", "a b", "a,DNS:evil.test", "*.*.x", "a*.x"}) EXPECT_FALSE(make_csr(*key, {bad})) << bad;
  EXPECT_FALSE(make_csr(*key, {}));
  std::vector<std::string> names(names_most, "a.test");
  EXPECT_TRUE(make_csr(*key, names));
  names.push_back("b.test");
  EXPECT_FALSE(make_csr(*key, names));
}

TEST(Chain, IsJudgedByKeyNamesAndTime) {
  const test::Pair pair = test::make_pair({}), other = test::make_pair({});
  EXPECT_TRUE(judge_chain(pair.crt, pair.key, {"a.test"}, noon));
  EXPECT_FALSE(judge_chain(pair.crt, other.key, {"a.test"}, noon));
  EXPECT_FALSE(judge_chain(pair.crt, pair.key, {"a.test", "b.test"}, noon));
  EXPECT_FALSE(judge_chain(pair.crt.substr(0, pair.crt.size() / 2), pair.key, {"a.test"}, noon));
  EXPECT_FALSE(judge_chain("", pair.key, {"a.test"}, noon));
  EXPECT_FALSE(judge_chain(std::string(chain_bytes_most + 1, 'x'), pair.key, {"a.test"}, noon));
  EXPECT_TRUE(judge_chain(pair.crt, pair.key, {"a.test"}, noon - day - 5min)) << "the CA's clock is a little ahead";
  EXPECT_FALSE(judge_chain(pair.crt, pair.key, {"a.test"}, noon - day - 15min));
  EXPECT_FALSE(judge_chain(pair.crt, pair.key, {"a.test"}, noon + 91 * day));
  EXPECT_TRUE(load_kept(pair.crt, pair.key, noon + 91 * day)) << "what ended is served until there is a newer one";
}

// The example of RFC 9773 4.1.
TEST(CertificateId, IsTheAuthoritysKeyAndTheSerialNumbersContent) {
  const EvpPkeyPtr signer = test::ec_key();
  const X509Ptr made = test::make_leaf({}, signer.get());
  EXPECT_EQ(certificate_id(X509Ptr(X509_dup(made.get())).get()), "") << "no authority's key is named";
  const unsigned char serial[] = {0x87, 0x65, 0x43, 0x21};
  ASN1_STRING_set(X509_get_serialNumber(made.get()), serial, sizeof serial);
  const unsigned char key[] = {0x69, 0x88, 0x5B, 0x6B, 0x87, 0x46, 0x40, 0x41, 0xE1, 0xB3,
                               0x7B, 0x84, 0x7B, 0xA0, 0xAE, 0x2C, 0xDE, 0x01, 0xC8, 0xD4};
  std::unique_ptr<AUTHORITY_KEYID, FreedBy<AUTHORITY_KEYID_free>> authority(AUTHORITY_KEYID_new());
  authority->keyid = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(authority->keyid, key, sizeof key);
  X509_add1_ext_i2d(made.get(), NID_authority_key_identifier, authority.get(), 0, 0);
  X509_sign(made.get(), signer.get(), EVP_sha256());
  const X509Ptr read(X509_dup(made.get()));  // as if it had come by the wire
  EXPECT_EQ(certificate_id(read.get()), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

}  // namespace
}  // namespace gatehouse::acme
