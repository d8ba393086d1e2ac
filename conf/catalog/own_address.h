// own_address.h: whether an address is this door itself, where requests would go in a circle, or the Consul agent
// that it asks, which answers whoever comes from here as it answers the door. Pure.
#pragma once

#include <span>
#include <string>

#include "conf/config.h"

namespace gatehouse::catalog {

// "the listener https", "the Consul agent", "the metrics address", or empty. A listener on all addresses is met at
// each of the machine's. `tcp`: what services open.
std::string own_address(const SocketAddress& address, const conf::Config& config, std::span<const SocketAddress> tcp,
                        std::span<const IpAddress> local_addresses);

}  // namespace gatehouse::catalog
