// hmac.h: HMAC-SHA256 (RFC 2104, FIPS 180-4) by OpenSSL, and base64url without padding (RFC 4648 5).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

std::array<std::uint8_t, 32> hmac_sha256(std::span<const std::uint8_t> key, std::string_view message);
std::string base64url(std::span<const std::uint8_t> bytes);

}  // namespace gatehouse
