// test_certificates.h: keys and certificates made on the spot, so that no secret lies in the tree.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openssl/pem.h>

#include "net/certificate.h"
#include "net/clock.h"
#include "net/openssl_ptr.h"

namespace gatehouse::test {

inline const WallTime noon = WallTime::clock::from_time_t(1'800'000'000);  // 2027-01-15
constexpr auto day = std::chrono::hours(24);

inline EvpPkeyPtr ec_key(const char* group = "P-256") {
  return EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group));
}
inline EvpPkeyPtr rsa_key(std::size_t bits = 2048) {
  return EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}

inline std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return std::string(bytes, size);
}

struct Pair {
  std::string crt, key;
};

// What is not said is good: a P-256 key, self-signed, for a.test, from noon - 1 day to noon + 90 days.
struct Recipe {
  std::vector<std::string> names = {"DNS:a.test"};  // as OpenSSL spells subjectAltName; empty: no such extension
  std::string common_name = "a.test";
  WallTime not_before = noon - day, not_after = noon + 90 * day;
  EVP_PKEY* key = nullptr;
  std::vector<std::pair<int, std::string>> extensions = {};
  X509* issuer = nullptr;
  EVP_PKEY* issuer_key = nullptr;
};

inline X509Ptr make_leaf(const Recipe& recipe, EVP_PKEY* key) {
  static long serial = 1000;
  X509Ptr leaf(X509_new());
  X509_set_version(leaf.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf.get()), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(leaf.get()), WallTime::clock::to_time_t(recipe.not_before));
  ASN1_TIME_set(X509_getm_notAfter(leaf.get()), WallTime::clock::to_time_t(recipe.not_after));
  X509_NAME* subject = X509_get_subject_name(leaf.get());
  if (!recipe.common_name.empty())
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(recipe.common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(leaf.get(), recipe.issuer ? X509_get_subject_name(recipe.issuer) : subject);
  X509_set_pubkey(leaf.get(), key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, recipe.issuer ? recipe.issuer : leaf.get(), leaf.get(), nullptr, nullptr, 0);
  auto extensions = recipe.extensions;
  std::string alternatives;
  for (const auto& name : recipe.names) alternatives += (alternatives.empty() ? "" : ",") + name;
  if (!alternatives.empty()) extensions.emplace_back(NID_subject_alt_name, alternatives);
  for (const auto& [nid, value] : extensions) {
    const X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(leaf.get(), extension.get(), -1) != 1) throw std::runtime_error(value);
  }
  EVP_PKEY* signer = recipe.issuer_key ? recipe.issuer_key : key;
  const bool ed25519 = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519;
  if (X509_sign(leaf.get(), signer, ed25519 ? nullptr : EVP_sha256()) <= 0) throw std::runtime_error("cannot sign");
  return leaf;
}

inline std::string pem(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

inline std::string pem(EVP_PKEY* key, const char* passphrase = nullptr) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, passphrase ? EVP_aes_256_cbc() : nullptr, nullptr, 0, nullptr,
                           const_cast<char*>(passphrase));
  return text_of(out.get());
}

inline Pair make_pair(const Recipe& recipe = {}) {
  const EvpPkeyPtr own = recipe.key ? nullptr : ec_key();
  EVP_PKEY* key = recipe.key ? recipe.key : own.get();
  return {pem(make_leaf(recipe, key).get()), pem(key)};
}

inline CertificatePtr make_certificate(const Recipe& recipe = {}) {
  const Pair pair = make_pair(recipe);
  auto loaded = load_certificate(pair.crt, pair.key, noon);
  if (!loaded) throw std::runtime_error(loaded.error().what);
  return *loaded;
}

// A small authority: its own certificate, and pairs signed by it.
class Authority {
 public:
  explicit Authority(std::string name = "Test Authority") : key_(ec_key()) {
    certificate_ = make_leaf({.names = {},
                              .common_name = std::move(name),
                              .not_before = noon - 3650 * day,
                              .not_after = noon + 3650 * day,
                              .extensions = {{NID_basic_constraints, "critical,CA:TRUE"}}},
                             key_.get());
  }
  Recipe signing(Recipe recipe) const {
    recipe.issuer = certificate_.get();
    recipe.issuer_key = key_.get();
    return recipe;
  }
  std::string pem() const { return test::pem(certificate_.get()); }

 private:
  EvpPkeyPtr key_;
  X509Ptr certificate_;
};

}  // namespace gatehouse::test
