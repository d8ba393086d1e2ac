// entry_routes.h: what Consul's config entries make of the merged services: whose instances serve them, and where a
//   service-router sends what their routes match. Pure.
//   A router's route becomes a route of the service it leads to, within each route of its own: with that one's host
//   and port, its conditions and restrictions, the narrower path of both. The router's order is kept by routes for
//   what two of its own both match. A subset has a service of its own, "v2.web". Limits   1024 routes by a router.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "conf/catalog/config_entries.h"
#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::catalog {

struct EntryOutcome {
  conf::Findings findings;
  std::set<std::string> used;  // services that others' traffic goes to
};

// `services`: as they were merged, those without a route too; subsets that routes lead to are added.
EntryOutcome apply_entries(std::vector<conf::Service>& services, const ConfigEntries& entries);

}  // namespace gatehouse::catalog
