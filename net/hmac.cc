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

}  // namespace gatehouse
