// certificate.h: one certificate with its chain and private key, read once and immutable.
//   Refused  text that is not PEM, an encrypted key, a key that does not match, an expired or not yet valid
//            certificate, one without names, a weak or unusual key, one that is not for servers: what would fail in
//            a handshake fails here, with words.
//   Threads  shared as shared_ptr<const Certificate> by every world and worker; OpenSSL counts its handles itself.
//   Source   names: RFC 9525 (subjectAltName alone), wildcards of one whole label.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/ip.h"
#include "net/openssl_ptr.h"
#include "net/result.h"

namespace gatehouse {

enum class KeyType { ecdsa, rsa, ed25519 };
enum class CertificateUse { server, client };  // a client certificate needs no names

using Fingerprint = std::array<std::uint8_t, 32>;  // SHA-256 of the leaf's DER

struct Certificate {
  std::vector<std::string> names;  // lower case: "learn.bank.example", "*.off.example"
  std::vector<IpAddress> addresses;
  WallTime not_before, not_after;
  Fingerprint fingerprint{};
  KeyType key_type = KeyType::ecdsa;
  bool placeholder = false;  // made by ourselves (placeholder.h)
  std::string issuer;        // one line, for `status`
  X509Ptr leaf;
  X509ChainPtr chain;  // what is sent after the leaf
  EvpPkeyPtr key;

  bool covers(std::string_view host) const;  // a name, or an address with or without brackets; any case
  std::string fingerprint_text() const;      // hexadecimal, lower case
};
using CertificatePtr = std::shared_ptr<const Certificate>;

inline constexpr std::string_view placeholder_subject = "gatehouse placeholder";  // its organisation

// `crt_pem`: the leaf first, then the chain. The error says what is wrong with which of the two.
Result<CertificatePtr> load_certificate(std::string_view crt_pem, std::string_view key_pem, WallTime now,
                                        CertificateUse use = CertificateUse::server);

// Makes this handshake serve the certificate, beside those of another key type given before.
bool use_certificate(SSL* ssl, const Certificate& certificate);

}  // namespace gatehouse
