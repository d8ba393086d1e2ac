#include "proxy/http/field_name.h"

#include <array>
#include <cstring>

#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

// In the order of FieldId.
constexpr std::array<std::string_view, field_id_count> names{
    "",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "expect",
    "upgrade",
    "te",
    "keep-alive",
    "trailer",
    "proxy-connection",
    "http2-settings",
    "proxy",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "forwarded",
    "x-request-id",
    "x-ban-event",
    "x-original-url",
    "x-rewrite-url",
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "sec-websocket-accept",
    "sec-websocket-key",
    "server",
    "set-cookie",
    "strict-transport-security",
    "traceparent",
    "tracestate",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
};

// Multipliers found by search; that no two names share a slot is asserted below.
constexpr std::size_t slot_of(std::string_view name) {
  const auto low = [](char c) { return static_cast<std::size_t>(static_cast<std::uint8_t>(c) | 0x20u); };
  return (name.size() * 209 + low(name.front()) * 109 + low(name[name.size() - 2]) * 66 + low(name.back()) * 48) &
         255;
}

constexpr std::size_t shortest = 2, longest = 25;

constexpr std::array<std::uint8_t, 256> slots = [] {
  std::array<std::uint8_t, 256> out{};
  for (std::size_t id = 0; id < names.size(); ++id)
    if (!names[id].empty()) out[slot_of(names[id])] = static_cast<std::uint8_t>(id);
  return out;
}();

constexpr bool every_name_has_its_slot() {
  for (std::size_t id = 0; id < names.size(); ++id)
    if (!names[id].empty() &&
        (slots[slot_of(names[id])] != id || names[id].size() < shortest || names[id].size() > longest))
      return false;
  return true;
}
static_assert(every_name_has_its_slot());

// Eight bytes at a time, setting bit 5 of each. Exact here: `lower` holds letters, digits and '-' only, and no other
// token byte becomes one of these by that bit.
bool same_token(const char* text, const char* lower, std::size_t size) {
  const auto word_differs = [&](std::size_t at) {
    std::uint64_t a, b;
    std::memcpy(&a, text + at, 8);
    std::memcpy(&b, lower + at, 8);
    return (a | 0x2020202020202020u) != b;
  };
  if (size < 8) {
    for (std::size_t i = 0; i < size; ++i)
      if ((text[i] | 0x20) != lower[i]) return false;
    return true;
  }
  for (std::size_t at = 0; at + 8 < size; at += 8)
    if (word_differs(at)) return false;
  return !word_differs(size - 8);
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() >= shortest && name.size() <= longest) {
    const std::size_t id = slots[slot_of(name)];
    if (names[id].size() == name.size() && same_token(name.data(), names[id].data(), name.size()))
      return static_cast<FieldId>(id);
  }
  if ((name.front() | 0x20) == 'x' && starts_caseless(name, "x-forwarded-")) return FieldId::x_forwarded_other;
  return FieldId::other;
}

std::string_view field_name(FieldId id) { return names[static_cast<std::size_t>(id)]; }

}  // namespace gatehouse::http
