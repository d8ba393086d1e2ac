#include "proxy/auth/credentials.h"

#include "proxy/http/bytes.h"

namespace gatehouse::auth {
namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::optional<Credentials> Credentials::read(std::string_view text) {
  if (!http::starts_caseless(text, "basic ")) return std::nullopt;
  text = http::trimmed(text.substr(6));
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() > encoded_bytes_max) return std::nullopt;
  Credentials out;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.bytes_[out.size_++] = static_cast<char>(bits >> count & 0xff);
  }
  const std::string_view all(out.bytes_.data(), out.size_);
  out.name_size_ = all.find(':');
  if (out.name_size_ == std::string_view::npos || out.name_size_ == 0) return std::nullopt;
  for (const char c : all)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
  return out;
}

}  // namespace gatehouse::auth
