#include "conf/agree.h"

#include <algorithm>
#include <set>

#include "conf/review.h"
#include "conf/route_value.h"
#include "conf/service_keys.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

using Restrictions = std::set<std::string>;

bool restricts(std::string_view name) {
  const ServiceKey* key = find_service_key(name);
  return key != nullptr && key->restricting;
}

// Everything an instance says that restricts, in a form in which the order of lists does not matter.
Restrictions restrictions_of(const InstanceLayers& member, const ServiceLayer* yaml) {
  Restrictions out;
  const auto add = [&](std::string_view about, std::string_view name, std::string_view value) {
    if (yaml != nullptr && yaml->settings.contains(name)) return;  // gatehouse.yaml has said it for all
    for (const std::string_view part : split_list(value))
      out.insert(std::string(about) + std::string(name) + "=" + std::string(part));
  };
  for (const ServiceLayer& layer : member.layers) {
    for (const auto& [name, settings] : layer.settings) {
      for (const Setting& setting : settings) {
        if (restricts(name)) add("", name, setting.value);
        if (name != "route") continue;
        const Result<RouteSetting> route = parse_route(setting.value);
        if (!route) continue;
        if (!setting.refused.empty()) out.insert(route->match.text() + " refused: " + setting.refused);
        for (const Option& option : route->options)
          if (restricts(option.name)) add(route->match.text() + " ", option.name, option.value);
      }
    }
  }
  return out;
}

std::string restrictions_text(const Restrictions& restrictions) {
  if (restrictions.empty()) return "nothing";
  std::string out;
  for (const std::string& one : restrictions) out += (out.empty() ? "" : ", ") + one;
  return out;
}

// Whether this instance was in the pool before, saying the same.
bool is_incumbent(const Instance& instance, const Service* previous) {
  if (previous == nullptr) return false;
  return std::any_of(previous->instances.begin(), previous->instances.end(), [&](const Instance& before) {
    return before.id == instance.id && before.node == instance.node && before.tags == instance.tags;
  });
}

bool is_at(const InstanceLayers& member, const std::string& datacenter) {
  return member.instance.datacenter == datacenter;
}

// The datacenter whose instances say what holds for all.
std::string home_of(const std::vector<InstanceLayers>& members, const std::string& of_node) {
  const bool has_any =
      std::any_of(members.begin(), members.end(), [&](const auto& each) { return is_at(each, of_node); });
  return has_any ? of_node : members.front().instance.datacenter;
}

// The restrictions that hold: of the incumbents if there are any, else of all; the most frequent, then the strictest.
Restrictions prevailing(const std::vector<InstanceLayers>& members, const std::vector<Restrictions>& said,
                        const Service* previous, const std::string& home) {
  const bool incumbents = std::any_of(members.begin(), members.end(), [&](const InstanceLayers& member) {
    return is_at(member, home) && is_incumbent(member.instance, previous);
  });
  std::map<Restrictions, std::size_t> votes;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (is_at(members[i], home) && (!incumbents || is_incumbent(members[i].instance, previous))) ++votes[said[i]];
  const auto best = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second, a.first.size()) < std::pair(b.second, b.first.size());
  });
  return best->first;
}

void keep_out_the_odd_ones(const std::string& service, const ServiceLayer* yaml, const Service* previous,
                           const std::string& home, Agreement& out) {
  std::vector<Restrictions> said;
  for (const InstanceLayers& member : out.members) said.push_back(restrictions_of(member, yaml));
  if (std::all_of(said.begin(), said.end(), [&](const Restrictions& one) { return one == said[0]; })) return;
  const Restrictions right = prevailing(out.members, said, previous, home);
  std::vector<InstanceLayers> kept;
  for (std::size_t i = 0; i < out.members.size(); ++i) {
    InstanceLayers& member = out.members[i];
    if (said[i] == right) {
      kept.push_back(std::move(member));
      continue;
    }
    out.findings.push_back({member.instance.at, service + ": " + member.instance.id,
                            "says " + restrictions_text(said[i]) + " where the others say " +
                                restrictions_text(right) + ": kept out until they agree"});
  }
  out.members = std::move(kept);
}

struct Vote {
  const std::vector<Setting>* settings = nullptr;
  const Instance* by = nullptr;
  bool passing = false;
};

bool older(const Vote& a, const Vote& b) {
  return std::tie(a.passing, a.by->catalog_index) < std::tie(b.passing, b.by->catalog_index);
}

std::string values_text(const std::vector<Setting>& settings) {
  std::string out;
  for (const Setting& setting : settings) out += (out.empty() ? "" : ", ") + setting.value;
  return out;
}

// The same values, in whatever order.
bool same_values(const std::vector<Setting>& a, const std::vector<Setting>& b) {
  return a.size() == b.size() && std::is_permutation(a.begin(), a.end(), b.begin());
}

// One key of one spelling: the newest word of those that pass wins, by the catalog's index, then by its order;
// whoever said otherwise, or nothing, is told of.
const std::vector<Setting>* decide(const std::string& service, std::string_view name, std::size_t layer,
                                   const std::string& home, Agreement& out) {
  Vote winner;
  for (const InstanceLayers& member : out.members) {
    const auto said = member.layers[layer].settings.find(name);
    if (said == member.layers[layer].settings.end() || !is_at(member, home)) continue;
    const Vote vote{&said->second, &member.instance, counts_as_passing(member.instance)};
    if (winner.by == nullptr || !older(vote, winner)) winner = vote;
  }
  for (const InstanceLayers& member : out.members) {
    const auto said = member.layers[layer].settings.find(name);
    const bool silent = said == member.layers[layer].settings.end();
    if (!silent && same_values(said->second, *winner.settings)) continue;
    out.findings.push_back({member.instance.at, setting_path(member.layers[layer], service, name),
                            member.instance.id +
                                (silent ? " does not say it" : " says " + values_text(said->second)) + "; " +
                                winner.by->id + "'s stands: " + values_text(*winner.settings),
                            Severity::warning});
    break;  // the first difference tells enough
  }
  return winner.settings;
}

}  // namespace

bool counts_as_passing(const Instance& instance) {
  return !instance.maintenance && !instance.departed && instance.catalog_health != CatalogHealth::critical &&
         std::none_of(instance.checks.begin(), instance.checks.end(), [](const HealthCheck& check) {
           return check.kind == HealthCheck::Kind::ttl && check.initial == "critical";
         });
}

Agreement agree(const std::string& service, std::vector<InstanceLayers> instances, const ServiceLayer* yaml,
                const Service* previous, const std::string& datacenter) {
  Agreement out;
  out.members = std::move(instances);
  if (out.members.empty()) return out;
  const std::string home = home_of(out.members, datacenter);
  keep_out_the_odd_ones(service, yaml, previous, home, out);
  for (std::size_t layer = 0; layer < out.members[0].layers.size(); ++layer) {
    std::set<std::string, std::less<>> names;
    for (const InstanceLayers& member : out.members)
      for (const auto& [name, settings] : member.layers[layer].settings)
        if (is_at(member, home)) names.insert(name);
    ServiceLayer agreed{.spelling = out.members[0].layers[layer].spelling};
    for (const std::string& name : names) {
      const ServiceKey* key = find_service_key(name);
      if (key != nullptr && key->scope == Scope::instance) continue;  // each speaks for itself
      agreed.settings.emplace(name, *decide(service, name, layer, home, out));
    }
    out.layers.push_back(std::move(agreed));
  }
  return out;
}

}  // namespace gatehouse::conf
