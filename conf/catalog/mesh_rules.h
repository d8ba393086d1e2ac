// mesh_rules.h: what Consul refuses in definitions of mesh proxies and gateways. Pure.
//   Nothing of a mesh is served here, but a folder that Consul reads must be accepted and refused alike.
//   Source: Consul 1.12's NodeService.Validate, Upstream.Validate, builder.go.
#pragma once

#include "conf/catalog/definition_shape.h"

namespace gatehouse::catalog {

// Whether the service is a mesh's own: a proxy or a gateway.
bool is_mesh_kind(std::string_view kind);

void check_mesh_rules(const Definition& service, const JsonPath& path, FileReport& report);

}  // namespace gatehouse::catalog
