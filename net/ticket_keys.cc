#include "net/ticket_keys.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace gatehouse {
namespace {

using Bytes = std::array<std::uint8_t, 32>;

std::int64_t period_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()) / TicketKeys::period;
}

Bytes derive(const Bytes& from, std::string_view label) {
  Bytes out;
  HMAC(EVP_sha256(), from.data(), from.size(), reinterpret_cast<const unsigned char*>(label.data()), label.size(),
       out.data(), nullptr);
  return out;
}

TicketKeys::Secret after(const TicketKeys::Secret& secret) {
  return {derive(secret.bytes, "gatehouse ticket ratchet"), secret.period + 1};
}

TicketKey key_of(const Bytes& secret) {
  TicketKey key;
  const Bytes name = derive(secret, "gatehouse ticket name");
  std::copy_n(name.begin(), key.name.size(), key.name.begin());
  key.cipher = derive(secret, "gatehouse ticket cipher");
  key.mac = derive(secret, "gatehouse ticket mac");
  return key;
}

}  // namespace

TicketKeys::Secret TicketKeys::make_secret(WallTime now) {
  Secret secret{{}, period_of(now)};
  if (RAND_priv_bytes(secret.bytes.data(), secret.bytes.size()) != 1)
    throw std::runtime_error("no randomness for ticket keys");
  return secret;
}

TicketKeys::TicketKeys(const Secret& secret, WallTime now) : next_(after(secret)) {
  // Nobody has tickets of the period before the secret's: its place is held by a key that is never told.
  keys_ = {key_of(derive(secret.bytes, "gatehouse ticket before")), key_of(secret.bytes), key_of(next_.bytes)};
  advance(now);
}

std::string TicketKeys::bytes() const {
  std::string out(reinterpret_cast<const char*>(&next_), sizeof next_);
  return out.append(reinterpret_cast<const char*>(keys_.data()), sizeof keys_);
}

std::optional<TicketKeys> TicketKeys::from_bytes(std::string_view bytes, WallTime now) {
  if (bytes.size() != sizeof next_ + sizeof keys_) return std::nullopt;
  TicketKeys out({{}, 0}, WallTime());
  std::memcpy(static_cast<void*>(&out.next_), bytes.data(), sizeof out.next_);
  std::memcpy(static_cast<void*>(out.keys_.data()), bytes.data() + sizeof out.next_, sizeof out.keys_);
  out.advance(now);
  return out;
}

TicketKeys::Secret::~Secret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), sizeof keys_); }

void TicketKeys::advance(WallTime now) {
  const std::int64_t due = period_of(now);
  // A clock that was decades behind jumps without making every key on the way; three steps replace them all.
  while (next_.period + 2 < due) next_ = after(next_);
  while (next_.period <= due) {
    next_ = after(next_);
    keys_ = {keys_[1], keys_[2], key_of(next_.bytes)};
  }
}

TicketKeys::Found TicketKeys::find(std::span<const std::uint8_t, 16> name) const {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (std::equal(name.begin(), name.end(), keys_[i].name.begin())) return {&keys_[i], i == 0};
  return {};
}

}  // namespace gatehouse
