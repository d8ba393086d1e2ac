// merge.h: the layers of one service to its policy: gatehouse.yaml's, then its instances' tags, then Consul's config
//   entries, then "*". Pure.
//   Per key the first layer that says it wins; a route's own option comes before what its layer says of the whole
//   service; routes are the union. What is wrong or not carried counts as not said, unless it restricts: then the
//   route it is about is refused (Route::refused, answered with 503). Hosts that tags may not claim are left out.
//   Findings about single settings are review.h's; here are those about what they mean together.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "conf/agree.h"
#include "conf/finding.h"
#include "conf/service.h"
#include "conf/service_layer.h"

namespace gatehouse::conf {

struct MergeInput {
  std::string name;
  const ServiceLayer* yaml = nullptr;        // services: NAME
  const ServiceLayer* everywhere = nullptr;  // services: "*"
  const ServiceLayer* entries = nullptr;     // what Consul's own config entries say of it
  std::vector<InstanceLayers> instances;     // in the catalog's order
  const Service* previous = nullptr;
};

struct MergeContext {
  std::vector<std::string> permit_hosts;   // what tags may claim; empty: any
  std::string folder;                      // of gatehouse.yaml: what its relative paths begin at
  std::string certificates;                // certificates.files
  std::string datacenter = {};             // the node's
  std::set<std::string> rate_limits = {};  // that guard.rate_limits defines
};

// What a service says that stands where config entries lead its traffic elsewhere, or others' traffic to it.
struct Standing {
  std::vector<IpPrefix> allow, deny;  // of all its routes
  std::vector<std::string> rate_limits;
  std::string auth;
  Methods methods;
  std::string refused;  // why none of them may be served
  // By route, as claims.h tells them apart: the keys that gatehouse.yaml or tags say.
  std::map<std::string, std::set<std::string_view>> said;
};

struct Merged {
  Service service;
  std::string certificate;           // "file:NAME", "none" or empty: of the hosts of its routes
  bool certificate_by_file = false;  // said by gatehouse.yaml
  Standing standing;
  Findings findings;
};

Merged merge_service(MergeInput input, const MergeContext& context);

// The pages that "*" says, for answers that no route gives.
std::vector<Page> default_pages(const ServiceLayer& everywhere, const MergeContext& context);

// A relative path to one that begins at the folder.
std::string path_from(const std::string& folder, const std::string& path);

}  // namespace gatehouse::conf
