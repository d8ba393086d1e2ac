// entry_routes.h: what Consul's config entries make of the merged services: whose instances serve them, and where a
//   service-router sends what their routes match. Pure.
//   A router's route becomes a route of the service it leads to, within each route of its own: with that one's host
//   and port, its conditions and restrictions, the narrower path of both; what restricts all routes of the service it
//   leads to restricts it, too. The router's order is kept by the matcher (Route::derived): at each path stand all
//   of the router's routes that hold there. A subset has a service of its own, "v2@web". Routers of the services that
//   it leads to are not asked.
//   Limits  16,384 routes by a router within a service's; of the service's own those within which more would lie are
//           refused.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "conf/catalog/config_entries.h"
#include "conf/finding.h"
#include "conf/merge.h"
#include "conf/service.h"

namespace gatehouse::catalog {

struct EntryOutcome {
  conf::Findings findings;
  std::set<std::string> used;  // services that others' traffic goes to
};

using Standings = std::map<std::string, conf::Standing>;  // by service

// `services`: as they were merged, those without a route too; subsets that routes lead to are added.
EntryOutcome apply_entries(std::vector<conf::Service>& services, const ConfigEntries& entries,
                           const Standings& standings);

// Of a subset that routes lead to. No DNS name: hardly a service of the catalog is called so.
std::string subset_name(const std::string& service, const std::string& subset);
// The service whose subset it is; of a service itself its own name.
std::string service_of(const std::string& name);

}  // namespace gatehouse::catalog
