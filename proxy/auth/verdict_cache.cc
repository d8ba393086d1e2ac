#include "proxy/auth/verdict_cache.h"

#include <algorithm>
#include <cstring>

#include <openssl/rand.h>

#include "net/hmac.h"

namespace gatehouse::auth {
namespace {

const std::array<std::uint8_t, 32>& run_key() {
  static const std::array<std::uint8_t, 32> key = [] {
    std::array<std::uint8_t, 32> made{};
    if (RAND_bytes(made.data(), static_cast<int>(made.size())) != 1) std::abort();
    return made;
  }();
  return key;
}

}  // namespace

VerdictCache::Key VerdictCache::key_of(std::string_view stored_hash, std::string_view password) {
  std::array<char, 2048> message;
  const std::size_t hash_size = std::min<std::size_t>(stored_hash.size(), 512);
  const std::size_t password_size = std::min(password.size(), message.size() - hash_size - 1);
  std::memcpy(message.data(), stored_hash.data(), hash_size);
  message[hash_size] = '\0';
  std::memcpy(message.data() + hash_size + 1, password.data(), password_size);
  const auto sum = hmac_sha256(run_key(), {message.data(), hash_size + 1 + password_size});
  Key key;
  std::copy_n(sum.begin(), key.size(), key.begin());
  return key;
}

std::optional<bool> VerdictCache::find(const Key& key, std::uint64_t now_ms) const {
  if (entries_.empty()) return std::nullopt;
  const Entry& entry = entries_[slot_of(key)];
  if (entry.key != key || entry.until_ms <= now_ms) return std::nullopt;
  return entry.good;
}

void VerdictCache::keep(const Key& key, bool good, std::uint64_t now_ms) {
  if (entries_.empty()) entries_.resize(verdicts_max);
  entries_[slot_of(key)] = {key, now_ms + (good ? good_ms : bad_ms), good};
}

}  // namespace gatehouse::auth
