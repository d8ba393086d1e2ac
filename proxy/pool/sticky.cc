#include "proxy/pool/sticky.h"

#include <cstring>

#include "net/encoding.h"
#include "net/hmac.h"

namespace gatehouse::pool {
namespace {

constexpr std::string_view secure = "; Secure";

// 0 to 63, or -1 for what base64url doesn't have.
int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

std::string message(std::string_view service, const Endpoint& endpoint) {
  std::string text = "gatehouse sticky";
  for (auto part : {service, std::string_view(endpoint.name)}) {
    text += '\0';
    text += part;
  }
  const auto address = endpoint.address.text();
  text += '\0';
  text += endpoint.instance ? endpoint.instance->datacenter : "";
  text += '\0';
  text += address;
  return text;
}

}  // namespace

Sticky::Sticky(std::string_view service, std::string_view cookie, std::span<const Endpoint> endpoints,
               std::span<const StickyKey> keys)
    : endpoints_(endpoints.size()) {
  if (cookie.empty() || keys.empty()) return;
  for (const auto& key : keys) {
    const bool signing = &key == &keys.front();
    for (const auto& endpoint : endpoints) {
      const auto mac = hmac_sha256(key, message(service, endpoint));
      Value value;
      std::memcpy(&value, mac.data(), sizeof value);
      values_.push_back(value);
      if (!signing) continue;
      set_cookie_.push_back(std::string(cookie) + "=" + base64url({mac.data(), sizeof value}) +
                            "; Path=/; HttpOnly; SameSite=Lax" + std::string(secure));
    }
  }
}

std::optional<std::size_t> Sticky::find(std::string_view text) const {
  if (text.size() != sticky_value_size || values_.empty()) return std::nullopt;
  std::array<std::uint8_t, sizeof(Value)> bytes{};
  std::size_t filled = 0;
  unsigned bits = 0, held = 0;
  for (char c : text) {
    const int value = sextet(c);
    if (value < 0) return std::nullopt;
    held = (held << 6 | static_cast<unsigned>(value)) & 0x3fff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[filled++] = static_cast<std::uint8_t>(held >> bits);
  }
  if (held & ((1u << bits) - 1)) return std::nullopt;  // bits that belong to no byte: not what we wrote

  Value wanted;
  std::memcpy(&wanted, bytes.data(), sizeof wanted);
  std::size_t found = values_.size();  // compared with all, without a branch on the way: the time tells nothing
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto differs = (values_[i].high ^ wanted.high) | (values_[i].low ^ wanted.low);
    found = differs == 0 ? i : found;
  }
  if (found == values_.size()) return std::nullopt;
  return found % endpoints_;
}

std::string_view Sticky::set_cookie(std::size_t endpoint, bool tls) const {
  std::string_view text = set_cookie_[endpoint];
  if (!tls) text.remove_suffix(secure.size());
  return text;
}

}  // namespace gatehouse::pool
