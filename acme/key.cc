#include "acme/key.h"

#include <climits>

#include <openssl/pem.h>

#include "net/openssl_error.h"

namespace gatehouse::acme {
namespace {

int no_passphrase(char*, int, int, void*) { return -1; }  // the default asks at the terminal

EVP_PKEY* generate(KeyKind kind) {
  switch (kind) {
    case KeyKind::p256: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    case KeyKind::p384: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
    case KeyKind::rsa2048: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
    case KeyKind::rsa3072: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072});
    case KeyKind::rsa4096: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{4096});
  }
  return nullptr;
}

}  // namespace

Result<EvpPkeyPtr> make_key(KeyKind kind) {
  take_openssl_error();
  EvpPkeyPtr key(generate(kind));
  if (!key) return Error{Errc::tls, "can't make a key: " + take_openssl_error()};
  return key;
}

Result<EvpPkeyPtr> key_from_pem(std::string_view pem) {
  take_openssl_error();
  if (pem.size() > INT_MAX) return invalid("too long for a key");
  const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EvpPkeyPtr key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key) return invalid("no private key in PEM: " + take_openssl_error());
  return key;
}

Result<std::string> pem_of(EVP_PKEY& key) {
  take_openssl_error();
  const BioPtr out(BIO_new(BIO_s_secmem()));
  char* bytes = nullptr;
  if (!out || PEM_write_bio_PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return Error{Errc::tls, "can't write a key: " + take_openssl_error()};
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

}  // namespace gatehouse::acme
