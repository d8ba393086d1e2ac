// world.h: everything a request needs to know, as one immutable value: routes, hosts, services with their endpoints.
//   Built on control from the routing table, published whole to the workers; a request sees one world. What did not
//   change is shared with the world before (pools, matcher); counters and health live in EndpointState and
//   ServiceStats, found again by identity and by name.
//   Threads  immutable; build_world on control. Limits: none of its own, conf bounds the catalog.
//   Failure  never: what can't be used is left out with a finding.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "net/certificate_set.h"
#include "net/challenge_board.h"
#include "net/clock.h"
#include "net/dialer.h"
#include "net/ip.h"
#include "proxy/pool/endpoint_registry.h"
#include "proxy/pool/endpoint_set.h"
#include "proxy/pool/service_stats.h"
#include "proxy/pool/sticky.h"
#include "proxy/route/matcher.h"
#include "proxy/settings.h"
#include "proxy/tcp_table.h"

namespace gatehouse {
struct TlsClientPolicy;
}

namespace gatehouse::proxy {

// One service with its endpoints. An exchange that no longer routes (a tunnel, a long answer) holds only this.
struct ServicePool {
  std::shared_ptr<const conf::Service> service;
  pool::EndpointSet endpoints;
  std::vector<pool::Endpoint> standby;  // of a datacenter that does not serve now: checked, and given nothing
  pool::Sticky sticky;
  std::shared_ptr<pool::ServiceStats> stats;
  std::shared_ptr<const TlsClientPolicy> tls;  // of https services; null: not usable, or not needed
  DialerPtr dialer;                            // to endpoints that are reached through a tunnel; null: there is none

  // Those that stand by, too.
  template <class Visit>
  void each_endpoint(Visit visit) const {
    for (const pool::Endpoint& endpoint : endpoints.endpoints()) visit(endpoint);
    for (const pool::Endpoint& endpoint : standby) visit(endpoint);
  }
};
using PoolPtr = std::shared_ptr<const ServicePool>;

// Names of instances to their addresses, as the resolver last knew them.
using Addresses = std::map<std::string, std::vector<IpAddress>, std::less<>>;

struct WorldInputs {
  const Addresses* addresses = nullptr;            // null: none resolved
  std::span<const pool::StickyKey> sticky_keys{};  // the first signs
  unsigned workers = 1;
  std::string zone;                                    // the door's own
  std::shared_ptr<const Settings> settings;            // null: the defaults
  std::shared_ptr<const CertificateSet> certificates;  // null: none
  ChallengeBoardPtr challenges;                        // null: none
  // How we speak TLS to a service's endpoints; must give the same pointer as long as that is the same. May be empty.
  std::function<std::shared_ptr<const TlsClientPolicy>(const conf::Service&)> tls_policy;
  // The way to a service's endpoints that are reached through a tunnel; the same pointer as long as it is the same. May
  // be empty.
  std::function<DialerPtr(const conf::Service&)> dialer;
  // What of this program listens at an address; empty: nothing. For names, which only now have one. May be empty.
  std::function<std::string(const SocketAddress&)> own_address;
  TimePoint now{};
};

class World {
 public:
  World();
  std::uint64_t generation() const { return generation_; }
  const route::Matcher& matcher() const { return *matcher_; }
  const TcpTable& tcp() const { return tcp_; }
  // In the order of the routing table: RouteTarget::service is an index into it.
  std::span<const PoolPtr> pools() const { return pools_; }
  const ServicePool& pool(const route::RouteTarget& target) const { return *pools_[target.service]; }
  const ServicePool* find(std::string_view service) const;
  PoolPtr share(std::string_view service) const;  // null: no such service
  const Settings& settings() const { return *settings_; }
  std::shared_ptr<const Settings> shared_settings() const { return settings_; }
  const CertificateSet& certificates() const { return *certificates_; }
  const ChallengeBoard& challenges() const { return *challenges_; }
  const conf::RoutingTable& table() const { return *table_; }
  const conf::Findings& findings() const { return findings_; }  // the table's and our own

 private:
  friend class WorldBuilder;
  const PoolPtr* place_of(std::string_view service) const;
  std::uint64_t generation_ = 0;
  std::shared_ptr<const conf::RoutingTable> table_;
  std::shared_ptr<const route::Matcher> matcher_;
  conf::Findings matcher_findings_;
  TcpTable tcp_;
  std::vector<PoolPtr> pools_;
  std::vector<pool::StickyKey> sticky_keys_;
  std::string zone_;
  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<const CertificateSet> certificates_;
  ChallengeBoardPtr challenges_;
  conf::Findings findings_;
};
using WorldPtr = std::shared_ptr<const World>;

WorldPtr build_world(std::shared_ptr<const conf::RoutingTable> table, const World* previous,
                     pool::EndpointRegistry& registry, const WorldInputs& inputs);

// The endpoints whose connections end when our checks change their word of this endpoint so: its own by on_unhealthy,
// the backups' by on_return.
std::vector<std::uint32_t> withdrawn_by(const ServicePool& pool, std::uint32_t endpoint, pool::Health before,
                                        pool::Health after);
// The same of all that the catalog changed its word of between two worlds.
std::vector<std::uint32_t> withdrawn_by(const World& before, const World& after);

// Where a check of an endpoint asks: the address in its URL, this machine (localhost), the endpoint's own, or what
// its name resolves to; none: that is not known.
std::optional<IpAddress> check_address(const conf::HealthCheck& check, const pool::Endpoint& endpoint,
                                       const Addresses& addresses);

// Names in the table that have to be resolved before their instances or checks can be used: sorted, each once.
std::vector<std::string> names_to_resolve(const conf::RoutingTable& table);

// What became different, a sentence each, for `history`: "service web: endpoint n1/web-2 added (10.0.0.2:80)".
std::vector<std::string> changes(const World* before, const World& after);

}  // namespace gatehouse::proxy
