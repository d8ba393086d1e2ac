#include "acme/account_key.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "acme/key.h"
#include "net/encoding.h"
#include "net/openssl_error.h"

namespace gatehouse::acme {
namespace {

constexpr std::size_t coordinate_bytes = 32;
using Coordinate = std::array<std::uint8_t, coordinate_bytes>;
using NumberPtr = std::unique_ptr<BIGNUM, FreedBy<BN_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, FreedBy<ECDSA_SIG_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>>;

Error failed(const char* what) { return Error{Errc::tls, std::string(what) + ": " + take_openssl_error()}; }

bool read_coordinate(const EVP_PKEY* key, const char* name, Coordinate& to) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return false;
  const NumberPtr owned(number);
  return BN_bn2binpad(number, to.data(), static_cast<int>(to.size())) == static_cast<int>(to.size());
}

}  // namespace

Result<AccountKey> AccountKey::make() {
  Result<EvpPkeyPtr> key = make_key(KeyKind::p256);
  if (!key) return key.error();
  return of(std::move(*key));
}

Result<AccountKey> AccountKey::from_pem(std::string_view pem) {
  Result<EvpPkeyPtr> key = key_from_pem(pem);
  if (!key) return key.error();
  return of(std::move(*key));
}

Result<AccountKey> AccountKey::of(EvpPkeyPtr key) {
  take_openssl_error();
  AccountKey out;
  Coordinate x, y;
  char group[32];
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr) != 1 ||
      std::string_view(group) != "prime256v1")
    return invalid("an account's key has to be one of P-256");
  if (!read_coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, x) ||
      !read_coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, y))
    return failed("the account's key can't be read");
  out.key_ = std::move(key);
  out.jwk_ = R"({"crv":"P-256","kty":"EC","x":")" + base64url(x) + R"(","y":")" + base64url(y) + "\"}";
  std::array<std::uint8_t, 32> digest;
  EVP_Digest(out.jwk_.data(), out.jwk_.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  out.thumbprint_ = base64url(digest);
  return out;
}

Result<std::string> AccountKey::pem() const { return pem_of(*key_); }

Result<std::string> AccountKey::sign(std::string_view text) const {
  take_openssl_error();
  const DigestPtr digest(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::array<unsigned char, 128> der;
  std::size_t size = der.size();
  if (!digest || EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(digest.get(), der.data(), &size, bytes, text.size()) != 1)
    return failed("can't sign");
  const unsigned char* at = der.data();
  const SignaturePtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  std::array<std::uint8_t, 2 * coordinate_bytes> both;
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), both.data(), coordinate_bytes) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), both.data() + coordinate_bytes, coordinate_bytes) < 0)
    return failed("can't sign");
  return base64url(both);
}

}  // namespace gatehouse::acme
