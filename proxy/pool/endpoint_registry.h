// endpoint_registry.h: finds an endpoint's state again by its identity, so that counters and health live on over
//   worlds, and hands out the small ids by which workers index their connection pools.
//   Threads  control only. States are freed on whatever thread drops them last; the registry notices then.
//   Limits   an entry per live state; ids are reused smallest first, so they stay as dense as the catalog.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conf/service.h"
#include "net/ip.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

// Same identity: same connections, same counters. `channel` is how we talk to it (protocol, TLS names and files,
// PROXY header, tunnel): connections made otherwise must not be reused.
struct EndpointIdentity {
  std::string datacenter, node, service_id;
  SocketAddress address;
  std::string channel;

  static EndpointIdentity of(const conf::Service&, const conf::Instance&, const SocketAddress&);
  std::uint64_t key() const;  // the same in every process and on every door
  auto operator<=>(const EndpointIdentity&) const = default;
};

class EndpointRegistry {
 public:
  // The living state of this identity, or a new one with `health` as it starts.
  std::shared_ptr<EndpointState> acquire(const EndpointIdentity&, Health health, std::int64_t now_ms);
  // Frees the ids of states that nobody holds any more. Once per world is enough.
  void forget_dead();

  std::size_t size() const { return states_.size(); }  // living ones, and dead ones not forgotten yet

 private:
  struct Entry {
    std::weak_ptr<EndpointState> state;
    std::uint32_t id = 0;
  };
  std::uint32_t take_id();

  std::map<EndpointIdentity, Entry> states_;
  std::vector<std::uint32_t> free_ids_;  // a heap, smallest first
  std::uint32_t next_id_ = 0;
};

// The checks we run on an instance: its own from the catalog and the service's `health`; none with `health=none`.
std::vector<const conf::HealthCheck*> checks_of(const conf::Service&, const conf::Instance&);
// How an endpoint with these checks starts: up without any, unknown until the first result otherwise, unless the
// catalog's definition says how its check begins.
Health first_health(const std::vector<const conf::HealthCheck*>&);
// What one check counts as before its first result: unknown, unless its definition says passing or warning. A ttl
// check is told, not run: critical is critical.
Health initially(const conf::HealthCheck&);

}  // namespace gatehouse::pool
