// consul_reply.h: one answer of Consul's HTTP API, and whether it can be believed. Pure.
//   A 200 is not the truth: one that an access list has filtered keeps what was known (its age, and whether there is
//   a leader, are the canary's to judge: canary_io.h). What is wrong decides how soon to ask again, and whether
//   anybody has to do something. Source: Consul's API documentation (features/blocking, features/consistency);
//   agent/http.go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/clock.h"

namespace gatehouse::catalog {

struct ConsulReply {
  unsigned status = 0;
  std::uint64_t index = 0;  // X-Consul-Index; 0: none
  bool known_leader = true;
  Millis last_contact{0};         // with the leader, as the answering server says
  bool filtered_by_acls = false;  // X-Consul-Results-Filtered-By-ACLs: the token may not see all
  std::string body;
};

enum class ConsulFault {
  none,
  denied,       // 403, or filtered: the token. Read it again; somebody has to look
  refused,      // 400 and the like: asked wrongly, asking again won't help
  throttled,    // 429: too many connections or requests
  no_leader,    // 500, 503 that say so: an election, or no quorum; stale reads may still be answered
  failed,       // 500 and the like, of another reason
  unreachable,  // no answer: not connected, cut, or not in time
  garbage,      // a 200 that isn't what was asked for
};

std::string_view name_of(ConsulFault fault);

ConsulFault judge(const ConsulReply& reply);

}  // namespace gatehouse::catalog
