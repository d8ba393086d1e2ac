// ari.h: when a CA would like a certificate to be renewed (RFC 9773). Pure; time and dice are parameters.
//   Failure  an answer that can't be meant (end before start, beyond the certificate's life) counts as none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <openssl/x509.h>

#include "net/clock.h"

namespace gatehouse::acme {

struct RenewalWindow {
  WallTime start, end;
  std::string explanation;  // a URL for people; may be empty
  bool operator==(const RenewalWindow&) const = default;
};

inline constexpr Seconds ari_least = 60s, ari_most = std::chrono::hours(24), ari_usual = std::chrono::hours(6);

// 4.1: base64url of the authority key identifier and of the serial number's DER content; empty: it has none.
std::string certificate_id(const X509* certificate);

std::optional<RenewalWindow> read_renewal_info(std::string_view text, WallTime not_after);

// `share` in [0, 1): which point of the window is ours.
WallTime point_in(const RenewalWindow& window, double share, WallTime now);

std::optional<WallTime> read_rfc3339(std::string_view text);

}  // namespace gatehouse::acme
