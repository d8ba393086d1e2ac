// pools.h: endpoint sets for tests, made of a line per endpoint.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/pool/endpoint_set.h"
#include "proxy/pool/hash.h"
#include "proxy/pool/pick.h"

namespace gatehouse::pool {

struct Spec {
  std::uint32_t weight = 1;
  std::uint32_t in_flight = 0;
  Health health = Health::up;
  std::uint32_t weight_warning = 1;
  bool backup = false;
  std::uint32_t max_requests = 0;
  bool maintenance = false;
  Health told = Health::up;
  bool held = false;
  bool far = false;
  bool node_lost = false;
};

inline Endpoint make_endpoint(const Spec& spec, std::uint32_t id) {
  Endpoint endpoint;
  endpoint.state = std::make_shared<EndpointState>(id);
  endpoint.live = endpoint.state.get();
  endpoint.live->health = spec.health;
  endpoint.live->requests = spec.in_flight;
  endpoint.weight = spec.weight;
  endpoint.weight_warning = spec.weight_warning;
  endpoint.backup = spec.backup;
  endpoint.max_requests = spec.max_requests;
  endpoint.maintenance = spec.maintenance;
  endpoint.told = spec.told;
  endpoint.held = spec.held;
  endpoint.far = spec.far;
  endpoint.node_lost = spec.node_lost;
  endpoint.name = "n" + std::to_string(id) + "/s";
  endpoint.key = hash_bytes(endpoint.name);
  return endpoint;
}

// Ids are the places in `specs`.
inline EndpointSet make_set(const std::vector<Spec>& specs, conf::Balance balance, Millis slow_start = Millis(0)) {
  conf::Service service;
  service.balance = balance;
  service.slow_start = slow_start;
  std::vector<Endpoint> endpoints;
  for (std::uint32_t i = 0; i < specs.size(); ++i) endpoints.push_back(make_endpoint(specs[i], i));
  return EndpointSet(endpoints, service);
}

inline constexpr std::int64_t now_ms = 1'000'000;

inline PickContext throw_of(std::uint64_t n) {
  PickContext context;
  context.dice = mix(n + 1);
  context.hash = hash_bytes("key " + std::to_string(n));
  context.now_ms = now_ms;
  return context;
}

// Id of the endpoint picked; -1 for none.
inline int picked(const Pick& pick) { return pick.endpoint ? static_cast<int>(pick.endpoint->live->id) : -1; }

// How often each endpoint is picked in `throws` independent picks; nothing is put in flight.
inline std::map<int, int> count_picks(const EndpointSet& set, int throws, std::uint32_t* cursor = nullptr) {
  std::map<int, int> counts;
  for (int n = 0; n < throws; ++n) {
    auto context = throw_of(static_cast<std::uint64_t>(n));
    context.cursor = cursor;
    ++counts[picked(pick(set, context))];
  }
  return counts;
}

}  // namespace gatehouse::pool
