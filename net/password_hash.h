// password_hash.h: whether a password is the one that a hash was made of. Slow on purpose: not for the data path.
//   bcrypt, SHA-crypt, yescrypt and MD5-crypt by the system's libcrypt; Apache's apr1 and {SHA} (base64 of SHA-1) as
//   htpasswd writes them. Comparison takes the same time wherever two hashes differ. Any thread.
//   Limits: passwords of 512 bytes; a longer one is no match.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

inline constexpr std::size_t password_bytes_max = 512;

bool verify_password(const std::string& password, const std::string& hash);

std::string apr1_hash(std::string_view password, std::string_view salt);  // "$apr1$SALT$…"

}  // namespace gatehouse
