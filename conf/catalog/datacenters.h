// datacenters.h: which datacenter's instances serve a service, where several have it. Pure.
//   A service belongs to the node's datacenter where that has it, else to the first that has, in the order of the
//   sources. Another one's instances serve while the service has failed over there, stand by if `failover` names it,
//   and are left out otherwise, which is told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/config.h"
#include "conf/service.h"

namespace gatehouse::catalog {

using FailedOver = std::map<std::string, std::string>;  // service to the datacenter that serves it now

// REQUIRES instances that are usable, or those that departed: a service whose last instance went belongs where it
// was.
// While nothing was heard of the node's own datacenter nobody knows whether it has a service that another one has:
// `silent`, then nobody else serves it; `dead`, its Consul can't be asked, then a primary or a database still waits.
enum class HomeNews { heard, silent, dead };

conf::Findings settle_datacenters(std::vector<conf::Service>& services, const conf::Config& config,
                                  const FailedOver& failed_over, HomeNews at_home);

}  // namespace gatehouse::catalog
