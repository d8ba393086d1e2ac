// holders.h: who holds what of a routing table, to outlive the process: a restart takes no route from its holder.
// Pure.
//   Kept as a snapshot (its checksum, its generations) with an entry for each service, whose tags say what it holds:
//   routes, TCP addresses; and which of its instances the table leaves out, so that they come in no later either.
#pragma once

#include <span>

#include "conf/catalog/snapshot.h"

namespace gatehouse::catalog {

// `input`: what the table was made of.
Snapshot holders_of(const conf::RoutingTable& table, std::span<const conf::Instance> input);

// The table before that one, as far as a translation asks for it: claims, and instances that were in the pools.
conf::RoutingTable table_of_holders(const Snapshot& holders, std::span<const conf::Instance> input);

}  // namespace gatehouse::catalog
