// claims.h: who serves a route that two services claim. Pure.
//   What gatehouse.yaml says comes before tags; among equals the holder (who had it in the previous table) keeps it,
//   else the first by name; a service that has nobody left yields to one that has. The newcomer's route is left out
//   and told as a conflict; its service stays. What a service's router leads elsewhere is still that service's: it
//   holds it by the same right as before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::conf {

// Host, port, path and conditions: equal for routes that would answer the same requests by the same right.
std::string claim_key(const RouteMatch& match);

// The spelling of a route that a service's router made of one of its own: "yaml, by the router of web". `said`: the
// own route's; "consul" where the claim is the router's alone.
std::string spelling_by_router(const std::string& said, const std::string& service);
// The service whose router made it; empty: none did.
std::string_view router_of(const Route& route);

Findings settle_claims(std::vector<Service>& services, const RoutingTable* previous);

}  // namespace gatehouse::conf
