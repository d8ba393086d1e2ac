// greed.h: who pays when memory is short: the client that holds most of it, and not the one that comes next.
//   Pure. A trusted proxy carries many clients: each of its connections counts by itself.
#pragma once

#include <cstdint>
#include <vector>

#include "net/ip.h"

namespace gatehouse::proxy {

struct Holding {
  IpAddress client;
  bool alone = false;
  std::uint64_t bytes = 0;
};

// Indices of the holdings to end so that `wanted` bytes are free again: those of the client that holds most, its
// largest first, then the next client's. A client that holds less than `modest` bytes keeps them.
std::vector<std::size_t> greediest(const std::vector<Holding>& all, std::uint64_t wanted, std::uint64_t modest);

}  // namespace gatehouse::proxy
