// siphash.h: SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that strangers can't aim.
//   For tables whose keys are chosen by clients. Allocates nothing. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse {

struct SipKey {
  std::uint64_t k0 = 0, k1 = 0;
  bool operator==(const SipKey&) const = default;
};

std::uint64_t siphash(const SipKey& key, std::string_view bytes);

}  // namespace gatehouse
