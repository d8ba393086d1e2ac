#include "cli/backend_tls.h"

#include <set>

#include <openssl/evp.h>

#include "net/read_file.h"

namespace gatehouse::cli {
namespace {

constexpr std::size_t pem_bytes_most = 1 << 20;

bool speaks_tls(const conf::Service& service) {
  return service.protocol == conf::Protocol::https || service.protocol == conf::Protocol::h2;
}

// The content of a file; of none: nothing.
Result<std::string> content_of(const std::string& file, std::size_t most) {
  if (file.empty()) return std::string();
  Result<FileContent> content = read_file(file, most);
  if (!content) return content.error();
  return std::move(content->bytes);
}

Fingerprint hash_of(std::initializer_list<std::string_view> texts) {
  std::string hashes;
  Fingerprint out{};
  for (const std::string_view text : texts) {
    EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
    hashes.append(out.begin(), out.end());
  }
  EVP_Digest(hashes.data(), hashes.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

Result<std::string> secret_of(const std::string& file) {
  if (file.empty()) return std::string();
  Result<FileContent> content = read_file(file, pem_bytes_most);
  if (!content) return content.error();
  if (content->mode & 0007) return invalid(file + ": others can read it; run: chmod o-rwx");
  return std::move(content->bytes);
}

}  // namespace

BackendTls::Files BackendTls::files_of(const conf::Service& service) {
  return {service.tls_verify ? service.tls_ca_file : std::string(), service.tls_certificate_file,
          service.tls_key_file, service.tls_verify};
}

// `system`: the authorities of who names none and verifies.
Result<std::shared_ptr<const TlsClientPolicy>> BackendTls::make(const Files& files, const TrustStorePtr& system,
                                                                const std::string& ca, const std::string& certificate,
                                                                const std::string& key) {
  auto policy = std::make_shared<TlsClientPolicy>();
  policy->verify = files.verify;
  policy->authorities = system;
  if (!files.ca.empty()) {
    const Result<TrustStorePtr> store = TrustStore::from_pem(ca);
    if (!store) return invalid(files.ca + ": " + store.error().what);
    policy->authorities = *store;
  }
  if (!files.certificate.empty()) {
    const auto now = std::chrono::system_clock::now();
    const Result<CertificatePtr> pair = load_certificate(certificate, key, now, CertificateUse::client);
    if (!pair) return invalid(files.certificate + ": " + pair.error().what);
    policy->certificate = *pair;
  }
  return std::shared_ptr<const TlsClientPolicy>(std::move(policy));
}

Status BackendTls::read(const Files& files, Known& known) {
  const Result<std::string> ca = content_of(files.ca, TrustStore::file_bytes_max);
  if (!ca) return ca.error();
  const Result<std::string> certificate = content_of(files.certificate, pem_bytes_most);
  if (!certificate) return certificate.error();
  const Result<std::string> key = secret_of(files.key);
  if (!key) return key.error();
  Result<TrustStorePtr> system = TrustStorePtr();
  if (files.verify && files.ca.empty()) system = system_.look();
  if (!system) return system.error();
  const Fingerprint content = hash_of({*ca, *certificate, *key});
  const bool same_authorities = known.policy && (!*system || known.policy->authorities == *system);
  if (same_authorities && content == known.content) return Done{};
  Result<std::shared_ptr<const TlsClientPolicy>> made = make(files, *system, *ca, *certificate, *key);
  if (!made) return made.error();
  known.policy = std::move(*made);
  known.content = content;
  return Done{};
}

conf::Findings BackendTls::update(const std::vector<std::shared_ptr<const conf::Service>>& services) {
  conf::Findings findings;
  std::map<Files, Known> next;
  for (const auto& service : services) {
    if (!speaks_tls(*service)) continue;
    const Files files = files_of(*service);
    const auto [entry, fresh] = next.try_emplace(files);
    Known& known = entry->second;
    if (fresh) {
      if (const auto before = known_.find(files); before != known_.end()) known = std::move(before->second);
      const Status good = read(files, known);
      known.wrong = good ? std::string() : good.error().what;
    }
    if (known.wrong.empty()) continue;
    const char* then = known.policy ? "; what was read last stays in force" : "; its endpoints can't be reached";
    findings.push_back({{}, "services." + service->name, known.wrong + then, conf::Severity::error});
  }
  known_ = std::move(next);
  return findings;
}

std::shared_ptr<const TlsClientPolicy> BackendTls::policy(const conf::Service& service) const {
  const auto known = known_.find(files_of(service));
  return speaks_tls(service) && known != known_.end() ? known->second.policy : nullptr;
}

std::vector<std::string> BackendTls::files() const {
  std::set<std::string> all;
  for (const auto& [files, known] : known_)
    for (const std::string& file : {files.ca, files.certificate, files.key})
      if (!file.empty()) all.insert(file);
  return {all.begin(), all.end()};
}

}  // namespace gatehouse::cli
