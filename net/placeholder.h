// placeholder.h: a self-signed certificate for when there is none yet.
//   P-256, one year, marked in its subject, so that a browser, a log and our own code (Certificate::placeholder) can
//   tell it. It proves nothing: it never redirects to https and never sends HSTS.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "net/certificate.h"

namespace gatehouse {

// `names`: DNS names ("*.x" too) and addresses; none: "placeholder.invalid" (RFC 2606), which no host header equals.
Result<CertificatePtr> make_placeholder(const std::vector<std::string>& names, WallTime now);

// What a certificate authority is shown for tls-alpn-01 (RFC 8737 3): the digest is that of the key authorization.
Result<CertificatePtr> make_challenge_certificate(const std::string& name, const std::array<std::uint8_t, 32>& digest,
                                                  WallTime now);

}  // namespace gatehouse
