// check_definition.h: a Consul check definition to a check that we run ourselves. Pure.
//   Refused as `consul validate` refuses; and, beyond it, checks that run a program (args, docker).
//   A check whose target can't be read stays, as one that never passes, as it would in Consul.
//   Source: Consul 1.12's agent/structs/check_type.go and agent/checks/check.go.
#pragma once

#include <optional>
#include <string>

#include "conf/catalog/definition_shape.h"
#include "conf/service.h"

namespace gatehouse::catalog {

struct CheckDefinition {
  conf::HealthCheck check;                // id and name as said, or empty
  std::string service_id;                 // of a check outside a service; empty: of the node
  std::string alias_service, alias_node;  // an alias: as healthy as that service, or that node
  bool is_alias() const { return !alias_service.empty() || !alias_node.empty(); }
};

// nullopt: refused (the report says so), or of a kind that a newer Consul runs and we don't.
std::optional<CheckDefinition> read_check(const Definition& said, const JsonPath& path, FileReport& report);

}  // namespace gatehouse::catalog
