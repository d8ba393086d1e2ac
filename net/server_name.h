// server_name.h: the host that a TLS client asks for, out of its server_name extension (RFC 6066 3).
//   Pure; strict: a list of exactly one host_name, with nothing after it. Empty: malformed, or no well-formed name
//   (an address, say) - such a client is served as one that names no host.
#pragma once

#include <optional>
#include <string_view>

#include "net/host_name.h"

namespace gatehouse {

// list length (2), name type (1), name length (2), name
inline std::optional<HostName> read_server_name(std::string_view extension) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(extension[i]); };
  constexpr std::size_t before_name = 5;
  if (extension.size() < before_name) return std::nullopt;
  const std::size_t list = byte_at(0) << 8 | byte_at(1), name = byte_at(3) << 8 | byte_at(4);
  const bool host_name = byte_at(2) == 0;
  if (!host_name || list + 2 != extension.size() || name + before_name != extension.size()) return std::nullopt;
  return HostName::parse(extension.substr(before_name));
}

}  // namespace gatehouse
