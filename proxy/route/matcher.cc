#include "proxy/route/matcher.h"

#include <algorithm>
#include <cstddef>

#include "proxy/route/matcher_tables.h"
#include "proxy/route/query_parameter.h"

namespace gatehouse::route {
namespace {

bool leaves_out(const std::vector<IpPrefix>& allow, const IpAddress& client) {
  return !allow.empty() && !is_in(allow, client);
}

}  // namespace

const HostEntry* Matcher::Tables::find_host(std::string_view host) const {
  if (host.empty()) return nullptr;
  if (const auto exact = find_pattern(HostKind::exact, host); exact != none) return &hosts[exact];
  const auto one_label = label_counts[1], many_labels = label_counts[2];
  if ((one_label | many_labels) == 0) return nullptr;
  // From the longest suffix to the shortest: the first that is known is the most specific.
  auto labels = static_cast<unsigned>(std::ranges::count(host, '.'));  // of the suffix behind the first dot
  bool first = true;
  for (auto dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1), --labels, first = false) {
    if (dot == 0) continue;  // no label in front of it
    const auto suffix = host.substr(dot + 1);
    const auto bit = std::uint64_t{1} << std::min(labels, 63u);
    for (const auto kind : {HostKind::one_label, HostKind::labels}) {
      if (kind == HostKind::one_label && !first) continue;
      if (!(label_counts[static_cast<int>(kind)] & bit)) continue;
      if (const auto found = find_pattern(kind, suffix); found != none) return &hosts[found];
    }
  }
  return nullptr;
}

std::uint32_t Matcher::Tables::find_pattern(HostKind kind, std::string_view name) const {
  return host_index.find(host_hash(kind, name),
                         [&](std::uint32_t i) { return hosts[i].kind == kind && is_named(hosts[i], name); });
}

bool same_path(std::string_view a, std::string_view b) {
  for (;;) {
    const auto segment = next_segment(a);
    if (segment != next_segment(b)) return false;
    if (segment.empty()) return true;
  }
}

bool conditions_hold(const conf::RouteMatch& match, const RouteRequest& request) {
  if (match.exact_path && !same_path(match.path, request.path)) return false;
  if (!match.methods.empty() && std::ranges::find(match.methods, request.method) == match.methods.end()) return false;
  return std::ranges::all_of(match.headers, [&](const auto& each) { return condition_holds(each, request); });
}

bool condition_holds(const conf::HeaderMatch& condition, const RouteRequest& request) {
  using Of = conf::HeaderMatch::Of;
  if (condition.of == Of::field) return request.has_field(condition);
  if (condition.of == Of::path) return condition.accepts(request.path);
  return any_parameter(request.query, condition.name,
                       [&](std::string_view value) { return condition.accepts(value); });
}

const RouteTarget* Matcher::Tables::match_path(std::uint32_t at, PathNode node, const RouteRequest& request) const {
  auto rest = request.path;
  while (node.has_children) {
    const auto segment = next_segment(rest);
    if (segment.empty()) break;
    const auto edge = edge_index.find(edge_hash(at, segment), [&](std::uint32_t i) {
      return edges[i].parent == at && text(edges[i].text, edges[i].size) == segment;
    });
    if (edge == none) break;
    at = edges[edge].child;
    node = nodes[at];
  }
  for (;; node = nodes[node.up]) {
    for (auto i = node.first; i < node.first + node.count; ++i) {
      if (!targets[i].conditional || conditions_hold(targets[i].route->match, request)) return &targets[i];
    }
    if (node.up == none) return nullptr;
  }
}

const RouteTarget* Matcher::Tables::match_entry(const HostEntry& entry, const RouteRequest& request) const {
  for (auto i = entry.ports; i < entry.ports + entry.port_count; ++i) {
    if (ports[i].port != request.port) continue;
    if (const auto* target = match_path(ports[i].root, nodes[ports[i].root], request)) return target;
  }
  return entry.any_port == none ? nullptr : match_path(entry.any_port, entry.root(), request);
}

Match Matcher::match(const RouteRequest& request) const {
  const Tables& t = *tables_;
  const HostEntry* entry = t.find_host(FoldedHost(request.host).view());
  Match match;
  if (entry) {
    match.host_known = entry->known;
    if (entry->policy != none) match.host = &t.policies[entry->policy];
  }
  while (entry) {
    if ((match.target = t.match_entry(*entry, request))) return match;
    entry = entry->parent == none ? nullptr : &t.hosts[entry->parent];
  }
  match.target = t.match_entry(t.no_host, request);
  return match;
}

const conf::HostPolicy* Matcher::host_policy(std::string_view host) const {
  const HostEntry* entry = tables_->find_host(FoldedHost(host).view());
  return entry && entry->policy != none ? &tables_->policies[entry->policy] : nullptr;
}

std::span<const RouteTarget> Matcher::targets() const { return tables_->targets; }

KeptOut Match::keeps_out(const IpAddress& client) const {
  const auto& route = target->route->policy;
  if (is_in(route.deny, client)) return KeptOut::route_deny;
  if (leaves_out(route.allow, client)) return KeptOut::route_allow;
  if (host && is_in(host->deny, client)) return KeptOut::host_deny;
  if (host && leaves_out(host->allow, client)) return KeptOut::host_allow;
  return KeptOut::no;
}

bool Match::permits(const IpAddress& client) const { return target && keeps_out(client) == KeptOut::no; }

conf::HttpMode Match::http() const {
  if (host && host->http) return *host->http;
  return target ? target->route->policy.http : conf::HttpMode::automatic;
}

Millis Match::hsts() const {
  if (host && host->hsts) return *host->hsts;
  return target ? target->route->policy.hsts : Millis(0);
}

}  // namespace gatehouse::route
