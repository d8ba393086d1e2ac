#include "net/hmac.h"

#include <cstdlib>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace gatehouse {

std::array<std::uint8_t, 32> hmac_sha256(std::span<const std::uint8_t> key, std::string_view message) {
  std::array<std::uint8_t, 32> out{};
  unsigned length = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(), out.data(), &length) ||
      length != out.size()) {
    std::abort();  // out of memory, or a crypto library without SHA-256: no value may be made up instead
  }
  return out;
}

std::string base64url(std::span<const std::uint8_t> bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  unsigned bits = 0, held = 0;
  for (auto byte : bytes) {
    held = held << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) out += letters[held >> (bits - 6) & 63];
  }
  if (bits > 0) out += letters[held << (6 - bits) & 63];
  return out;
}

}  // namespace gatehouse
