// hmac.h: HMAC-SHA256 (RFC 2104, FIPS 180-4) by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace gatehouse {

std::array<std::uint8_t, 32> hmac_sha256(std::span<const std::uint8_t> key, std::string_view message);

}  // namespace gatehouse
