#include "conf/catalog/fabio_pool.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "conf/claims.h"

namespace gatehouse::catalog {
namespace {

using Keys = std::set<std::string>;  // of routes, as claims.h tells them apart

Keys keys_of(const conf::Service& service) {
  Keys keys;
  for (const conf::Route& route : service.routes) keys.insert(conf::claim_key(route.match));
  return keys;
}

bool same_policy(const conf::Service& a, const conf::Service& b) {
  const auto bare = [](conf::Service service) {
    service.name.clear(), service.routes.clear(), service.instances.clear();
    return service;
  };
  return bare(a) == bare(b);
}

// Whether it routes these exactly as the host does, by fabio's tags.
bool routes_alike(const conf::Service& guest, const conf::Service& host) {
  return std::all_of(host.routes.begin(), host.routes.end(), [&](const conf::Route& route) {
    return route.spelling == "fabio" &&
           std::find(guest.routes.begin(), guest.routes.end(), route) != guest.routes.end();
  });
}

bool holds_already(const conf::Service& service, const Keys& keys, const conf::RoutingTable* previous) {
  if (previous == nullptr) return false;
  return std::any_of(previous->services.begin(), previous->services.end(), [&](const auto& before) {
    return before->name == service.name &&
           std::any_of(before->routes.begin(), before->routes.end(),
                       [&](const conf::Route& route) { return keys.contains(conf::claim_key(route.match)); });
  });
}

}  // namespace

conf::Findings pool_fabio_routes(std::vector<conf::Service>& services, const conf::RoutingTable* previous) {
  std::map<std::string, std::vector<std::size_t>> claims;  // route to the services that fabio's tags give it
  for (std::size_t i = 0; i < services.size(); ++i)
    for (const conf::Route& route : services[i].routes)
      if (route.spelling == "fabio") claims[conf::claim_key(route.match)].push_back(i);

  conf::Findings findings;
  std::set<std::vector<std::size_t>> groups;
  for (const auto& [key, members] : claims)
    if (members.size() > 1) groups.insert(members);
  for (const std::vector<std::size_t>& members : groups) {
    conf::Service* host = nullptr;
    bool held = false;
    for (const std::size_t i : members) {
      conf::Service& candidate = services[i];
      const bool fits = !candidate.routes.empty() && std::all_of(members.begin(), members.end(), [&](std::size_t j) {
        return routes_alike(services[j], candidate) && same_policy(services[j], candidate);
      });
      if (!fits) continue;
      const bool holds = holds_already(candidate, keys_of(candidate), previous);
      if (host == nullptr || (holds && !held) || (holds == held && candidate.name < host->name))
        host = &candidate, held = holds;
    }
    if (host == nullptr) continue;
    const Keys shared = keys_of(*host);
    for (const std::size_t i : members) {
      conf::Service& guest = services[i];
      if (&guest == host) continue;
      findings.push_back({guest.routes[0].at, guest.name + ": route",
                          host->routes[0].match.text() + " is shared with " + host->name + ", as in fabio",
                          conf::Severity::note});
      host->instances.insert(host->instances.end(), guest.instances.begin(), guest.instances.end());
      std::erase_if(guest.routes,
                    [&](const conf::Route& route) { return shared.contains(conf::claim_key(route.match)); });
    }
  }
  return findings;
}

}  // namespace gatehouse::catalog
