// panic.h: no endpoint is usable by its health, yet the catalog calls some passing. Then a check that is wrong, or
//   something that all of them ask, is likelier than the end of all at once: they are tried rather than nobody.
//   Tried    are also those that only their node's check speaks against: a cluster that begins anew calls nodes lost
//            whose services are well.
//   Never    of a `single` service or one that carries TCP, whose checks tell roles; nor one that the catalog calls
//            critical otherwise or has no more, or that is in maintenance or drained.
//   Limits   one that refuses connections is tried by one request at a time, after 1, 2 and then every 4 seconds: a
//            service that is dead indeed gets its 503 at once.
//   Source   Envoy's panic threshold, at none healthy.
#pragma once

#include "net/dice.h"
#include "proxy/pool/pick.h"

namespace gatehouse::pool {

// Whether the service is in that state now.
bool in_panic(const EndpointSet&);

// One of those, by weight. REQUIRES that standing() is `out` of every endpoint of the set.
Pick pick_in_panic(const EndpointSet&, const PickContext&, Dice&);
// Whether this one may be had, as pick_in_panic() has it: a client stays with its endpoint in panic, too.
bool may_be_tried(const Endpoint&, const PickContext&);

}  // namespace gatehouse::pool
