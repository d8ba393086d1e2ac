// placeholder.h: a self-signed certificate for when there is none yet.
//   P-256, one year, marked in its subject, so that a browser, a log and our own code (Certificate::placeholder) can
//   tell it. It proves nothing: it never redirects to https and never sends HSTS.
#pragma once

#include <string>
#include <vector>

#include "net/certificate.h"

namespace gatehouse {

// `names`: DNS names ("*.x" too) and addresses; none: "placeholder.invalid" (RFC 2606), which no host header equals.
Result<CertificatePtr> make_placeholder(const std::vector<std::string>& names, WallTime now);

}  // namespace gatehouse
