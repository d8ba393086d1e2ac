// request_id.h: the name of a request in logs and at the backend (X-Request-Id).
//   Ours is 128 bits of dice as 32 hex digits; one told by a trusted peer is kept if it is harmless. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

inline constexpr std::size_t request_id_bytes_max = 128;

using RequestId = std::array<char, 32>;
RequestId make_request_id(std::uint64_t dice_high, std::uint64_t dice_low);

bool valid_request_id(std::string_view text);  // 1 to 128 of A-Z a-z 0-9 . _ - + / = : @

inline std::string_view view(const RequestId& id) { return {id.data(), id.size()}; }

}  // namespace gatehouse::http
