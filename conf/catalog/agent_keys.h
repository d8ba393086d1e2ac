// agent_keys.h: the names that stand at the top of a Consul agent's file beside services and checks.
//   They are the agent's business and passed over; any other name there is an error, as it is in Consul 1.12
//   (agent/config/config.go, deprecated.go), so that a mistyped "servces" does not lose its services in silence.
#pragma once

#include <string_view>

namespace gatehouse::catalog {

bool is_agent_key(std::string_view name);  // in any case of letters

}  // namespace gatehouse::catalog
