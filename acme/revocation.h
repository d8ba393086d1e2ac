// revocation.h: why a certificate is revoked (RFC 5280 5.3.1): the reasons that its holder may give. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::acme {

struct RevocationReason {
  std::string_view name;
  unsigned code = 0;
};

inline constexpr RevocationReason revocation_reasons[] = {{"unspecified", 0},
                                                          {"keyCompromise", 1},
                                                          {"affiliationChanged", 3},
                                                          {"superseded", 4},
                                                          {"cessationOfOperation", 5}};

inline std::optional<RevocationReason> revocation_reason(std::string_view name) {
  for (const RevocationReason& each : revocation_reasons)
    if (each.name == name) return each;
  return std::nullopt;
}

inline std::string revocation_words() {  // "unspecified, keyCompromise, …"
  std::string out;
  for (const RevocationReason& each : revocation_reasons) out += (out.empty() ? "" : ", ") + std::string(each.name);
  return out;
}

}  // namespace gatehouse::acme
