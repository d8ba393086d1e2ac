// traefik_service.h: the loadbalancer of an instance's Traefik tags as keys of our service. Pure.
#pragma once

#include <string>

#include "conf/catalog/traefik_tree.h"

namespace gatehouse::catalog {

// The service of this name, "http.services.NAME.loadbalancer.*"; its port becomes the instance's.
void read_traefik_service(TraefikTree& tree, const std::string& name, const conf::Instance& instance,
                          ForeignTags& out);

}  // namespace gatehouse::catalog
