// pick.h: which endpoint gets this request. One policy, one file, one row of `policies`.
//   Eligible: healthy by our checks (with the warning weight if warning), not ejected, not draining, not in
//   maintenance, below max_requests, not tried already. Backups only when no primary is healthy: a primary that is
//   merely full is waited for. Where a zone is preferred its primaries come before the far ones, as long as enough of
//   them are healthy and one has room. Nobody healthy at all: panic.h. slow_start raises the weight from 10 % over
//   its time.
//   Threads  any; allocates nothing. A policy normally looks at one or two endpoints, at all of them only when it
//            drew some that can't be used.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "proxy/pool/endpoint.h"
#include "proxy/pool/endpoint_set.h"

namespace gatehouse::pool {

struct PickContext {
  std::uint64_t hash = 0;  // of what `hash_on` names (hash.h); maglev alone reads it
  std::uint64_t dice = 0;  // one throw a pick
  std::int64_t now_ms = 0;
  std::span<const std::uint32_t> tried{};  // EndpointState::id of those this request failed on
  std::uint32_t* cursor = nullptr;         // the worker's own, for round_robin; null: dice choose the place
};

enum class Outcome : std::uint8_t {
  picked,
  busy,       // those that may be had are all at max_requests: queue
  unchecked,  // none healthy, but some await their first check: queue, shortly
  tried,      // what could be used has been tried
  doubled,    // of a `single` service more than one is healthy: 503
  unhealthy,  // endpoints are there, none of use: 503
  empty,      // the service has no endpoint at all: 503
};

struct Pick {
  Outcome outcome = Outcome::empty;
  const Endpoint* endpoint = nullptr;  // when picked; lives as long as the set
};

// By the set's own policy. The caller counts the request (begin_request), and picks again should it be refused.
Pick pick(const EndpointSet&, const PickContext&);
// The endpoint a sticky cookie names, which a draining one keeps for the drain time and a busy one is waited for;
// another by pick() when it can't serve at all: then the client wants a new cookie.
Pick pick_sticky(const EndpointSet&, std::size_t index, const PickContext&);

// The one healthy endpoint of a `single` service, whatever its policy: a primary. Never one of two, never one that
// merely rests; and none while one that was there before it has not been checked, since that might be a second.
Pick pick_single(const EndpointSet&, const PickContext&);
// The endpoints that a `single` service could be at now. More than one: it gets nothing new.
std::vector<const Endpoint*> contenders(const EndpointSet&);

Pick pick_round_robin(const EndpointSet&, const PickContext&);
Pick pick_least_request(const EndpointSet&, const PickContext&);
Pick pick_least_connection(const EndpointSet&, const PickContext&);
Pick pick_peak_ewma(const EndpointSet&, const PickContext&);
Pick pick_random(const EndpointSet&, const PickContext&);
Pick pick_maglev(const EndpointSet&, const PickContext&);

struct Policy {
  std::string_view name;
  conf::Balance balance;
  Pick (*pick)(const EndpointSet&, const PickContext&);
};

inline constexpr std::array policies = {
    Policy{"round_robin", conf::Balance::round_robin, pick_round_robin},
    Policy{"least_request", conf::Balance::least_request, pick_least_request},
    Policy{"least_connection", conf::Balance::least_connection, pick_least_connection},
    Policy{"peak_ewma", conf::Balance::peak_ewma, pick_peak_ewma},
    Policy{"random", conf::Balance::random, pick_random},
    Policy{"maglev", conf::Balance::maglev, pick_maglev},
};

}  // namespace gatehouse::pool
