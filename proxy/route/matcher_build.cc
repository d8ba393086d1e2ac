// The matcher's tables are made here: patterns, then their chain from narrow to wide, then ports and paths.
#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "conf/claims.h"
#include "proxy/route/matcher_tables.h"

namespace gatehouse::route {
namespace {

using Pattern = std::pair<HostKind, std::string>;

unsigned labels_of(std::string_view name) { return static_cast<unsigned>(std::ranges::count(name, '.')) + 1; }

// The patterns that cover this one, from narrow to wide.
std::vector<Pattern> wider(const Pattern& pattern) {
  std::vector<Pattern> patterns;
  std::string_view rest = pattern.second;
  if (pattern.first == HostKind::one_label) patterns.emplace_back(HostKind::labels, rest);
  bool first = pattern.first == HostKind::exact;
  for (auto dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
    rest.remove_prefix(dot + 1);
    if (first) patterns.emplace_back(HostKind::one_label, rest);
    patterns.emplace_back(HostKind::labels, rest);
    first = false;
  }
  return patterns;
}

// Per key the narrow pattern's word counts, else the wider one's.
conf::HostPolicy merge(conf::HostPolicy own, const conf::HostPolicy& wide) {
  if (own.certificate.empty()) own.certificate = wide.certificate;
  if (own.allow.empty()) own.allow = wide.allow, own.allow_at = wide.allow_at;
  if (own.deny.empty()) own.deny = wide.deny, own.deny_at = wide.deny_at;
  if (!own.hsts) own.hsts = wide.hsts;
  if (!own.http) own.http = wide.http;
  return own;
}

// The order in which the routes of one place are tried.
auto rank_of(const RouteTarget& target) {
  const conf::Route& route = *target.route;
  const std::size_t conditions = route.derived ? route.derived->conditions : route.match.conditions();
  return std::tuple(-static_cast<std::ptrdiff_t>(conditions), !route.derived,
                    route.derived ? route.derived->order : 0, !route.refused.empty(), target.service, target.index);
}

}  // namespace

HostPattern HostPattern::parse(std::string_view text) {
  HostPattern pattern;
  if (text.starts_with("**.")) {
    pattern.kind = HostKind::labels;
    text.remove_prefix(3);
  } else if (text.starts_with("*.")) {
    pattern.kind = HostKind::one_label;
    text.remove_prefix(2);
  }
  if (text.ends_with('.')) text.remove_suffix(1);
  for (char c : text) pattern.name += lower_case(c);
  pattern.valid = text.find('*') == text.npos && text.size() <= host_size_max &&
                  (!text.empty() || pattern.kind == HostKind::exact);
  return pattern;
}

HashIndex::HashIndex(std::size_t items) : slots_(std::bit_ceil(items * 2 + 2)), mask_(slots_.size() - 1) {}

void HashIndex::insert(std::uint64_t hash, std::uint32_t item) {
  std::size_t i = hash & mask_;
  while (slots_[i].item != none) i = (i + 1) & mask_;
  slots_[i] = {static_cast<std::uint32_t>(hash >> 32), item};
}

// One matcher in the making.
class MatcherBuilder {
 public:
  MatcherBuilder(Matcher::Tables& tables, conf::Findings& findings) : t_(tables), findings_(findings) {}

  void build(const std::map<std::string, conf::HostPolicy>& policies) {
    for (const auto& [text, policy] : policies) add_policy(text, policy);
    for (std::uint32_t s = 0; s < t_.services.size(); ++s) {
      const auto& routes = t_.services[s]->routes;
      for (std::uint32_t r = 0; r < routes.size(); ++r) add_route(s, r);
    }
    lay_hosts();
    lay_paths();
    for (auto& [place, node] : roots_) lay_root(place.first, place.second, node);
  }

 private:
  struct Node {  // of a path, in the making
    std::map<std::string, std::uint32_t, std::less<>> children;
    std::vector<RouteTarget> targets;
    std::uint32_t up = none;
  };

  void complain(const conf::Position& at, std::string path, std::string what, conf::Severity severity) {
    findings_.push_back({at, std::move(path), std::move(what), severity});
  }

  void add_policy(const std::string& text, const conf::HostPolicy& policy) {
    auto pattern = HostPattern::parse(text);
    if (!pattern.valid || pattern.name.empty()) {
      complain({}, "hosts." + text, "not a host, *.host or **.host: left out", conf::Severity::error);
      return;
    }
    patterns_.try_emplace({pattern.kind, pattern.name}, 0u);
    policies_[{pattern.kind, std::move(pattern.name)}] = policy;
  }

  void add_route(std::uint32_t service, std::uint32_t index) {
    const conf::Service& owner = *t_.services[service];
    const conf::Route& route = owner.routes[index];
    auto pattern = HostPattern::parse(route.match.host);
    if (!pattern.valid) {
      complain(route.at, owner.name + ": route " + route.match.text(),
               "a star stands only in front: *.host or **.host", conf::Severity::error);
      return;
    }
    Pattern key(pattern.kind, std::move(pattern.name));
    if (!key.second.empty()) patterns_.try_emplace(key, 0u);
    auto root = roots_.try_emplace({std::move(key), route.match.port}, none).first;
    if (root->second == none) root->second = new_node(none);
    auto at = root->second;
    std::string_view rest = route.match.path;
    for (auto segment = next_segment(rest); !segment.empty(); segment = next_segment(rest)) {
      const auto child = nodes_[at].children.find(segment);
      if (child != nodes_[at].children.end()) {
        at = child->second;
        continue;
      }
      const auto fresh = new_node(at);
      nodes_[at].children.emplace(segment, fresh);
      at = fresh;
    }
    const bool conditional = route.match.conditions() > 0;
    nodes_[at].targets.push_back({service, index, &route, &owner, conditional});
  }

  std::uint32_t new_node(std::uint32_t up) {
    nodes_.push_back({});
    nodes_.back().up = up;
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  std::uint32_t lay_text(std::string_view text) {
    t_.texts += text;
    return static_cast<std::uint32_t>(t_.texts.size() - text.size());
  }

  // Wide patterns come before the narrow ones they cover, so that parents and their policies are ready.
  void lay_hosts() {
    std::vector<const Pattern*> order;
    for (const auto& [pattern, unused] : patterns_) order.push_back(&pattern);
    std::ranges::sort(order, {}, [](const Pattern* p) {
      return std::tuple(labels_of(p->second), -static_cast<int>(p->first), std::string_view(p->second));
    });
    t_.host_index = HashIndex(order.size());
    for (const auto* pattern : order) {
      const auto at = static_cast<std::uint32_t>(t_.hosts.size());
      patterns_[*pattern] = at;
      t_.hosts.push_back(make_entry(*pattern));
      t_.host_index.insert(host_hash(pattern->first, pattern->second), at);
      const auto bit = std::min(labels_of(pattern->second), 63u);
      t_.label_counts[static_cast<int>(pattern->first)] |= std::uint64_t{1} << bit;
    }
  }

  HostEntry make_entry(const Pattern& pattern) {
    HostEntry entry;
    entry.text = lay_text(pattern.second);
    entry.size = static_cast<std::uint16_t>(pattern.second.size());
    entry.kind = pattern.first;
    std::ranges::copy_n(pattern.second.begin(),
                        static_cast<std::ptrdiff_t>(std::min(pattern.second.size(), sizeof entry.head)), entry.head);
    for (const auto& wide : wider(pattern)) {
      const auto found = patterns_.find(wide);
      if (found == patterns_.end()) continue;
      entry.parent = found->second;
      entry.policy = t_.hosts[entry.parent].policy;
      entry.known = t_.hosts[entry.parent].known;
      break;
    }
    const auto route = roots_.lower_bound({pattern, 0});
    entry.known = entry.known || (route != roots_.end() && route->first.first == pattern);
    if (const auto own = policies_.find(pattern); own != policies_.end()) {
      auto merged = entry.policy == none ? own->second : merge(own->second, t_.policies[entry.policy]);
      entry.policy = static_cast<std::uint32_t>(t_.policies.size());
      t_.policies.push_back(std::move(merged));
    }
    return entry;
  }

  // roots_ is sorted by pattern, then port: the ports of one entry lie together.
  void lay_root(const Pattern& pattern, std::uint16_t port, std::uint32_t node) {
    HostEntry& entry = pattern.second.empty() ? t_.no_host : t_.hosts[patterns_.at(pattern)];
    if (port == 0) {
      const PathNode& root = t_.nodes[node];
      entry.any_port = node;
      entry.root_first = root.first;
      entry.root_count = root.count;
      entry.root_has_children = root.has_children;
      return;
    }
    if (entry.port_count++ == 0) entry.ports = static_cast<std::uint32_t>(t_.ports.size());
    t_.ports.push_back({port, node});
  }

  void lay_paths() {
    std::size_t edges = 0;
    for (const auto& node : nodes_) edges += node.children.size();
    t_.edge_index = HashIndex(edges);
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      const auto first = static_cast<std::uint32_t>(t_.targets.size());
      lay_targets(node.targets);
      const auto count = static_cast<std::uint32_t>(t_.targets.size()) - first;
      t_.nodes.push_back({first, count, node.up, !node.children.empty()});
      for (const auto& [segment, child] : node.children) {
        t_.edge_index.insert(edge_hash(i, segment), static_cast<std::uint32_t>(t_.edges.size()));
        t_.edges.push_back({i, child, lay_text(segment), static_cast<std::uint32_t>(segment.size())});
      }
    }
  }

  // The routes of one place in the order they are tried; says which will never be.
  void lay_targets(std::vector<RouteTarget>& targets) {
    std::ranges::sort(targets, {}, rank_of);
    std::map<std::string, const RouteTarget*> seen;
    for (const auto& target : targets) {
      t_.targets.push_back(target);
      const auto [holder, fresh] = seen.try_emplace(conf::claim_key(target.route->match), &target);
      if (fresh || !target.route->refused.empty()) continue;
      complain(target.route->at, target.owner->name + ": route " + target.route->match.text(),
               "never taken: " + holder->second->owner->name + " has the same route", conf::Severity::warning);
    }
  }

  Matcher::Tables& t_;
  conf::Findings& findings_;
  std::map<Pattern, std::uint32_t> patterns_;  // to their entry
  std::map<Pattern, conf::HostPolicy> policies_;
  std::map<std::pair<Pattern, std::uint16_t>, std::uint32_t> roots_;  // pattern and port to the path's root
  std::vector<Node> nodes_;
};

Matcher::Matcher() : tables_(std::make_unique<Tables>()) {}

Matcher::Matcher(const Services& services, const std::map<std::string, conf::HostPolicy>& hosts,
                 conf::Findings& findings) {
  auto tables = std::make_unique<Tables>();
  tables->services = services;
  MatcherBuilder(*tables, findings).build(hosts);
  tables_ = std::move(tables);
}

Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

}  // namespace gatehouse::route
