#include "conf/catalog/entry_routes.h"

#include <algorithm>
#include <map>

#include "conf/catalog/entry_pools.h"
#include "conf/claims.h"

namespace gatehouse::catalog {
namespace {

using conf::Route;
using conf::RouteMatch;
using conf::Service;
using conf::Severity;

constexpr std::size_t routes_most = 1024;

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
  for (const conf::HeaderMatch& header : b.headers)
    if (std::ranges::find(out.headers, header) == out.headers.end()) out.headers.push_back(header);
  return out;
}

// Sends what a service's routes match where its router says.
class Routing {
 public:
  using Found = std::pair<RouteMatch, const RouterRoute*>;  // null: as the service's own route says

  explicit Routing(const Router& router) : router_(router) {}

  // What the routes of the service become, in no order: each match once, its router's route or none.
  std::vector<std::pair<Route, const RouterRoute*>> run(const Service& service) {
    std::vector<const Route*> own;
    for (const Route& route : service.routes) own.push_back(&route);
    // What two of them hold is the narrower one's.
    std::ranges::stable_sort(own, std::greater(), [](const Route* route) { return route->match.path.size(); });
    std::vector<std::pair<Route, const RouterRoute*>> out;
    for (const Route* route : own) {
      const bool stands = route->policy.redirect || !route->refused.empty();
      for (const auto& [match, to] : stands ? std::vector<Found>() : within(*route)) {
        if (!taken_.insert(conf::claim_key(match)).second) continue;
        out.emplace_back(*route, to);
        out.back().first.match = match;
      }
      if (taken_.insert(conf::claim_key(route->match)).second) out.emplace_back(*route, nullptr);
    }
    return out;
  }

  bool overflows() const { return overflows_; }

 private:
  // The router's routes within one of the service's: after each one comes what it and one before it both match, which
  // is the earlier one's.
  std::vector<Found> within(const Route& route) {
    std::vector<Found> found;
    std::set<std::string> known;
    const auto add = [&](const std::optional<RouteMatch>& match, const RouterRoute* to) {
      if (found.size() + taken_.size() >= routes_most) overflows_ = true;
      if (match && !overflows_ && known.insert(conf::claim_key(*match)).second) found.emplace_back(*match, to);
    };
    for (const RouterRoute& each : router_.routes) {
      const std::optional<RouteMatch> match = both(route.match, each.match);
      if (!match) continue;
      const std::size_t before = found.size();
      for (std::size_t i = 0; i < before; ++i) {
        const Found earlier = found[i];
        add(both(earlier.first, *match), earlier.second);
      }
      add(match, &each);
    }
    return found;
  }

  const Router& router_;
  std::set<std::string> taken_;
  bool overflows_ = false;
};

class Application {
 public:
  Application(std::vector<Service>& services, const ConfigEntries& entries)
      : services_(services), before_(services), entries_(entries), pools_(before_, entries) {}

  EntryOutcome run() {
    for (Service& service : services_) fill(service);
    for (std::size_t i = 0; i < before_.size(); ++i) route(i);
    std::ranges::move(subsets_, std::back_inserter(services_));
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
    const auto router = entries_.routers.find(services_[index].name);
    if (router == entries_.routers.end() || services_[index].routes.empty()) return;
    Routing routing(router->second);
    auto routes = routing.run(services_[index]);
    services_[index].routes.clear();
    for (auto& [each, to] : routes) {
      if (to == nullptr) {
        services_[index].routes.push_back(std::move(each));
        continue;
      }
      each.at = {router->second.at};
      each.spelling = "consul";
      apply(each, *to);
      Service* target = target_of(index, to->to, each.refused);
      (target != nullptr ? *target : services_[index]).routes.push_back(std::move(each));
    }
    if (routing.overflows())
      tell(router->second.at, services_[index].name,
           "leads to more than " + std::to_string(routes_most) + " routes: the rest is left out", Severity::error);
  }

  // What gatehouse.yaml or tags say of the route stands.
  static void apply(Route& route, const RouterRoute& said) {
    const conf::RoutePolicy usual;
    conf::RoutePolicy& policy = route.policy;
    if (said.request_timeout && policy.total_timeout == usual.total_timeout)
      policy.total_timeout = *said.request_timeout;
    if (said.idle_timeout && policy.idle_timeout == usual.idle_timeout) policy.idle_timeout = *said.idle_timeout;
    if (said.retry && policy.retry == usual.retry) policy.retry = *said.retry;
    if (!said.prefix_rewrite) return;
    policy.strip = said.match.path == "/" ? "" : said.match.path;
    policy.prepend = *said.prefix_rewrite;
  }

  // Null: there is no such thing, and why.
  Service* target_of(std::size_t index, const Destination& to, std::string& refused) {
    const std::string name = to.service.empty() ? services_[index].name : to.service;
    const auto found = std::ranges::find(services_, name, &Service::name);
    if (!to.refused.empty())
      refused = to.refused;
    else if (found == services_.end())
      refused = "service-router " + services_[index].name + ": the catalog has no service " + name;
    else if (!to.subset.empty() && pools_.find(subset_name(name, to.subset)) != nullptr)
      refused = "service-router " + services_[index].name + ": a service has the subset's name, " +
                subset_name(name, to.subset);
    if (!refused.empty()) {
      tell(entries_.routers.at(services_[index].name).at, services_[index].name, refused, Severity::error);
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
    take(made, pools_.of_subset(service, subset), at);
    return subsets_.emplace_back(std::move(made));
  }

  static std::string subset_name(const std::string& service, const std::string& subset) {
    return subset + "." + service;
  }

  std::vector<Service>& services_;
  const std::vector<Service> before_;
  const ConfigEntries& entries_;
  EntryPools pools_;
  std::vector<Service> subsets_;
  std::map<std::string, std::string> refused_;  // services that nothing is left of, and why
  EntryOutcome out_;
};

}  // namespace

EntryOutcome apply_entries(std::vector<Service>& services, const ConfigEntries& entries) {
  if (entries.empty()) return {};
  return Application(services, entries).run();
}

}  // namespace gatehouse::catalog
