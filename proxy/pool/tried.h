// tried.h: the endpoints that a request has been given to. A few in place: only where many refuse it are there more.
#pragma once

#include <cstdint>

#include <boost/container/small_vector.hpp>

#include "conf/service.h"
#include "net/clock.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

struct Tried {
  static constexpr unsigned refusals_most = 128;
  boost::container::small_vector<std::uint32_t, 8> ids;  // EndpointState::id, the latest last
  unsigned refusals = 0;                                 // of them: connections that were refused at once

  // Those that may have cost an endpoint something: `retry` counts them.
  std::size_t attempts() const { return ids.size() - refusals; }
};

// May a request that found no connection, and so was heard by nobody, ask for another one? `retry` says how often;
// but a refusal costs next to nothing: others are asked until connect_timeout has been spent on them, or so many have
// refused. In panic all of them refuse, request after request: then it counts.
template <class Policy>  // of a route, or of a TCP listener
bool may_connect_elsewhere(const Policy& policy, const Tried& tried, bool refused, std::uint64_t spent_us) {
  const conf::RetryPolicy& retry = policy.retry;
  if (!retry.on_connect || retry.attempts == 0) return false;
  if (refused)
    return tried.refusals <= Tried::refusals_most && std::chrono::microseconds(spent_us) < policy.connect_timeout;
  return tried.attempts() <= retry.attempts;
}

}  // namespace gatehouse::pool
