#include "proxy/pool/endpoint.h"

#include <array>

namespace gatehouse::pool {
namespace {

bool begin(std::atomic<std::uint32_t>& counter, std::uint32_t limit) {
  if (limit == 0) {
    counter.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  auto seen = counter.load(std::memory_order_relaxed);
  do {
    if (seen >= limit) return false;
  } while (!counter.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed));
  return true;
}

}  // namespace

Health worse(Health a, Health b) {
  constexpr std::array<int, 4> badness = {2, 0, 1, 3};  // unknown, up, warning, down
  return badness[static_cast<std::size_t>(a)] >= badness[static_cast<std::size_t>(b)] ? a : b;
}

std::string_view name_of(Health health) {
  constexpr std::array<std::string_view, 4> names = {"unknown", "up", "warning", "down"};
  return names[static_cast<std::size_t>(health)];
}

std::string_view name_of(Failure failure) {
  constexpr std::array<std::string_view, 9> names = {"none",    "refused",  "connect timeout", "tls", "closed",
                                                     "timeout", "protocol", "status",          "slow"};
  return names[static_cast<std::size_t>(failure)];
}

bool begin_request(const Endpoint& endpoint) { return begin(endpoint.live->requests, endpoint.max_requests); }

void end_request(const Endpoint& endpoint) { endpoint.live->requests.fetch_sub(1, std::memory_order_relaxed); }

bool begin_connection(const Endpoint& endpoint) {
  return begin(endpoint.live->connections, endpoint.max_connections);
}

void end_connection(EndpointState& state) { state.connections.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace gatehouse::pool
