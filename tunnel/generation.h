// generation.h: identities of one right and successive keys: "a.db.b", "a.db.b.g2", "a.db.b.g3".
//   A handshake can try one key for an identity, so keys change by a new identity: both hold while peers switch. What
//   `allow` says of an identity holds for its generations. Pure.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace gatehouse::tunnel {

struct Generation {
  std::string_view base;
  unsigned number = 1;
};

inline Generation generation_of(std::string_view identity) {
  const std::size_t at = identity.rfind(".g");
  if (at == std::string_view::npos || at == 0) return {identity, 1};
  const std::string_view digits = identity.substr(at + 2);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool good = error == std::errc() && end == digits.data() + digits.size() && number >= 2 && digits[0] != '0';
  return good ? Generation{identity.substr(0, at), number} : Generation{identity, 1};
}

inline std::string generation_name(std::string_view base, unsigned number) {
  return std::string(base) + (number < 2 ? "" : ".g" + std::to_string(number));
}

}  // namespace gatehouse::tunnel
