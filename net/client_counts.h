// client_counts.h: how many connections each client address has open, over all workers.
//   IPv6 clients are counted by /64. Striped by address: a short lock at accept and at close, nowhere else. The
//   number of entries is bounded by the number of open connections.
#pragma once

#include <array>
#include <mutex>
#include <unordered_map>

#include "net/ip.h"

namespace gatehouse {

class ClientCounts {
 public:
  // Counts one more, unless that would be more than `most` (0: no limit).
  bool enter(const IpAddress& client, unsigned most);
  void leave(const IpAddress& client);
  unsigned count(const IpAddress& client);
  static IpAddress key(const IpAddress& client);  // those with the same are one client

 private:
  struct Hash {
    std::size_t operator()(const IpAddress& address) const;
  };
  struct Stripe {
    std::mutex mutex;
    std::unordered_map<IpAddress, unsigned, Hash> counts;
  };
  Stripe& stripe(const IpAddress& key);
  std::array<Stripe, 64> stripes_;
};

}  // namespace gatehouse
