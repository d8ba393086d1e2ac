#include "conf/catalog/entry_pools.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "conf/catalog/entry_filter.h"

namespace gatehouse::catalog {
namespace {

constexpr unsigned depth_most = 16;
constexpr std::size_t groups_most = 256;
constexpr double whole = 10'000;  // what the weights of a split of all sum up to
constexpr unsigned weight_most = 65535;

std::string why_none(const std::string& service, const std::string& what) {
  return "service-resolver " + service + ": " + what;
}

bool counts(const conf::Instance& instance) {
  return !instance.maintenance && !instance.departed && !instance.backup &&
         instance.catalog_health != conf::CatalogHealth::critical;
}

unsigned weight_in_force(const conf::Instance& instance) {
  return instance.catalog_health == conf::CatalogHealth::warning ? instance.weight_warning : instance.weight_passing;
}

// The weights of those that count, by datacenter; of all where none does.
std::map<std::string, double> weights_of(const std::vector<conf::Instance>& instances) {
  std::map<std::string, double> counting, all;
  for (const conf::Instance& instance : instances) {
    all[instance.datacenter] += instance.weight_passing;
    if (counts(instance)) counting[instance.datacenter] += weight_in_force(instance);
  }
  counting.insert(all.begin(), all.end());
  return counting;
}

unsigned scaled(unsigned weight, double factor) {
  if (weight == 0) return 0;
  return static_cast<unsigned>(std::clamp(std::round(weight * factor), 1.0, double{weight_most}));
}

auto identity(const conf::Instance& instance) {
  return std::tie(instance.datacenter, instance.node, instance.id, instance.address, instance.port);
}

// One that several groups have is in the pool once, with all its shares; a share that it only stands by for is none.
void add(std::vector<conf::Instance>& to, std::vector<conf::Instance> more) {
  to.reserve(to.size() + more.size());  // the index views what is there
  std::map<decltype(identity(to.front())), std::size_t> index;
  for (std::size_t i = 0; i < to.size(); ++i) index.emplace(identity(to[i]), i);
  for (conf::Instance& instance : more) {
    const auto known = index.find(identity(instance));
    if (known == index.end()) {
      to.push_back(std::move(instance));
      index.emplace(identity(to.back()), to.size() - 1);
      continue;
    }
    conf::Instance& same = to[known->second];
    if (same.backup != instance.backup) {
      if (same.backup) same = std::move(instance);
      continue;
    }
    same.weight_passing = std::min(weight_most, same.weight_passing + instance.weight_passing);
    same.weight_warning = std::min(weight_most, same.weight_warning + instance.weight_warning);
  }
}

}  // namespace

EntryPools::EntryPools(const std::vector<conf::Service>& services, const ConfigEntries& entries) : entries_(entries) {
  for (const conf::Service& service : services) services_.emplace(service.name, &service);
}

const conf::Service* EntryPools::find(const std::string& service) const {
  const auto found = services_.find(service);
  return found == services_.end() ? nullptr : found->second;
}

EntryPools::Pool EntryPools::resolved(const std::string& name, std::string subset, unsigned depth,
                                      Backups backups) const {
  if (depth > depth_most) return {{}, why_none(name, "its entries lead on and on")};
  const conf::Service* service = find(name);
  const auto entry = entries_.resolvers.find(name);
  if (entry == entries_.resolvers.end()) {
    if (!subset.empty()) return {{}, why_none(name, "there is no subset " + subset)};
    return service == nullptr ? Pool{{}, "the catalog has no service " + name} : Pool{service->instances, ""};
  }
  const Resolver& resolver = entry->second;
  if (const auto& redirect = resolver.redirect) {
    if (!redirect->to.refused.empty()) return {{}, why_none(name, redirect->to.refused)};
    const std::string& to = redirect->to.service.empty() ? name : redirect->to.service;
    // A service that is redirected to itself, in another datacenter or to a subset, is not asked again.
    Pool pool = to != name           ? resolved(to, redirect->to.subset, depth + 1, backups)
                : service != nullptr ? Pool{service->instances, ""}
                                     : Pool{};
    if (redirect->datacenter.empty()) return pool;
    std::erase_if(pool.instances, [&](const auto& each) { return each.datacenter != redirect->datacenter; });
    if (pool.instances.empty() && pool.refused.empty())
      pool.refused = why_none(name, "there is no instance in " + redirect->datacenter + " to redirect to");
    return pool;
  }
  if (subset.empty()) subset = resolver.default_subset;
  Pool pool;
  if (service == nullptr)
    pool.refused = "the catalog has no service " + name;
  else
    pool.instances = service->instances;
  if (!subset.empty()) {
    const auto rule = resolver.subsets.find(subset);
    if (rule == resolver.subsets.end()) return {{}, why_none(name, "there is no subset " + subset)};
    if (const Result<bool> fine = is_in_subset(rule->second.filter, {}); !fine)
      return {{}, why_none(name, "Subsets." + subset + ".Filter: " + fine.error().what)};
    std::erase_if(pool.instances, [&](const auto& each) { return !*is_in_subset(rule->second.filter, each); });
    if (rule->second.only_passing)
      for (conf::Instance& instance : pool.instances) instance.weight_warning = 0;
  }
  if (backups == Backups::without) return pool;
  auto rule = resolver.failover.find(subset);
  if (rule == resolver.failover.end()) rule = resolver.failover.find("*");
  if (rule == resolver.failover.end() || !rule->second.datacenters.empty()) return pool;
  const Destination& to = rule->second.to;
  if (!to.refused.empty() || (to.service.empty() && to.subset.empty())) return pool;
  Pool other = resolved(to.service.empty() ? name : to.service, to.subset, depth + 1, Backups::without);
  for (conf::Instance& instance : other.instances) instance.backup = true;
  add(pool.instances, std::move(other.instances));
  return pool;
}

void EntryPools::split(const std::string& name, double share, unsigned depth, std::vector<Group>& out) const {
  if (out.size() >= groups_most) return;
  const auto splitter = entries_.splitters.find(name);
  if (splitter == entries_.splitters.end() || depth > depth_most)
    return out.push_back({share, resolved(name, "", depth)});
  for (const Split& each : splitter->second.splits) {
    if (each.share == 0) continue;
    const double part = share * each.share / 100;
    const std::string& to = each.to.service.empty() ? name : each.to.service;
    if (!each.to.refused.empty())
      out.push_back({part, {{}, "service-splitter " + name + ": " + each.to.refused}});
    else if (to != name && each.to.subset.empty())
      split(to, part, depth + 1, out);
    else
      out.push_back({part, resolved(to, each.to.subset, depth + 1)});
  }
}

// Others' instances are checked as their own service says, unless this one says how.
EntryPools::Pool EntryPools::adopted(const conf::Service& service, Pool pool) const {
  for (conf::Instance& instance : pool.instances) {
    if (instance.service == service.name) continue;
    const conf::Service* own = find(instance.service);
    if (own == nullptr) continue;
    if (own->health_none && instance.held.empty()) instance.checks.clear();
    if (own->health && !service.health) instance.checks.push_back(*own->health);
  }
  return pool;
}

EntryPools::Pool EntryPools::of(const conf::Service& service, bool splits) const {
  if (!splits || !entries_.splitters.contains(service.name)) return adopted(service, resolved(service.name, "", 0));
  std::vector<Group> groups;
  split(service.name, 1, 0, groups);
  Pool out;
  for (Group& group : groups) {
    if (out.refused.empty()) out.refused = group.pool.refused;
    const std::map<std::string, double> weights = weights_of(group.pool.instances);
    for (conf::Instance& instance : group.pool.instances) {
      const double factor = group.share * whole / std::max(1.0, weights.at(instance.datacenter));
      instance.weight_passing = scaled(instance.weight_passing, factor);
      instance.weight_warning = scaled(instance.weight_warning, factor);
    }
    add(out.instances, std::move(group.pool.instances));
  }
  return adopted(service, std::move(out));
}

EntryPools::Pool EntryPools::of_subset(const conf::Service& service, const std::string& subset) const {
  return adopted(service, resolved(service.name, subset, 0));
}

}  // namespace gatehouse::catalog
