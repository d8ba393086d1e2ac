#include "tunnel/key_audit.h"

#include <map>

#include "net/hmac.h"

namespace gatehouse::tunnel {
namespace {

// What is wrong with two uses at once; empty: nothing.
std::string clash(const KeyUse& a, const KeyUse& b) {
  if (a.fingerprint != b.fingerprint)
    return a.identity == b.identity && a.by == b.by ? a.identity + ": two keys for this identity" : "";
  if (a.identity != b.identity)
    return b.identity + ": the same key as " + a.identity + "; every identity needs its own";
  if (a.shown != b.shown)
    return a.identity +
           ": this key is both shown and accepted here, so that a message can be sent back to its sender";
  if (a.tls != b.tls) return a.identity + ": one key for TLS 1.2 and for TLS 1.3";
  return {};
}

}  // namespace

Fingerprint fingerprint_of(std::span<const unsigned char> key, std::span<const unsigned char> audit_key) {
  constexpr char digits[] = "0123456789abcdef";
  const auto digest = hmac_sha256(audit_key, {reinterpret_cast<const char*>(key.data()), key.size()});
  Fingerprint out;
  for (std::size_t i = 0; i < 16; ++i) (out += digits[digest[i] >> 4]) += digits[digest[i] & 15];
  return out;
}

conf::Findings audit_keys(const std::vector<KeyUse>& uses) {
  conf::Findings out;
  std::map<std::string, const KeyUse*> by_key, by_identity;  // the first of each
  for (const KeyUse& use : uses) {
    for (auto& [map, name] : {std::pair{&by_key, use.fingerprint},
                              std::pair{&by_identity, use.identity + '\n' + use.by + (use.shown ? "\n>" : "\n<")}}) {
      const auto [first, fresh] = map->try_emplace(name, &use);
      if (fresh) continue;
      const KeyUse& other = *first->second;
      if (const std::string what = clash(other, use); !what.empty())
        out.push_back({{}, use.path, what + " (" + other.place + " and " + use.place + ")"});
      else if (map == &by_key && use.shown && other.by != use.by)
        out.push_back(
            {{},
             use.path,
             use.identity + ": shown to " + other.by + " and to " + use.by + "; a key for each exit keeps them apart",
             conf::Severity::warning});
    }
  }
  return out;
}

}  // namespace gatehouse::tunnel
