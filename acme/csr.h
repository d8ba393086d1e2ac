// csr.h: what a certificate is asked for with (RFC 2986): names as subjectAltName alone, no subject, nothing else.
//   Pure.  Limits  names_most, as CAs have it.  Failure  a name that can't stand in a certificate.
#pragma once

#include <string>
#include <vector>

#include "net/openssl_ptr.h"
#include "net/result.h"

namespace gatehouse::acme {

inline constexpr std::size_t names_most = 100;

Result<std::string> make_csr(EVP_PKEY& key, const std::vector<std::string>& names);  // DER

}  // namespace gatehouse::acme
