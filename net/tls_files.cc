#include "net/tls_files.h"

#include "net/certificate.h"
#include "net/read_file.h"

namespace gatehouse {
namespace {

constexpr std::size_t pem_bytes_most = 1 << 20;

// The content of a file; of none: nothing.
Result<std::string> content_of(const std::string& file, std::size_t most) {
  if (file.empty()) return std::string();
  Result<FileContent> content = read_file(file, most);
  if (!content) return content.error();
  return std::move(content->bytes);
}

Result<std::string> secret_of(const std::string& file) {
  if (file.empty()) return std::string();
  Result<FileContent> content = read_file(file, pem_bytes_most);
  if (!content) return content.error();
  if (content->mode & 0007) return invalid(file + ": others can read it; run: chmod o-rwx");
  return std::move(content->bytes);
}

}  // namespace

Result<TlsContents> read_tls_files(const TlsFiles& files) {
  Result<std::string> ca = content_of(files.ca, TrustStore::file_bytes_max);
  if (!ca) return ca.error();
  Result<std::string> certificate = content_of(files.certificate, pem_bytes_most);
  if (!certificate) return certificate.error();
  Result<std::string> key = secret_of(files.key);
  if (!key) return key.error();
  return TlsContents{std::move(*ca), std::move(*certificate), std::move(*key)};
}

Result<std::shared_ptr<const TlsClientPolicy>> make_tls_policy(const TlsFiles& files, const TlsContents& contents,
                                                               const TrustStorePtr& system) {
  auto policy = std::make_shared<TlsClientPolicy>();
  policy->verify = files.verify;
  policy->authorities = system;
  if (files.h2) policy->alpn = {"h2"};
  if (!files.ca.empty()) {
    const Result<TrustStorePtr> store = TrustStore::from_pem(contents.ca);
    if (!store) return invalid(files.ca + ": " + store.error().what);
    policy->authorities = *store;
  }
  if (!files.certificate.empty()) {
    const auto now = std::chrono::system_clock::now();
    const Result<CertificatePtr> pair =
        load_certificate(contents.certificate, contents.key, now, CertificateUse::client);
    if (!pair) return invalid(files.certificate + ": " + pair.error().what);
    policy->certificate = *pair;
  }
  return std::shared_ptr<const TlsClientPolicy>(std::move(policy));
}

Result<std::shared_ptr<const TlsClientPolicy>> read_tls_policy(const TlsFiles& files, SystemTrust& system) {
  const Result<TlsContents> contents = read_tls_files(files);
  if (!contents) return contents.error();
  Result<TrustStorePtr> authorities = TrustStorePtr();
  if (files.verify && files.ca.empty()) authorities = system.look();
  if (!authorities) return authorities.error();
  return make_tls_policy(files, *contents, *authorities);
}

}  // namespace gatehouse
