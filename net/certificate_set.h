// certificate_set.h: which certificate is served for which name.
//   Immutable: a change of certificates makes a new set, which reaches the workers with the world. Looking up
//   allocates nothing. A name is looked for exactly, then as a wildcard of one label (RFC 9525 6.3); what the
//   operator assigned to a host goes before what the certificates say of themselves. Among several of one key type
//   the one that ends last wins; of an ECDSA and an RSA certificate for one name the client's abilities decide.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/certificate.h"
#include "net/host_name.h"

namespace gatehouse {

struct NamedCertificate {
  std::string name;  // "bank" of bank.crt
  CertificatePtr certificate;
  bool obtained = false;  // by ourselves: never what a client gets that names nobody, while there is one of a file
};

// `certificate: file:bank` of a host. Void while the set has no such certificate, or it does not cover the host.
struct HostCertificate {
  std::string host;  // exact, or "*.x"
  std::string certificate;
};

// What one handshake may serve: at most one certificate a key type.
struct ServedCertificates {
  std::array<CertificatePtr, 3> by_key_type;  // indexed by KeyType

  bool empty() const;
  // All of them cover the host: whichever was served, the client has seen a certificate for it (RFC 9110 15.5.20).
  bool covers(std::string_view host) const;
  bool placeholder() const;
};

class CertificateSet {
 public:
  CertificateSet() = default;
  // `placeholder` may be null. It serves its names where no other certificate does.
  CertificateSet(std::vector<NamedCertificate> certificates, const std::vector<HostCertificate>& assigned,
                 const CertificatePtr& placeholder);

  const ServedCertificates* find(std::string_view host) const;  // null: none covers it
  bool covers(std::string_view host) const { return find(host) != nullptr; }
  // For a client that names no host, or one that no certificate covers: what serves the first certificate by name
  // that was brought, else the placeholder, else the first. Empty when there is neither.
  const ServedCertificates& fallback() const { return fallback_; }
  CertificatePtr by_name(std::string_view name) const;  // null: there is none
  const std::vector<NamedCertificate>& all() const { return certificates_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Names = std::unordered_map<std::string, ServedCertificates, Hash, std::equal_to<>>;
  struct Index {
    Names exact, wildcard;  // wildcard: by what follows "*."
    void add(std::string_view pattern, const CertificatePtr& certificate);
    const ServedCertificates* find(const HostName& host) const;
  };

  std::vector<NamedCertificate> certificates_;  // sorted by name
  Index assigned_, named_;
  ServedCertificates fallback_;
};

}  // namespace gatehouse
