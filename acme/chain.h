// chain.h: a certificate as a CA gave it, judged before it is used: it fits our key, names what was asked for, is
//   valid now, and loads as every other one does. Pure but for OpenSSL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/certificate.h"

namespace gatehouse::acme {

inline constexpr std::size_t chain_bytes_most = 256 << 10;

// A CA's clock may be ahead of ours by skew_most.
inline constexpr auto skew_most = std::chrono::minutes(10);

Result<CertificatePtr> judge_chain(std::string_view chain_pem, std::string_view key_pem,
                                   const std::vector<std::string>& names, WallTime now);

// Whether the last of its certificates was issued by this common name.
bool leads_to(std::string_view chain_pem, std::string_view root);

// One of before, which is served until there is a newer one, even if it has ended meanwhile.
Result<CertificatePtr> load_kept(std::string_view chain_pem, std::string_view key_pem, WallTime now);

}  // namespace gatehouse::acme
