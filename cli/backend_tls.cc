#include "cli/backend_tls.h"

#include <set>

#include <openssl/evp.h>

namespace gatehouse::cli {
namespace {

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

}  // namespace

TlsFiles BackendTls::files_of(const conf::Service& service) {
  return {service.tls_verify ? service.tls_ca_file : std::string(), service.tls_certificate_file,
          service.tls_key_file, service.tls_verify, service.protocol == conf::Protocol::h2};
}

Status BackendTls::read(const TlsFiles& files, Known& known) {
  const Result<TlsContents> contents = read_tls_files(files);
  if (!contents) return contents.error();
  Result<TrustStorePtr> system = TrustStorePtr();
  if (files.verify && files.ca.empty()) system = system_.look();
  if (!system) return system.error();
  const Fingerprint content = hash_of({contents->ca, contents->certificate, contents->key});
  const bool same_authorities = known.policy && (!*system || known.policy->authorities == *system);
  if (same_authorities && content == known.content) return Done{};
  auto made = make_tls_policy(files, *contents, *system);
  if (!made) return made.error();
  known.policy = std::move(*made);
  known.content = content;
  return Done{};
}

conf::Findings BackendTls::update(const std::vector<std::shared_ptr<const conf::Service>>& services) {
  conf::Findings findings;
  std::map<TlsFiles, Known> next;
  for (const auto& service : services) {
    if (!conf::over_tls(service->protocol)) continue;
    const TlsFiles files = files_of(*service);
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
  return conf::over_tls(service.protocol) && known != known_.end() ? known->second.policy : nullptr;
}

std::vector<std::string> BackendTls::files() const {
  std::set<std::string> all;
  for (const auto& [files, known] : known_)
    for (const std::string& file : {files.ca, files.certificate, files.key})
      if (!file.empty()) all.insert(file);
  return {all.begin(), all.end()};
}

}  // namespace gatehouse::cli
