// own_service.h: the door as a service in the catalog, so that it sees by itself whether the catalog tells the truth.
//   An answer that lacks what we registered lacks other things, too: an access list hides them, servers lost them, or
//   it is old. Pure. Limits: nesting 32. Source: Consul's API, agent/service/register; api/health.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::catalog {

struct OwnService {
  static constexpr Millis ttl{30'000};
  std::string name;   // of the service; empty: the door registers nowhere
  std::string id;     // unique at its agent
  std::string epoch;  // of this run: the registration of an earlier one proves nothing
  std::string version;
  std::string address;  // empty: the agent's
  std::uint16_t port = 0;
};

// The body for PUT /v1/agent/service/register. It passes from the start, and has to be kept so by its TTL check.
std::string registration(const OwnService& own);
std::string check_id(const OwnService& own);

// The datacenter in which the answer of /v1/health/service/NAME shows this run's registration; none: it doesn't.
Result<std::optional<std::string>> shown_in(std::string_view body, const OwnService& own);

}  // namespace gatehouse::catalog
