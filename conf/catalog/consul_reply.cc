#include "conf/catalog/consul_reply.h"

#include <string_view>

namespace gatehouse::catalog {

std::string_view name_of(ConsulFault fault) {
  switch (fault) {
    case ConsulFault::none: return "none";
    case ConsulFault::denied: return "denied";
    case ConsulFault::refused: return "refused";
    case ConsulFault::throttled: return "throttled";
    case ConsulFault::no_leader: return "no_leader";
    case ConsulFault::failed: return "failed";
    case ConsulFault::unreachable: return "unreachable";
    case ConsulFault::garbage: return "garbage";
  }
  return "unknown";
}

ConsulFault judge(const ConsulReply& reply) {
  const auto says = [&](std::string_view words) { return reply.body.find(words) != std::string::npos; };
  switch (reply.status) {
    case 200: break;
    case 401:
    case 403: return ConsulFault::denied;
    case 429: return ConsulFault::throttled;
    case 500:
    case 503:
      // A token that was deleted while a query was blocked, as some versions tell it.
      if (says("ACL not found") || says("Permission denied")) return ConsulFault::denied;
      if (says("No path to datacenter") || says("boolean expression")) return ConsulFault::refused;
      return says("No cluster leader") || says("No known Consul servers") || says("rpc error")
                 ? ConsulFault::no_leader
                 : ConsulFault::failed;
    default: return reply.status >= 500 ? ConsulFault::failed : ConsulFault::refused;
  }
  return reply.filtered_by_acls ? ConsulFault::denied : ConsulFault::none;
}

}  // namespace gatehouse::catalog
