// What became different between two worlds, in words.
#include <algorithm>
#include <map>

#include "conf/values.h"
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

// A service's own keys, by the names operators give them.
struct Key {
  std::string_view name;
  bool (*same)(const conf::Service&, const conf::Service&);
};
#define SAME(field) [](const conf::Service& a, const conf::Service& b) { return a.field == b.field; }
constexpr Key service_keys[] = {
    {"protocol", SAME(protocol)},
    {"balance", SAME(balance)},
    {"hash_on", SAME(hash_on)},
    {"sticky", SAME(sticky_cookie)},
    {"health", SAME(health)},
    {"health", SAME(health_none)},
    {"single", SAME(single)},
    {"eject", SAME(eject)},
    {"zone", SAME(zone)},
    {"failover", SAME(failover)},
    {"slow_start", SAME(slow_start)},
    {"drain_time", SAME(drain_time)},
    {"on_unhealthy", SAME(on_unhealthy)},
    {"on_return", SAME(on_return)},
    {"queue", SAME(queue)},
    {"send_proxy", SAME(send_proxy)},
    {"forwarded", SAME(forwarded)},
    {"host", SAME(host)},
    {"tls name", SAME(tls_name)},
    {"tls authority", SAME(tls_ca_file)},
    {"tls certificate", SAME(tls_certificate_file)},
    {"tls key", SAME(tls_key_file)},
    {"tls verification", SAME(tls_verify)},
};
#undef SAME

std::map<std::string, const pool::Endpoint*> endpoints_of(const ServicePool& pool) {
  std::map<std::string, const pool::Endpoint*> endpoints;
  for (const auto& endpoint : pool.endpoints.endpoints()) endpoints[endpoint.name] = &endpoint;
  return endpoints;
}

// A route's name in the diff: what it matches, conditions included.
std::map<std::string, const conf::Route*> routes_of(const conf::Service& service) {
  std::map<std::string, const conf::Route*> routes;
  for (const auto& route : service.routes) {
    std::string name = route.match.text();
    for (const auto& method : route.match.methods) name += " if.method=" + method;
    for (const auto& field : route.match.headers) name += " if.header=" + field.name + ":" + field.value;
    routes[name] = &route;
  }
  return routes;
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
        } else if (!same_but_for_place(*old->instance, *fresh->instance)) {
          line(name, "changed");
        }
      });
}

}  // namespace
}  // namespace gatehouse::proxy
