#include "net/local_addresses.h"

#include <ifaddrs.h>

namespace gatehouse {

std::vector<IpAddress> local_addresses() {
  std::vector<IpAddress> out;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) < 0) return out;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    const int family = each->ifa_addr->sa_family;
    if (family == AF_INET || family == AF_INET6) out.push_back(SocketAddress::from(each->ifa_addr).ip);
  }
  freeifaddrs(all);
  return out;
}

}  // namespace gatehouse
