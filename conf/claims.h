// claims.h: who serves a route that two services claim. Pure.
//   What gatehouse.yaml says comes before tags; among equals the holder (who had it in the previous table) keeps it,
//   else the first by name; a service that has nobody left yields to one that has, a holder after a while (awaited).
//   The newcomer's route is left out and told as a conflict; its service stays. Nor may tags take a narrower part (a
//   port, conditions) of what gatehouse.yaml routes to another service; other paths of the host they may. What a
//   service's router leads elsewhere is still that service's: it holds it by the same right as before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::conf {

// Host, port, path and conditions: equal for routes that would answer the same requests by the same right.
std::string claim_key(const RouteMatch& match);

// The service whose router made it; empty: none did.
std::string_view router_of(const Route& route);
// How it was said, for people: "native", or "native, by the router of web".
std::string spelling_text(const Route& route);

// Whether no request meets both: a field has one value.
bool exclude(const HeaderMatch& a, const HeaderMatch& b);

Findings settle_claims(std::vector<Service>& services, const RoutingTable* previous);

}  // namespace gatehouse::conf
