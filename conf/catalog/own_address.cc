#include "conf/catalog/own_address.h"

#include <algorithm>
#include <optional>

namespace gatehouse::catalog {
namespace {

const IpAddress any_v4 = IpAddress::v4(0, 0, 0, 0), any_v6{};

bool is_any(const IpAddress& ip) { return ip == any_v4 || ip == any_v6; }

std::optional<IpAddress> address_of(const std::string& host) {
  return host == "localhost" ? IpAddress::v4(127, 0, 0, 1) : IpAddress::parse(host);
}

}  // namespace

std::string own_address(const SocketAddress& address, const conf::Config& config, std::span<const SocketAddress> tcp,
                        std::span<const IpAddress> local_addresses) {
  const IpAddress& ip = address.ip;
  const bool here = is_any(ip) || ip.is_loopback() ||
                    std::find(local_addresses.begin(), local_addresses.end(), ip) != local_addresses.end();
  const auto meets = [&](const SocketAddress& listener) {
    if (listener.port != address.port) return false;
    return listener.ip == ip || (is_any(listener.ip) && here) || (is_any(ip) && listener.ip.is_loopback());
  };
  for (const conf::Listen& listen : config.listen)
    if (meets(listen.address)) return "the listener " + listen.name;
  for (const SocketAddress& each : tcp)
    if (meets(each)) return "the TCP listener " + each.text();
  for (const conf::ConsulServer& consul : config.catalog.consul)
    if (const auto agent = address_of(consul.address.host); agent && meets({*agent, consul.address.port}))
      return "the Consul agent";
  return meets(config.metrics.address) ? "the metrics address" : "";
}

}  // namespace gatehouse::catalog
