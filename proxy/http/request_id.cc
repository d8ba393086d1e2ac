#include "proxy/http/request_id.h"

namespace gatehouse::http {

RequestId make_request_id(std::uint64_t dice_high, std::uint64_t dice_low) {
  constexpr char digits[] = "0123456789abcdef";
  RequestId out;
  for (unsigned i = 0; i < 16; ++i) {
    out[i] = digits[dice_high >> (60 - 4 * i) & 15];
    out[16 + i] = digits[dice_low >> (60 - 4 * i) & 15];
  }
  return out;
}

bool valid_request_id(std::string_view text) {
  if (text.empty() || text.size() > request_id_bytes_max) return false;
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/=:@";
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace gatehouse::http
