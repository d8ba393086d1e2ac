// credentials.h: name and password of a request (RFC 7617). Pure.
//   Limits: 1 KiB in base64; longer ones are none.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace gatehouse::auth {

inline constexpr std::size_t encoded_bytes_max = 1024;

class Credentials {
 public:
  // Of the value of Authorization; nothing: another scheme, or malformed.
  static std::optional<Credentials> read(std::string_view authorization);
  std::string_view name() const { return {bytes_.data(), name_size_}; }
  std::string_view password() const { return {bytes_.data() + name_size_ + 1, size_ - name_size_ - 1}; }

 private:
  std::array<char, encoded_bytes_max> bytes_{};
  std::size_t size_ = 0, name_size_ = 0;
};

}  // namespace gatehouse::auth
