// encoding.h: bytes as text: hexadecimal digits, percent-encoding (RFC 3986 2.1), base64 (RFC 4648 4 and 5).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

constexpr int hex_digit(char c) {  // -1: none
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::string percent_encoded(std::string_view text);  // all but unreserved characters
// Nothing, where a % is not followed by two digits.
std::optional<std::string> percent_decoded(std::string_view text);

std::string base64(std::string_view text);                   // padded
std::string base64url(std::span<const std::uint8_t> bytes);  // without padding
// Nothing, where it isn't that; padding may be there.
std::optional<std::string> base64url_decoded(std::string_view text);

}  // namespace gatehouse
