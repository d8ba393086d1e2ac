// openssl_ptr.h: owners of OpenSSL's handles. The sole home of *_free.
#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace gatehouse {

template <auto Free>
struct FreedBy {
  void operator()(auto* p) const { Free(p); }
};
struct FreesBio {
  void operator()(BIO* p) const { BIO_free_all(p); }
};
struct FreesX509Chain {
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};

using BioPtr = std::unique_ptr<BIO, FreesBio>;
using EvpMdPtr = std::unique_ptr<EVP_MD, FreedBy<EVP_MD_free>>;
using EvpCipherPtr = std::unique_ptr<EVP_CIPHER, FreedBy<EVP_CIPHER_free>>;
using EvpPkeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using EvpPkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;
using BasicConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, FreedBy<BASIC_CONSTRAINTS_free>>;
using SslPtr = std::unique_ptr<SSL, FreedBy<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, FreedBy<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, FreedBy<X509_free>>;
using X509ChainPtr = std::unique_ptr<STACK_OF(X509), FreesX509Chain>;
using X509ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, FreedBy<X509_STORE_free>>;

}  // namespace gatehouse
