// sticky.h: the cookie that keeps a client at its endpoint.
//   It is opaque (it names nothing) and signed (it can't be made up).
//   Its value is HMAC-SHA256(key, service and endpoint identity), cut to 128 bits, in base64url. All values of a pool
//   are made when the world is, so the data path only compares. Doors that share the key understand each other.
//   Threads  immutable. Failure: a forged, cut or unknown value is as if none had come.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

using StickyKey = std::array<std::uint8_t, 32>;
inline constexpr std::size_t sticky_value_size = 22;

class Sticky {
 public:
  Sticky() = default;
  // The first key signs; cookies made with the others are still understood. No key: no cookies.
  Sticky(std::string_view service, std::string_view cookie, std::span<const Endpoint> endpoints,
         std::span<const StickyKey> keys);

  bool on() const { return !set_cookie_.empty(); }
  std::optional<std::size_t> find(std::string_view value) const;  // index of the endpoint the value names
  // A whole Set-Cookie value: "NAME=VALUE; Path=/; HttpOnly; SameSite=Lax", with "; Secure" on TLS.
  std::string_view set_cookie(std::size_t endpoint, bool tls) const;

 private:
  struct Value {
    std::uint64_t high = 0, low = 0;
  };
  std::vector<Value> values_;  // of every endpoint by the first key, then by the next …
  std::size_t endpoints_ = 0;
  std::vector<std::string> set_cookie_;  // with "; Secure" at the end, which is cut off without TLS
};

}  // namespace gatehouse::pool
