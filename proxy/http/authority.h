// authority.h: host and port of a Host field or an absolute target, by RFC 3986 3.2 and RFC 9110 4.2, 7.2.
//   Refused: user information, an empty host or label, more than 255 bytes, a port above 65535, an IPv6 literal
//   without its brackets or that is none. An empty port counts as none, as the RFC has it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gatehouse::http {

inline constexpr std::size_t host_bytes_max = 255;

struct Authority {
  std::string_view host;   // without a last dot; IPv6 keeps its brackets
  std::uint16_t port = 0;  // 0: none given
};

std::optional<Authority> parse_authority(std::string_view text);

// Who an authority's certificate must name: its host without a port, an IPv6 literal without brackets. Empty: none.
std::string_view certified_name(std::string_view authority);

// Small letters, as routes and certificates are kept. The view is the text itself if it holds no capitals, else the
// start of the buffer, which must hold host_bytes_max bytes.
std::string_view lower_host(std::string_view host, std::span<char> buffer);

// Whether two authorities name the same place; a missing port is the scheme's (80 or 443).
bool same_authority(const Authority& a, const Authority& b, std::uint16_t default_port);

}  // namespace gatehouse::http
