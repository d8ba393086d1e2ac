#include "net/trust_store.h"

#include <climits>
#include <cstdlib>

#include <openssl/pem.h>

#include "net/openssl_error.h"
#include "net/read_file.h"

namespace gatehouse {

Result<TrustStorePtr> TrustStore::from_pem(std::string_view pem) {
  take_openssl_error();
  auto out = std::make_shared<TrustStore>();
  out->store_.reset(X509_STORE_new());
  const BioPtr in(pem.size() > INT_MAX ? nullptr : BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!out->store_ || !in) return Error{Errc::tls, take_openssl_error()};
  while (const X509Ptr authority{PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(out->store_.get(), authority.get()) != 1) return Error{Errc::tls, take_openssl_error()};
    ++out->size_;
  }
  const unsigned long last = ERR_peek_last_error();
  const bool ended = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string error = take_openssl_error();
  if (!ended) return invalid("a certificate cannot be read: " + error);
  if (out->size_ == 0) return invalid("holds no certificate");
  return TrustStorePtr(std::move(out));
}

Result<TrustStorePtr> TrustStore::from_file(const std::string& path) {
  const auto content = read_file(path, file_bytes_max);
  if (!content) return content.error();
  auto store = from_pem(content->bytes);
  if (!store) return Error{store.error().code, path + ": " + store.error().what};
  return store;
}

Result<TrustStorePtr> TrustStore::from_system() { return SystemTrust().look(); }

Result<TrustStorePtr> SystemTrust::look() {
  const auto look_at = [this](const std::string& path) -> Status {
    auto content = read_file(path, TrustStore::file_bytes_max);
    if (!content) return content.error();
    if (store_ && content->bytes == content_) return Done{};
    auto store = TrustStore::from_pem(content->bytes);
    if (!store) return Error{store.error().code, path + ": " + store.error().what};
    content_ = std::move(content->bytes);
    store_ = std::move(*store);
    return Done{};
  };
  if (const char* chosen = std::getenv(X509_get_default_cert_file_env())) {
    if (const Status read = look_at(chosen); !read) return read.error();
    return store_;
  }
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem", X509_get_default_cert_file()})
    if (look_at(path)) return store_;
  return Error{Errc::unavailable, "this machine has no bundle of certificate authorities (package ca-certificates)"};
}

}  // namespace gatehouse
