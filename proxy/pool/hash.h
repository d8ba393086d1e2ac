// hash.h: the hash that endpoints and keys are placed by (`hash_on`).
//   Stable over processes, builds and doors: with maglev every door must choose alike. Not for secrets.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::pool {

// splitmix64's finaliser (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// FNV-1a, then mixed: keys are short.
constexpr std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) {
  std::uint64_t h = 0xcbf29ce484222325u ^ mix(seed);
  for (char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix(h);
}

}  // namespace gatehouse::pool
