// What became different between two worlds, in words.
#include <algorithm>
#include <map>

#include "proxy/world.h"

namespace gatehouse::proxy {
namespace {

using Lines = std::vector<std::string>;

// Calls removed(name, old), added(name, new) and kept(name, old, new) in the order of names.
template <class Map, class Removed, class Added, class Kept>
void compare(const Map& before, const Map& after, Removed removed, Added added, Kept kept) {
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) removed(name, value);
  }
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end()) {
      added(name, value);
    } else {
      kept(name, old->second, value);
    }
  }
}

std::string count_of(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

template <auto Field>
bool same(const conf::Service& a, const conf::Service& b) {
  return a.*Field == b.*Field;
}

std::map<std::string, const conf::TcpEntry*> tcp_of(const conf::Service& service) {
  std::map<std::string, const conf::TcpEntry*> entries;
  for (const auto& entry : service.tcp) entries[entry.text()] = &entry;
  return entries;
}

// A service's own keys, by the names operators give them.
struct Key {
  std::string_view name;
  bool (*same)(const conf::Service&, const conf::Service&);
};
constexpr Key service_keys[] = {
    {"protocol", same<&conf::Service::protocol>},
    {"balance", same<&conf::Service::balance>},
    {"hash_on", same<&conf::Service::hash_on>},
    {"sticky", same<&conf::Service::sticky_cookie>},
    {"health", same<&conf::Service::health>},
    {"health", same<&conf::Service::health_none>},
    {"single", same<&conf::Service::single>},
    {"eject", same<&conf::Service::eject>},
    {"zone", same<&conf::Service::zone>},
    {"failover", same<&conf::Service::failover>},
    {"through", same<&conf::Service::through>},
    {"the datacenter that serves it", same<&conf::Service::datacenter>},
    {"slow_start", same<&conf::Service::slow_start>},
    {"drain_time", same<&conf::Service::drain_time>},
    {"on_unhealthy", same<&conf::Service::on_unhealthy>},
    {"on_return", same<&conf::Service::on_return>},
    {"queue", same<&conf::Service::queue>},
    {"send_proxy", same<&conf::Service::send_proxy>},
    {"forwarded", same<&conf::Service::forwarded>},
    {"host", same<&conf::Service::host>},
    {"tls name", same<&conf::Service::tls_name>},
    {"tls authority", same<&conf::Service::tls_ca_file>},
    {"tls certificate", same<&conf::Service::tls_certificate_file>},
    {"tls key", same<&conf::Service::tls_key_file>},
    {"tls verification", same<&conf::Service::tls_verify>},
};

std::map<std::string, const pool::Endpoint*> endpoints_of(const ServicePool& pool) {
  std::map<std::string, const pool::Endpoint*> endpoints;
  pool.each_endpoint([&](const pool::Endpoint& endpoint) { endpoints[endpoint.name] = &endpoint; });
  return endpoints;
}

std::map<std::string, const conf::Route*> routes_of(const conf::Service& service) {
  std::map<std::string, const conf::Route*> routes;
  for (const auto& route : service.routes) routes[route.match.text()] = &route;
  return routes;
}

std::string health_words(const conf::Instance& instance) {
  using enum conf::CatalogHealth;
  const conf::CatalogHealth health = instance.catalog_health;
  const std::string& why = instance.catalog_reason.text;
  const std::string word = health == passing ? "passing" : health == warning ? "warning" : "critical";
  return "is " + word + " in the catalog" + (health == passing || why.empty() ? "" : " (" + why + ")");
}

void compare_endpoints(const ServicePool& before, const ServicePool& after, const std::string& service, Lines& out) {
  const auto line = [&](const std::string& name, const std::string& what) {
    out.push_back(service + "endpoint " + name + " " + what);
  };
  compare(
      endpoints_of(before), endpoints_of(after),
      [&](const auto& name, auto* old) { line(name, "removed (" + old->address.text() + ")"); },
      [&](const auto& name, auto* fresh) { line(name, "added (" + fresh->address.text() + ")"); },
      [&](const auto& name, auto* old, auto* fresh) {
        if (old->address != fresh->address) {
          line(name, "moved from " + old->address.text() + " to " + fresh->address.text());
        } else if (old->maintenance != fresh->maintenance) {
          line(name, fresh->maintenance ? "put into maintenance" : "back from maintenance");
        } else if (old->weight != fresh->weight) {
          line(name, "weight " + std::to_string(old->weight) + " became " + std::to_string(fresh->weight));
        } else if (old->instance->catalog_health != fresh->instance->catalog_health) {
          line(name, health_words(*fresh->instance));
        } else if (*old->instance != *fresh->instance) {
          line(name, "changed");
        }
      });
}

void compare_routes(const conf::Service& before, const conf::Service& after, const std::string& service, Lines& out) {
  const auto line = [&](const std::string& name, const std::string& what) {
    out.push_back(service + "route " + name + " " + what);
  };
  compare(
      routes_of(before), routes_of(after), [&](const auto& name, auto*) { line(name, "removed"); },
      [&](const auto& name, auto*) { line(name, "added"); },
      [&](const auto& name, auto* old, auto* fresh) {
        if (*old != *fresh) line(name, "changed");
      });
  const auto tcp_line = [&](const std::string& name, const std::string& what) {
    out.push_back(service + "tcp " + name + " " + what);
  };
  compare(
      tcp_of(before), tcp_of(after), [&](const auto& name, auto*) { tcp_line(name, "removed"); },
      [&](const auto& name, auto*) { tcp_line(name, "added"); },
      [&](const auto& name, auto* old, auto* fresh) {
        if (*old != *fresh) tcp_line(name, "changed");
      });
}

void compare_policies(const conf::Service& before, const conf::Service& after, const std::string& service,
                      Lines& out) {
  std::string changed;
  for (const auto& key : service_keys) {
    if (!key.same(before, after)) changed += (changed.empty() ? "" : ", ") + std::string(key.name);
  }
  if (!changed.empty()) out.push_back(service + changed + " changed");
}

}  // namespace

std::vector<std::string> changes(const World* before, const World& after) {
  Lines out;
  const auto pools_of = [](const World* world) {
    std::map<std::string, PoolPtr> pools;
    if (!world) return pools;
    for (const auto& pool : world->pools()) pools[pool->service->name] = pool;
    return pools;
  };
  const auto prefix = [](const std::string& name) { return "service " + name + ": "; };
  compare(
      pools_of(before), pools_of(&after), [&](const auto& name, auto&) { out.push_back(prefix(name) + "removed"); },
      [&](const auto& name, const auto& pool) {
        out.push_back(prefix(name) + "added, " + count_of(pool->endpoints.size(), "endpoint") + ", " +
                      count_of(pool->service->routes.size(), "route"));
        for (const auto& entry : pool->service->tcp) out.push_back(prefix(name) + "tcp " + entry.text() + " added");
      },
      [&](const auto& name, const auto& old, const auto& fresh) {
        if (old == fresh) return;
        compare_policies(*old->service, *fresh->service, prefix(name), out);
        compare_endpoints(*old, *fresh, prefix(name), out);
        compare_routes(*old->service, *fresh->service, prefix(name), out);
      });
  const std::map<std::string, conf::HostPolicy> no_hosts;
  compare(
      before ? before->table().hosts : no_hosts, after.table().hosts,
      [&](const auto& name, auto&) { out.push_back("host " + name + ": policy removed"); },
      [&](const auto& name, auto&) { out.push_back("host " + name + ": policy added"); },
      [&](const auto& name, const auto& old, const auto& fresh) {
        if (old != fresh) out.push_back("host " + name + ": policy changed");
      });
  return out;
}

}  // namespace gatehouse::proxy
