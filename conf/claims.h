// claims.h: who serves a route that two services claim. Pure.
//   What gatehouse.yaml says comes before tags; among equals the holder (who had it in the previous table) keeps it,
//   else the first by name; a service that has nobody left yields to one that has. The newcomer's route is left out
//   and told as a conflict; its service stays.
#pragma once

#include <string>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::conf {

// Host, port, path and conditions: equal for routes that would answer the same requests by the same right.
std::string claim_key(const RouteMatch& match);

Findings settle_claims(std::vector<Service>& services, const RoutingTable* previous);

}  // namespace gatehouse::conf
