#include "proxy/world.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace gatehouse::proxy {
namespace {

using conf::Severity;

constexpr const char* zone_meta = "zone";

// The address an instance is reached at now: its own, or one its name resolves to. The one used before is kept as
// long as the name still has it, so that an answer in another order moves nobody.
std::optional<SocketAddress> address_of(const conf::Instance& instance, const Addresses* addresses,
                                        const ServicePool* before) {
  if (const auto ip = IpAddress::parse(instance.address)) return SocketAddress{*ip, instance.port};
  if (!addresses) return std::nullopt;
  const auto found = addresses->find(instance.address);
  if (found == addresses->end() || found->second.empty()) return std::nullopt;
  IpAddress ip = found->second.front();
  if (before) {
    before->each_endpoint([&](const pool::Endpoint& endpoint) {
      const bool same = endpoint.instance->node == instance.node && endpoint.instance->id == instance.id &&
                        endpoint.instance->address == instance.address;
      if (same && std::ranges::find(found->second, endpoint.address.ip) != found->second.end())
        ip = endpoint.address.ip;
    });
  }
  return SocketAddress{ip, instance.port};
}

// Over HTTP/1.1 a request has a connection for itself: more requests than connections can't be carried.
unsigned requests_limit(const conf::Service& service, const conf::Instance& instance) {
  if (conf::over_http2(service.protocol) || instance.max_connections == 0) return instance.max_requests;
  return instance.max_requests == 0 ? instance.max_connections
                                    : std::min(instance.max_requests, instance.max_connections);
}

pool::Health told_by(conf::CatalogHealth health) {
  switch (health) {
    case conf::CatalogHealth::passing: return pool::Health::up;
    case conf::CatalogHealth::warning: return pool::Health::warning;
    case conf::CatalogHealth::critical: break;
  }
  return pool::Health::down;
}

bool is_far(const conf::Service& service, const conf::Instance& instance, const std::string& zone) {
  if (service.zone == conf::Zone::ignore) return false;
  const auto its = instance.meta.find(zone_meta);
  return zone.empty() || its == instance.meta.end() || its->second != zone;
}

pool::Endpoint make_endpoint(const conf::Service& service, const conf::Instance& instance,
                             const SocketAddress& address, pool::EndpointRegistry& registry, const std::string& zone,
                             std::int64_t now_ms) {
  const auto identity = pool::EndpointIdentity::of(service, instance, address);
  pool::Endpoint endpoint;
  const auto checks = pool::checks_of(service, instance);
  endpoint.state = registry.acquire(identity, pool::first_health(checks), now_ms);
  endpoint.checked = !checks.empty();
  endpoint.live = endpoint.state.get();
  endpoint.weight = instance.weight_passing;
  endpoint.weight_warning = instance.weight_warning;
  endpoint.max_requests = requests_limit(service, instance);
  endpoint.max_connections = instance.max_connections;
  endpoint.backup = instance.backup;
  endpoint.maintenance = instance.maintenance;
  endpoint.held = !instance.held.empty();
  endpoint.told = told_by(instance.catalog_health);
  endpoint.node_lost = instance.node_lost;
  for (const auto* check : checks)  // the catalog's word as well
    if (check->kind == conf::HealthCheck::Kind::ttl) endpoint.told = worse(endpoint.told, pool::initially(*check));
  endpoint.through = service.leads_through(instance);
  endpoint.far = is_far(service, instance, zone);
  if (endpoint.far && service.zone == conf::Zone::only) endpoint.weight = endpoint.weight_warning = 0;
  endpoint.address = address;
  endpoint.key = identity.key();
  endpoint.name = instance.node + "/" + instance.id;
  endpoint.instance = &instance;
  return endpoint;
}

// Whether what the catalog says lets it have requests.
bool is_let(const pool::Endpoint& endpoint) { return pool::serves(endpoint.told) && !endpoint.maintenance; }

// Those it let not before begin as if they were new: they warm up, and what was held against them is past.
void begin_anew(const ServicePool& before, const std::vector<pool::Endpoint>& endpoints, std::int64_t now_ms) {
  std::set<const pool::EndpointState*> let;
  before.each_endpoint([&](const pool::Endpoint& endpoint) {
    if (is_let(endpoint)) let.insert(endpoint.live);
  });
  for (const auto& endpoint : endpoints) {
    if (!is_let(endpoint) || let.contains(endpoint.live)) continue;
    endpoint.live->healthy_since_ms.store(now_ms, std::memory_order_relaxed);
    endpoint.live->ejected_until_ms.store(0, std::memory_order_relaxed);
    endpoint.live->consecutive_refusals.store(0, std::memory_order_relaxed);
  }
}

constexpr std::string_view this_machine = "localhost";

bool has_name_of_its_own(const conf::HealthCheck& check, const conf::Instance& instance) {
  return !check.host.empty() && check.host != this_machine && check.host != instance.address &&
         !IpAddress::parse(check.host);
}

bool same_routes(const conf::RoutingTable& a, const conf::RoutingTable& b) {
  return a.hosts == b.hosts && std::ranges::equal(a.services, b.services, [](const auto& x, const auto& y) {
           return x == y || (x->name == y->name && x->routes == y->routes);
         });
}

}  // namespace

class WorldBuilder {
 public:
  WorldBuilder(const World* previous, pool::EndpointRegistry& registry, const WorldInputs& inputs)
      : previous_(previous), registry_(registry), inputs_(inputs) {}

  WorldPtr build(std::shared_ptr<const conf::RoutingTable> table) {
    auto world = std::make_shared<World>();
    world_ = world.get();
    world_->generation_ = previous_ ? previous_->generation_ + 1 : 1;
    world_->table_ = std::move(table);
    world_->zone_ = inputs_.zone;
    world_->sticky_keys_.assign(inputs_.sticky_keys.begin(), inputs_.sticky_keys.end());
    world_->findings_ = world_->table_->findings;
    if (inputs_.settings) world_->settings_ = inputs_.settings;
    if (inputs_.certificates) world_->certificates_ = inputs_.certificates;
    if (inputs_.challenges) world_->challenges_ = inputs_.challenges;
    registry_.forget_dead();
    for (const auto& service : world_->table_->services) world_->pools_.push_back(make_pool(service));
    make_matcher();
    world_->tcp_ = TcpTable(world_->table_->services);
    return world;
  }

 private:
  void make_matcher() {
    if (previous_ && same_routes(*previous_->table_, *world_->table_)) {
      world_->matcher_ = previous_->matcher_;
      world_->matcher_findings_ = previous_->matcher_findings_;
    } else {
      auto& findings = world_->matcher_findings_;
      world_->matcher_ = std::make_shared<route::Matcher>(world_->table_->services, world_->table_->hosts, findings);
    }
    world_->findings_.insert(world_->findings_.end(), world_->matcher_findings_.begin(),
                             world_->matcher_findings_.end());
  }

  PoolPtr make_pool(const std::shared_ptr<const conf::Service>& service) {
    if (service->zone != conf::Zone::ignore && inputs_.zone.empty())
      complain({}, service->name + ": zone",
               service->zone == conf::Zone::only ? "node.zone is not set: nothing is in this door's zone"
                                                 : "node.zone is not set: no zone is preferred");
    const PoolPtr before = previous_ ? previous_->share(service->name) : nullptr;
    const auto tls = inputs_.tls_policy ? inputs_.tls_policy(*service) : nullptr;
    const auto dialer = inputs_.dialer ? inputs_.dialer(*service) : nullptr;
    const bool same = before && same_workers(*before) && before->tls == tls && before->dialer == dialer &&
                      same_cookies(*service) && same_zone(*service);
    if (same && before->service == service && std::ranges::all_of(service->instances, has_address))
      return before;  // nothing can have moved

    const std::int64_t now_ms = pool::ms_of(inputs_.now);
    std::vector<pool::Endpoint> endpoints, standby;
    for (const auto& instance : service->instances) {
      const bool through = service->leads_through(instance);
      auto address = address_of(instance, inputs_.addresses, before.get());
      if (through && !address) address = SocketAddress{IpAddress(), instance.port};  // a name of there, not of here
      const std::string why = through ? std::string() : why_left_out(instance, address);
      const bool serves = service->datacenter.empty() || instance.datacenter == service->datacenter;
      if (why.empty())
        (serves ? endpoints : standby)
            .push_back(make_endpoint(*service, instance, *address, registry_, inputs_.zone, now_ms));
      else
        complain(instance.at, service->name + ": " + instance.node + "/" + instance.id, "left out: " + why);
    }
    if (same && *before->service == *service && same_places(*before, endpoints, standby)) return before;
    for (const auto* each : {&endpoints, &standby})
      if (before) begin_anew(*before, *each, now_ms);
    auto made = std::make_shared<ServicePool>();
    made->service = service;
    made->standby = std::move(standby);
    made->endpoints = pool::EndpointSet(endpoints, *service, before ? &before->endpoints : nullptr);
    made->sticky =
        pool::Sticky(service->name, service->sticky_cookie, made->endpoints.endpoints(), world_->sticky_keys_);
    made->tls = tls;
    made->dialer = dialer;
    made->stats =
        before && same_workers(*before) ? before->stats : std::make_shared<pool::ServiceStats>(inputs_.workers);
    return made;
  }

  // Empty: it can be used.
  std::string why_left_out(const conf::Instance& instance, const std::optional<SocketAddress>& address) const {
    if (!address) return "no address is known of \"" + instance.address + "\"";
    if (has_address(instance) || !inputs_.own_address) return {};
    const std::string own = inputs_.own_address(*address);
    return own.empty() ? own : instance.address + " is " + own + " of this door itself";
  }

  static bool has_address(const conf::Instance& instance) { return IpAddress::parse(instance.address).has_value(); }

  bool same_workers(const ServicePool& before) const {
    return before.stats->shards().size() == std::max(1u, inputs_.workers);
  }

  bool same_cookies(const conf::Service& service) const {
    return service.sticky_cookie.empty() || previous_->sticky_keys_ == world_->sticky_keys_;
  }

  bool same_zone(const conf::Service& service) const {
    return service.zone == conf::Zone::ignore || previous_->zone_ == world_->zone_;
  }

  // Of an equal service: who stands by is the same then.
  static bool same_places(const ServicePool& before, const std::vector<pool::Endpoint>& endpoints,
                          const std::vector<pool::Endpoint>& standby) {
    std::set<const pool::EndpointState*> states;
    before.each_endpoint([&](const auto& endpoint) { states.insert(endpoint.live); });
    const auto known = [&](const auto& endpoint) { return states.contains(endpoint.live); };
    return states.size() == endpoints.size() + standby.size() && std::ranges::all_of(endpoints, known) &&
           std::ranges::all_of(standby, known);
  }

  void complain(const conf::Position& at, std::string path, std::string what) {
    world_->findings_.push_back({at, std::move(path), std::move(what), Severity::warning});
  }

  const World* previous_;
  pool::EndpointRegistry& registry_;
  const WorldInputs& inputs_;
  World* world_ = nullptr;
};

World::World()
    : settings_(std::make_shared<Settings>()),
      certificates_(std::make_shared<CertificateSet>()),
      challenges_(std::make_shared<ChallengeBoard>()) {}

const ServicePool* World::find(std::string_view service) const {
  const PoolPtr* found = place_of(service);
  return found != nullptr ? found->get() : nullptr;
}

PoolPtr World::share(std::string_view service) const {
  const PoolPtr* found = place_of(service);
  return found != nullptr ? *found : nullptr;
}

const PoolPtr* World::place_of(std::string_view service) const {
  const auto name_of = [](const PoolPtr& pool) -> std::string_view { return pool->service->name; };
  const auto found = std::ranges::lower_bound(pools_, service, {}, name_of);
  return found != pools_.end() && name_of(*found) == service ? &*found : nullptr;
}

WorldPtr build_world(std::shared_ptr<const conf::RoutingTable> table, const World* previous,
                     pool::EndpointRegistry& registry, const WorldInputs& inputs) {
  return WorldBuilder(previous, registry, inputs).build(std::move(table));
}

std::optional<IpAddress> check_address(const conf::HealthCheck& check, const pool::Endpoint& endpoint,
                                       const Addresses& addresses) {
  if (const auto ip = IpAddress::parse(check.host)) return ip;
  if (check.host == this_machine) return IpAddress::v4(127, 0, 0, 1);
  if (!has_name_of_its_own(check, *endpoint.instance)) return endpoint.address.ip;
  const auto found = addresses.find(check.host);
  if (found == addresses.end() || found->second.empty()) return std::nullopt;
  return found->second.front();
}

namespace {

bool stands_by(const ServicePool& pool, const pool::Endpoint& endpoint) {
  return std::ranges::any_of(pool.standby, [&](const pool::Endpoint& each) { return &each == &endpoint; });
}

void withdraw(const ServicePool& pool, const pool::Endpoint& endpoint, pool::Health before, pool::Health after,
              std::vector<std::uint32_t>& ids) {
  if (after == pool::Health::down && before != after && pool.service->on_unhealthy == conf::OnUnhealthy::close)
    ids.push_back(endpoint.live->id);
  const bool returned = pool::serves(after) && !pool::serves(before) && !endpoint.backup && !endpoint.maintenance;
  if (returned && pool.service->on_return == conf::OnReturn::close && !stands_by(pool, endpoint))
    for (const auto& each : pool.endpoints.endpoints())
      if (each.backup) ids.push_back(each.live->id);
}

}  // namespace

std::vector<std::uint32_t> withdrawn_by(const ServicePool& pool, std::uint32_t endpoint, pool::Health before,
                                        pool::Health after) {
  std::vector<std::uint32_t> ids;
  const pool::Endpoint* changed = nullptr;
  pool.each_endpoint([&](const pool::Endpoint& each) {
    if (each.live->id == endpoint) changed = &each;
  });
  if (changed != nullptr) withdraw(pool, *changed, worse(before, changed->told), worse(after, changed->told), ids);
  return ids;
}

std::vector<std::uint32_t> withdrawn_by(const World& before, const World& after) {
  std::vector<std::uint32_t> ids;
  for (const PoolPtr& pool : after.pools()) {
    const PoolPtr old = before.share(pool->service->name);
    if (!old || old == pool) continue;
    std::map<const pool::EndpointState*, pool::Health> known;
    old->each_endpoint([&](const pool::Endpoint& each) {
      known[each.live] = each.maintenance ? pool::Health::unknown : pool::health_of(each);
    });
    pool->each_endpoint([&](const pool::Endpoint& each) {
      const auto was = known.find(each.live);
      withdraw(*pool, each, was == known.end() ? pool::Health::unknown : was->second, pool::health_of(each), ids);
    });
  }
  return ids;
}

std::vector<std::string> names_to_resolve(const conf::RoutingTable& table) {
  std::set<std::string> names;
  for (const auto& service : table.services) {
    for (const auto& instance : service->instances) {
      if (!IpAddress::parse(instance.address)) names.insert(instance.address);
      for (const conf::HealthCheck* check : pool::checks_of(*service, instance))
        if (has_name_of_its_own(*check, instance)) names.insert(check->host);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace gatehouse::proxy
