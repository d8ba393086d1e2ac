#include "conf/catalog/entry_routes.h"

#include <algorithm>
#include <map>

#include "conf/catalog/entry_pools.h"
#include "conf/claims.h"
#include "conf/route_value.h"

namespace gatehouse::catalog {
namespace {

using conf::Route;
using conf::RouteMatch;
using conf::Service;
using conf::Severity;

constexpr std::size_t routes_most = 16'384;

bool is_within(const std::string& path, const std::string& prefix) {
  if (prefix == "/") return true;
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// What both match; nothing if no request does. Host and port are the first one's.
std::optional<RouteMatch> both(const RouteMatch& a, const RouteMatch& b) {
  const bool a_first = is_within(a.path, b.path), b_first = is_within(b.path, a.path);
  if (!a_first && !b_first) return std::nullopt;
  RouteMatch out = a;
  out.path = a_first ? a.path : b.path;
  out.exact_path = a.exact_path || b.exact_path;
  // An exact path is the one of who asks for it.
  if ((a.exact_path && out.path != a.path) || (b.exact_path && out.path != b.path)) return std::nullopt;
  if (out.methods.empty()) out.methods = b.methods;
  if (!a.methods.empty() && !b.methods.empty()) {
    std::erase_if(out.methods,
                  [&](const auto& each) { return std::ranges::find(b.methods, each) == b.methods.end(); });
    if (out.methods.empty()) return std::nullopt;
  }
  for (const conf::HeaderMatch& header : b.headers) {
    if (std::ranges::any_of(out.headers, [&](const auto& each) { return conf::exclude(each, header); }))
      return std::nullopt;
    if (std::ranges::find(out.headers, header) == out.headers.end()) out.headers.push_back(header);
  }
  conf::normalise_conditions(out);
  return out;
}

// Networks that both lists hold; an empty list holds all. Nothing: no network.
std::optional<std::vector<IpPrefix>> both(const std::vector<IpPrefix>& a, const std::vector<IpPrefix>& b) {
  if (a.empty() || b.empty()) return a.empty() ? b : a;
  const auto is_within_one = [](const IpPrefix& each, const std::vector<IpPrefix>& of) {
    return std::ranges::any_of(
        of, [&](const IpPrefix& wide) { return wide.length <= each.length && wide.contains(each.address); });
  };
  std::vector<IpPrefix> out;
  for (const IpPrefix& each : a)
    if (is_within_one(each, b)) out.push_back(each);
  for (const IpPrefix& each : b)
    if (is_within_one(each, a) && std::ranges::find(out, each) == out.end()) out.push_back(each);
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

// Sends what a service's routes match where its router says.
class Routing {
 public:
  struct Found {
    RouteMatch match;
    const RouterRoute* to = nullptr;  // null: as the service's own route says
    unsigned order = 0;               // the router's
    bool beyond = false;              // the limit
  };
  struct Routed {
    const Route* own = nullptr;
    Found found;
  };

  explicit Routing(const Router& router) : router_(router) {}

  // What the routes of the service become, in no order: each match once.
  std::vector<Routed> run(const Service& service) {
    std::vector<const Route*> own;
    for (const Route& route : service.routes) own.push_back(&route);
    // What two of them hold is the narrower one's.
    std::ranges::stable_sort(own, std::greater(), [](const Route* route) { return route->match.path.size(); });
    std::vector<Routed> out;
    std::set<std::string> taken;
    for (const Route* route : own) {
      const bool stands = route->policy.redirect || route->policy.files || !route->refused.empty();
      std::vector<Found> found = stands ? std::vector<Found>() : within(*route);
      found.push_back({route->match});
      for (Found& each : found)
        if (taken.insert(conf::claim_key(each.match)).second) out.push_back({route, std::move(each)});
    }
    return out;
  }

 private:
  // The router's routes within one of the service's, at each path that one of them has all that hold there: the
  // matcher looks for the longest path first, and at one path keeps the router's order.
  std::vector<Found> within(const Route& route) {
    std::vector<Found> all;
    std::set<std::string> paths, known;
    for (unsigned i = 0; i < router_.routes.size(); ++i) {
      std::optional<RouteMatch> match = both(route.match, router_.routes[i].match);
      if (!match) continue;
      paths.insert(match->path);
      all.push_back({std::move(*match), &router_.routes[i], i});
    }
    std::vector<Found> found;
    for (const std::string& path : paths) {
      for (const Found& each : all) {
        const bool holds = each.match.exact_path ? path == each.match.path : is_within(path, each.match.path);
        if (!holds) continue;
        if (count_ == routes_most) return {{route.match, nullptr, 0, true}};
        Found here = each;
        here.match.path = path;
        if (!known.insert(conf::claim_key(here.match)).second) continue;
        found.push_back(std::move(here));
        ++count_;
      }
    }
    return found;
  }

  const Router& router_;
  std::size_t count_ = 0;  // of what the router made, within all of the service's
};

class Application {
 public:
  Application(std::vector<Service>& services, const ConfigEntries& entries, const Standings& standings)
      : services_(services), before_(services), entries_(entries), standings_(standings), pools_(before_, entries) {}

  EntryOutcome run() {
    for (Service& service : services_) fill(service);
    for (Service& service : services_)
      if (entries_.routers.contains(service.name)) service.routes.clear();
    for (std::size_t i = 0; i < before_.size(); ++i) route(i);
    add_subsets();
    for (Service& service : services_) {
      const auto refused = refused_.find(service.name);
      if (refused == refused_.end()) continue;
      for (Route& each : service.routes) each.refused = refused->second;
      for (conf::TcpEntry& each : service.tcp) each.refused = refused->second;
    }
    return std::move(out_);
  }

 private:
  void tell(const conf::Position& at, const std::string& service, std::string what, Severity severity) {
    out_.findings.push_back({at, service, std::move(what), severity});
  }

  void take(Service& service, EntryPools::Pool pool, const conf::Position& at) {
    for (const conf::Instance& instance : pool.instances)
      if (instance.service != service.name) out_.used.insert(instance.service);
    service.instances = std::move(pool.instances);
    if (pool.refused.empty()) return;
    tell(at, service.name, pool.refused, Severity::error);
    if (service.instances.empty()) refused_[service.name] = std::move(pool.refused);
  }

  void fill(Service& service) {
    const auto splitter = entries_.splitters.find(service.name);
    const auto resolver = entries_.resolvers.find(service.name);
    const bool splits = splitter != entries_.splitters.end() && !service.single;
    if (splitter != entries_.splitters.end() && service.single)
      tell(splitter->second.at, service.name, "is single: a split is not carried", Severity::warning);
    if (!splits && resolver == entries_.resolvers.end()) return;
    take(service, pools_.of(service, splits), splits ? splitter->second.at : resolver->second.at);
  }

  void route(std::size_t index) {
    const Service& service = before_[index];
    const auto router = entries_.routers.find(service.name);
    if (router == entries_.routers.end() || service.routes.empty()) return;
    bool beyond = false;
    for (Routing::Routed& each : Routing(router->second).run(service)) {
      Route route = *each.own;
      if (each.found.to != nullptr) {
        route.match = std::move(each.found.match);
        route.at = {router->second.at};
        // Where it takes the place of the service's own, it is claimed by the same right.
        if (conf::claim_key(route.match) != conf::claim_key(each.own->match)) route.spelling = "consul";
        route.derived = {service.name, each.found.order, each.own->match.conditions()};
        apply(route, *each.found.to, said_of(service, *each.own));
      }
      beyond = beyond || each.found.beyond;
      if (each.found.beyond) route.refused = too_many(service);
      Service* target = &services_[index];
      if (each.found.to != nullptr && route.refused.empty()) target = target_of(index, each.found.to->to, route);
      (target != nullptr ? *target : services_[index]).routes.push_back(std::move(route));
    }
    if (beyond)
      tell(router->second.at, service.name, too_many(service) + ": those within which they would lie are refused",
           Severity::error);
  }

  static std::string too_many(const Service& service) {
    return "service-router " + service.name + ": leads to more than " + std::to_string(routes_most) + " routes";
  }

  // The keys that gatehouse.yaml or tags say of a route.
  const std::set<std::string_view>& said_of(const Service& service, const Route& own) const {
    static const std::set<std::string_view> nothing;
    const auto standing = standings_.find(service.name);
    if (standing == standings_.end()) return nothing;
    const auto said = standing->second.said.find(conf::claim_key(own.match));
    return said == standing->second.said.end() ? nothing : said->second;
  }

  // What gatehouse.yaml or tags say of the route stands.
  static void apply(Route& route, const RouterRoute& by, const std::set<std::string_view>& said) {
    conf::RoutePolicy& policy = route.policy;
    if (by.request_timeout && !said.contains("total_timeout")) policy.total_timeout = *by.request_timeout;
    if (by.idle_timeout && !said.contains("idle_timeout")) policy.idle_timeout = *by.idle_timeout;
    if (by.retry && !said.contains("retry")) policy.retry = *by.retry;
    if (!by.prefix_rewrite || !policy.strip.empty() || !policy.prepend.empty()) return;
    policy.strip = by.match.path == "/" ? "" : by.match.path;
    policy.prepend = *by.prefix_rewrite;
  }

  // What another service says of all its routes restricts those that are led to it, too.
  void restrict(Route& route, const std::string& target) const {
    const auto found = standings_.find(target);
    if (found == standings_.end()) return;
    const conf::Standing& standing = found->second;
    auto allow = both(route.policy.allow, standing.allow);
    if (allow)
      route.policy.allow = std::move(*allow);
    else
      route.refused = target + " and the route that leads to it allow no client in common";
    for (const std::string& limit : standing.rate_limits)
      if (auto& limits = route.policy.rate_limits; std::find(limits.begin(), limits.end(), limit) == limits.end())
        limits.push_back(limit);
    for (const IpPrefix& each : standing.deny)
      if (!is_denied(route, each)) route.policy.deny.push_back(each);
    if (!standing.refused.empty()) route.refused = target + ": " + standing.refused;
    if (!take_over(route.policy.auth.said, standing.auth)) route.refused = target + " has an auth of its own";
    if (!take_over(route.policy.methods, standing.methods)) route.refused = target + " has methods of its own";
  }

  // False: both say it, and not the same.
  template <class T>
  static bool take_over(T& own, const T& its) {
    if (its == T() || own == its) return true;
    if (own != T()) return false;
    own = its;
    return true;
  }

  static bool is_denied(const Route& route, const IpPrefix& network) {
    return std::ranges::find(route.policy.deny, network) != route.policy.deny.end();
  }

  // Null: it is refused, and why.
  Service* target_of(std::size_t index, const Destination& to, Route& route) {
    const std::string& from = services_[index].name;
    const std::string name = to.service.empty() ? from : to.service;
    const auto found = std::ranges::find(services_, name, &Service::name);
    if (!to.refused.empty())
      route.refused = to.refused;
    else if (found == services_.end())
      route.refused = "service-router " + from + ": the catalog has no service " + name;
    else if (name != from)
      restrict(route, name);
    if (!route.refused.empty()) {
      tell(entries_.routers.at(from).at, from, route.refused, Severity::error);
      return nullptr;
    }
    out_.used.insert(name);
    return to.subset.empty() ? &*found : &subset_of(*pools_.find(name), to.subset);
  }

  Service& subset_of(const Service& service, const std::string& subset) {
    const std::string name = subset_name(service.name, subset);
    if (const auto known = std::ranges::find(subsets_, name, &Service::name); known != subsets_.end()) return *known;
    Service made = service;
    made.name = name;
    made.routes.clear();
    made.tcp.clear();
    const auto resolver = entries_.resolvers.find(service.name);
    const conf::Position at = resolver == entries_.resolvers.end() ? conf::Position() : resolver->second.at;
    if (resolver != entries_.resolvers.end()) set_failover(made, resolver->second, subset);
    take(made, pools_.of_subset(service, subset), at);
    return subsets_.emplace_back(std::move(made));
  }

  // Where the service fails over as its resolver says, the subset does by the resolver's word on the subset.
  static void set_failover(Service& made, const Resolver& resolver, const std::string& subset) {
    const auto at_once = [&](const std::string& of) {
      auto rule = resolver.failover.find(of);
      if (rule == resolver.failover.end()) rule = resolver.failover.find("*");
      const bool away = rule != resolver.failover.end() && !rule->second.datacenters.empty() &&
                        rule->second.to.service.empty() && rule->second.to.refused.empty();
      return away ? conf::Failover{rule->second.datacenters.front(), Millis(0), Millis(0)} : conf::Failover();
    };
    if (made.failover == at_once(resolver.default_subset)) made.failover = at_once(subset);
  }

  // Who registers the name of one takes nothing from it.
  void add_subsets() {
    for (Service& subset : subsets_) {
      const auto same = std::ranges::find(services_, subset.name, &Service::name);
      if (same != services_.end()) {
        tell({}, subset.name, "is the name of a subset that config entries lead to: the service is left out",
             Severity::error);
        services_.erase(same);
      }
      services_.push_back(std::move(subset));
    }
  }

  std::vector<Service>& services_;
  const std::vector<Service> before_;
  const ConfigEntries& entries_;
  const Standings& standings_;
  EntryPools pools_;
  std::vector<Service> subsets_;
  std::map<std::string, std::string> refused_;  // services that nothing is left of, and why
  EntryOutcome out_;
};

}  // namespace

std::string subset_name(const std::string& service, const std::string& subset) { return subset + "@" + service; }

std::string service_of(const std::string& name) { return name.substr(name.find('@') + 1); }

EntryOutcome apply_entries(std::vector<Service>& services, const ConfigEntries& entries, const Standings& standings) {
  if (entries.empty()) return {};
  return Application(services, entries, standings).run();
}

}  // namespace gatehouse::catalog
