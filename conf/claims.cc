#include "conf/claims.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace gatehouse::conf {
namespace {

struct Right {
  int said_by = 1;        // gatehouse.yaml 0, tags 1, Consul's config entries 2
  bool departed = false;  // its service has nobody left
  bool newcomer = true;
  std::string_view service;  // whose it is; by name
  const Route* route = nullptr;
};

bool stronger(const Right& a, const Right& b) {
  return std::tie(a.said_by, a.departed, a.newcomer, a.service) <
         std::tie(b.said_by, b.departed, b.newcomer, b.service);
}

// A holder is waited for: who is deployed anew is gone for a moment.
bool has_departed(const Service& service, bool holds) {
  return !service.instances.empty() &&
         std::all_of(service.instances.begin(), service.instances.end(),
                     [&](const Instance& i) { return i.departed && !(holds && i.awaited); });
}

int said_by(const Route& route) { return route.spelling == "yaml" ? 0 : route.spelling == "consul" ? 2 : 1; }

std::string_view holder_of(const Route& route, const Service& service) {
  const std::string_view router = router_of(route);
  return router.empty() ? service.name : router;
}

// Whether there is a request that meets the conditions of both.
bool meet(const RouteMatch& a, const RouteMatch& b) {
  const bool methods =
      a.methods.empty() || b.methods.empty() || std::ranges::any_of(a.methods, [&](const std::string& each) {
        return std::ranges::find(b.methods, each) != b.methods.end();
      });
  return methods && std::ranges::none_of(a.headers, [&](const HeaderMatch& each) {
           return std::ranges::any_of(b.headers, [&](const HeaderMatch& other) { return exclude(each, other); });
         });
}

bool is_within(const std::string& path, const std::string& prefix) {
  if (prefix == "/") return true;
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// Whether a route takes, by its port or its conditions, requests which another one of that host asks for. A longer
// path alone takes none: that is how services share a host.
bool takes_part(const RouteMatch& match, const RouteMatch& of) {
  if (of.port != 0 && match.port != of.port) return false;
  const bool by_port = match.port != of.port;  // those of a port come before the longest path
  if (by_port && is_within(of.path, match.path)) return meet(match, of);
  const bool first = match.conditions() >= std::max<std::size_t>(1, of.conditions());
  return match.path == of.path && first && match != of && meet(match, of);
}

// What gatehouse.yaml routes, by host: tags may have other paths of it, and no other part.
class Reserved {
 public:
  explicit Reserved(const std::vector<Service>& services) {
    for (const Service& service : services)
      for (const Route& route : service.routes)
        if (said_by(route) == 0) by_host_[route.match.host].push_back({holder_of(route, service), &route});
  }

  struct Entry {
    std::string_view whose;
    const Route* route = nullptr;
  };
  // Of whose route it takes a part; null: of none.
  const Entry* holder(const Route& route, std::string_view whose) const {
    if (said_by(route) == 0) return nullptr;
    const auto found = by_host_.find(route.match.host);
    if (found == by_host_.end()) return nullptr;
    const auto taken = std::ranges::find_if(found->second, [&](const Entry& each) {
      return each.whose != whose && takes_part(route.match, each.route->match);
    });
    return taken == found->second.end() ? nullptr : &*taken;
  }

 private:
  std::unordered_map<std::string_view, std::vector<Entry>> by_host_;
};

std::string where(const Route& route) {
  if (route.at.file.empty()) return "";
  return " (" + route.at.file + (route.at.line != 0 ? ":" + std::to_string(route.at.line) : "") + ")";
}

}  // namespace

std::string claim_key(const RouteMatch& match) {
  std::string key = match.host + ":" + std::to_string(match.port) + match.path;
  if (match.exact_path) key += "\x1fp";
  for (const std::string& method : match.methods) key += "\x1fm" + method;
  for (const HeaderMatch& header : match.headers) {
    key += "\x1f" + std::string(1, "hqp"[static_cast<std::size_t>(header.of)]) + header.name;
    if (header.inverted) key += "!";
    key += header.pattern.is_said() ? "~" + header.pattern.text() : ":" + header.value;
  }
  return key;
}

std::string_view router_of(const Route& route) { return route.derived ? route.derived->router : std::string_view(); }

std::string spelling_text(const Route& route) {
  return route.derived ? route.spelling + ", by the router of " + route.derived->router : route.spelling;
}

// A parameter may be there twice.
bool exclude(const HeaderMatch& a, const HeaderMatch& b) {
  const bool field = a.of == HeaderMatch::Of::field && b.of == HeaderMatch::Of::field;
  if (!field || a.name != b.name) return false;
  const bool a_absent = a.inverted && a.asks_presence(), b_absent = b.inverted && b.asks_presence();
  if (a_absent || b_absent) return a_absent != b_absent;  // all else asks that it is there
  if (a.inverted != b.inverted) return a.value == b.value && a.pattern == b.pattern;
  return !a.inverted && a.value != b.value && !a.value.empty() && !b.value.empty();
}

Findings settle_claims(std::vector<Service>& services, const RoutingTable* previous) {
  std::unordered_map<std::string, std::string_view> holders;
  if (previous != nullptr)
    for (const auto& service : previous->services)
      for (const Route& route : service->routes) holders.emplace(claim_key(route.match), holder_of(route, *service));

  std::sort(services.begin(), services.end(), [](const Service& a, const Service& b) { return a.name < b.name; });
  const Reserved reserved(services);
  std::unordered_map<std::string, Right> winners;
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const Route& route : services[i].routes) {
      if (reserved.holder(route, holder_of(route, services[i])) != nullptr) continue;
      std::string key = claim_key(route.match);
      const auto holder = holders.find(key);
      const std::string_view whose = holder_of(route, services[i]);
      const bool holds = holder != holders.end() && holder->second == whose;
      const Right right{.said_by = said_by(route),
                        .departed = has_departed(services[i], holds),
                        .newcomer = !holds,
                        .service = whose,
                        .route = &route};
      const auto [known, fresh] = winners.try_emplace(std::move(key), right);
      if (!fresh && stronger(right, known->second)) known->second = right;
    }
  }

  Findings findings;
  std::vector<std::vector<Route>> kept(services.size());  // the winners' routes must outlive the comparison
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const Route& route : services[i].routes) {
      if (const Reserved::Entry* of = reserved.holder(route, holder_of(route, services[i])); of != nullptr) {
        findings.push_back({route.at, services[i].name + ": route",
                            route.match.text() + " takes a part of " + of->route->match.text() + ", which is " +
                                std::string(of->whose) + "'s" + where(*of->route) +
                                ": conflict, left out; of what gatehouse.yaml routes, tags may have other paths"});
        continue;
      }
      const Right& winner = winners.find(claim_key(route.match))->second;
      if (winner.route == &route) {
        kept[i].push_back(route);
        continue;
      }
      findings.push_back({route.at, services[i].name + ": route",
                          route.match.text() + " is " + std::string(winner.service) + "'s" + where(*winner.route) +
                              ": conflict, left out"});
    }
  }
  for (std::size_t i = 0; i < services.size(); ++i) services[i].routes = std::move(kept[i]);
  return findings;
}

}  // namespace gatehouse::conf
