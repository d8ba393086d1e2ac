// host_name.h: a DNS name in the one form that names are compared in.
//   Lower case, no final dot, labels of 1 to 63 letters, digits, '-' and '_', at most 253 bytes (RFC 1035 2.3.4); so
//   no NUL, no space, no '*'. Lives on the stack: SNI is looked up without an allocation. Internationalised names are
//   compared in their A-label form, as they are on the wire.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse {

class HostName {
 public:
  static constexpr std::size_t bytes_max = 253;

  static std::optional<HostName> parse(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > bytes_max) return std::nullopt;
    HostName out;
    std::size_t label = 0;
    for (const char c : text) {
      const char lower = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
      const bool plain =
          (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-' || lower == '_';
      if (lower == '.' ? label == 0 : !plain || label == 63) return std::nullopt;
      label = lower == '.' ? 0 : label + 1;
      out.bytes_[out.size_++] = lower;
    }
    if (label == 0) return std::nullopt;
    return out;
  }

  std::string_view text() const { return {bytes_.data(), size_}; }
  // Without its first label: "b.test" of "a.b.test"; empty when there is only one.
  std::string_view parent() const {
    const auto dot = text().find('.');
    return dot == std::string_view::npos ? std::string_view() : text().substr(dot + 1);
  }

 private:
  std::array<char, bytes_max> bytes_;  // only the first size_ are set
  std::uint8_t size_ = 0;
};

}  // namespace gatehouse
