#include "net/certificate_set.h"

#include <algorithm>
#include <utility>

namespace gatehouse {
namespace {

// A placeholder never wins against a real one.
bool serves_longer(const Certificate& a, const Certificate& b) {
  return std::pair(!a.placeholder, a.not_after) > std::pair(!b.placeholder, b.not_after);
}

void offer(const CertificatePtr& certificate, ServedCertificates& to) {
  CertificatePtr& slot = to.by_key_type[static_cast<std::size_t>(certificate->key_type)];
  if (!slot || serves_longer(*certificate, *slot)) slot = certificate;
}

bool covers_pattern(const Certificate& certificate, std::string_view pattern) {
  if (!pattern.starts_with("*.")) return certificate.covers(pattern);
  return std::find(certificate.names.begin(), certificate.names.end(), pattern) != certificate.names.end();
}

}  // namespace

bool ServedCertificates::empty() const {
  return std::none_of(by_key_type.begin(), by_key_type.end(), [](const auto& c) { return c != nullptr; });
}

bool ServedCertificates::covers(std::string_view host) const {
  return !empty() &&
         std::all_of(by_key_type.begin(), by_key_type.end(), [&](const auto& c) { return !c || c->covers(host); });
}

bool ServedCertificates::placeholder() const {
  return std::any_of(by_key_type.begin(), by_key_type.end(), [](const auto& c) { return c && c->placeholder; });
}

void CertificateSet::Index::add(std::string_view pattern, const CertificatePtr& certificate) {
  const bool is_wildcard = pattern.starts_with("*.");
  offer(certificate, is_wildcard ? wildcard[std::string(pattern.substr(2))] : exact[std::string(pattern)]);
}

const ServedCertificates* CertificateSet::Index::find(const HostName& host) const {
  if (const auto it = exact.find(host.text()); it != exact.end()) return &it->second;
  if (const auto it = wildcard.find(host.parent()); it != wildcard.end()) return &it->second;
  return nullptr;
}

CertificateSet::CertificateSet(std::vector<NamedCertificate> certificates,
                               const std::vector<HostCertificate>& assigned, const CertificatePtr& placeholder)
    : certificates_(std::move(certificates)) {
  std::sort(certificates_.begin(), certificates_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const auto& [name, certificate, obtained] : certificates_)
    for (const std::string& pattern : certificate->names) named_.add(pattern, certificate);
  if (placeholder)  // a name that a real certificate covers keeps that one alone
    for (const std::string& pattern : placeholder->names)
      if (!(pattern.starts_with("*.") ? named_.wildcard.count(pattern.substr(2)) : covers(pattern)))
        named_.add(pattern, placeholder);
  for (const auto& [host, name] : assigned)
    if (const CertificatePtr certificate = by_name(name); certificate && covers_pattern(*certificate, host))
      assigned_.add(host, certificate);

  const auto brought =
      std::find_if(certificates_.begin(), certificates_.end(), [](const auto& c) { return !c.obtained; });
  if (brought == certificates_.end() && placeholder) offer(placeholder, fallback_);
  if (certificates_.empty() || !fallback_.empty()) return;
  const CertificatePtr first = (brought != certificates_.end() ? brought : certificates_.begin())->certificate;
  if (first->names.empty())
    offer(first, fallback_);
  else if (const std::string& name = first->names.front(); name.starts_with("*."))
    fallback_ = named_.wildcard.at(name.substr(2));
  else
    fallback_ = named_.exact.at(name);
}

const ServedCertificates* CertificateSet::find(std::string_view host) const {
  const auto name = HostName::parse(host);
  if (!name) return nullptr;
  if (const auto* served = assigned_.find(*name)) return served;
  return named_.find(*name);
}

CertificatePtr CertificateSet::by_name(std::string_view name) const {
  const auto it = std::lower_bound(certificates_.begin(), certificates_.end(), name,
                                   [](const auto& entry, std::string_view wanted) { return entry.name < wanted; });
  return it != certificates_.end() && it->name == name ? it->certificate : nullptr;
}

}  // namespace gatehouse
