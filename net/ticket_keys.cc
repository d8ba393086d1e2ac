#include "net/ticket_keys.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace gatehouse {
namespace {

std::int64_t period_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()) / TicketKeys::period;
}

TicketKeys::Secret derive(const TicketKeys::Secret& from, std::string_view label) {
  TicketKeys::Secret out;
  HMAC(EVP_sha256(), from.data(), from.size(), reinterpret_cast<const unsigned char*>(label.data()), label.size(),
       out.data(), nullptr);
  return out;
}

TicketKey key_of(const TicketKeys::Secret& secret) {
  TicketKey key;
  const auto name = derive(secret, "gatehouse ticket name");
  std::copy_n(name.begin(), key.name.size(), key.name.begin());
  key.cipher = derive(secret, "gatehouse ticket cipher");
  key.mac = derive(secret, "gatehouse ticket mac");
  return key;
}

}  // namespace

TicketKeys::Secret TicketKeys::make_secret() {
  Secret secret;
  if (RAND_priv_bytes(secret.data(), secret.size()) != 1) throw std::runtime_error("no randomness for ticket keys");
  return secret;
}

TicketKeys::TicketKeys(const Secret& secret, WallTime now)
    : period_(period_of(now)), next_secret_(derive(secret, "gatehouse ticket ratchet")) {
  // Nobody has tickets of the period before the secret's: its place is held by a key that is never told.
  keys_ = {key_of(derive(secret, "gatehouse ticket before")), key_of(secret), key_of(next_secret_)};
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(next_secret_.data(), next_secret_.size());
  OPENSSL_cleanse(keys_.data(), sizeof keys_);
}

void TicketKeys::advance(WallTime now) {
  const std::int64_t due = period_of(now);
  // After three steps nothing of the old keys is left; the ratchet goes on to the period that others are in.
  while (period_ < due) step();
}

void TicketKeys::step() {
  ++period_;
  next_secret_ = derive(next_secret_, "gatehouse ticket ratchet");
  keys_ = {keys_[1], keys_[2], key_of(next_secret_)};
}

TicketKeys::Found TicketKeys::find(std::span<const std::uint8_t, 16> name) const {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (std::equal(name.begin(), name.end(), keys_[i].name.begin())) return {&keys_[i], i == 0};
  return {};
}

}  // namespace gatehouse
