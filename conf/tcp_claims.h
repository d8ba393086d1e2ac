// tcp_claims.h: which of the TCP addresses that services name are theirs. Pure.
//   Tags open what catalog.permit.listen lets them, and ask for the names that catalog.permit.hosts lets them; an
//   address of gatehouse.yaml is shared, by `sni`, if it is a TLS listener's, else out of reach. Of two services that
//   claim the same, what gatehouse.yaml says comes before tags, then the holder (who had it in the previous table),
//   then the first by name. A tag's `sni` takes no host from another service's route. What is lost is left out and
//   told; the service stays.
//   Limits: tcp_addresses_max addresses are opened.
#pragma once

#include <string_view>
#include <vector>

#include "conf/config.h"
#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::conf {

constexpr std::size_t tcp_addresses_max = 1024;

// Drops the entries that are lost, and marks those that share a listener.
Findings settle_tcp_claims(std::vector<Service>& services, const RoutingTable* previous, const Config& config);

// The addresses to open, each once.
std::vector<SocketAddress> tcp_addresses(const std::vector<Service>& services);
std::vector<SocketAddress> tcp_addresses(const RoutingTable& table);

// Whether only one of them can be listened on: of the same port, and one of them takes every address, or both the
// same. [::] takes IPv4 too.
bool meet(const SocketAddress& a, const SocketAddress& b);

// `pattern`: "address:port" or "address:low-high", as catalog.permit.listen has it.
bool permits_listening(std::string_view pattern, const SocketAddress& address);

}  // namespace gatehouse::conf
