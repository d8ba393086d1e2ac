// fabio_pool.h: two services that fabio's tags give the same route share it, as they do in fabio. Pure.
//   The instances join the service that has no other routes than the shared ones, the route's holder first; so a
//   canary with a name of its own takes its share. Where each has routes of its own, or the services differ in their
//   policy, the routes are left for the conflict that they are in every other spelling.
#pragma once

#include <vector>

#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::catalog {

conf::Findings pool_fabio_routes(std::vector<conf::Service>& services, const conf::RoutingTable* previous);

}  // namespace gatehouse::catalog
