// For `gatehouse explain`: the same decision as Matcher::match, told route by route instead of looked up.
#include <algorithm>
#include <tuple>

#include "proxy/route/matcher_tables.h"

namespace gatehouse::route {
namespace {

unsigned depth_of(std::string_view path) {
  unsigned depth = 0;
  while (!next_segment(path).empty()) ++depth;
  return depth;
}

bool path_is_under(std::string_view path, std::string_view prefix) {
  for (auto wanted = next_segment(prefix); !wanted.empty(); wanted = next_segment(prefix)) {
    if (next_segment(path) != wanted) return false;
  }
  return true;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Why a route whose host fits doesn't take the request; empty when it would.
std::string objection(const conf::RouteMatch& match, const RouteRequest& request) {
  if (match.port != 0 && match.port != request.port) return "only on port " + std::to_string(match.port);
  if (!path_is_under(request.path, match.path)) return "the path is not under " + match.path;
  if (match.exact_path && !same_path(request.path, match.path)) return "only for the path " + match.path + " itself";
  if (!match.methods.empty() && std::ranges::find(match.methods, request.method) == match.methods.end()) {
    return "only for the methods " + joined(match.methods);
  }
  for (const auto& field : match.headers) {
    if (condition_holds(field, request)) continue;
    using Of = conf::HeaderMatch::Of;
    const std::string which =
        field.of == Of::path ? "the path" : (field.of == Of::query ? "the parameter " : "the field ") + field.name;
    if (field.inverted) return which + (field.asks_presence() ? " is there" : " is missing, or as it must not be");
    if (field.pattern.is_said()) return which + " is not like " + field.pattern.text();
    return which + (field.value.empty() ? " is missing" : " is not " + field.value);
  }
  return {};
}

}  // namespace

std::vector<Candidate> Matcher::explain(const RouteRequest& request) const {
  const Tables& t = *tables_;
  std::vector<const HostEntry*> chain;  // from narrow to wide
  for (const auto* entry = t.find_host(FoldedHost(request.host).view()); entry;
       entry = entry->parent == none ? nullptr : &t.hosts[entry->parent]) {
    chain.push_back(entry);
  }
  chain.push_back(&t.no_host);

  using Rank = std::tuple<std::size_t, bool, int, std::size_t>;  // host, port, path, order among equals
  std::vector<std::pair<Rank, const RouteTarget*>> found;
  for (std::size_t i = 0; i < t.targets.size(); ++i) {
    const auto& match = t.targets[i].route->match;
    const auto pattern = HostPattern::parse(match.host);
    const auto index = pattern.name.empty() ? none : t.find_pattern(pattern.kind, pattern.name);
    const auto place = std::ranges::find(chain, index == none ? &t.no_host : &t.hosts[index]);
    if (place == chain.end()) continue;
    const Rank rank(place - chain.begin(), match.port == 0, -static_cast<int>(depth_of(match.path)), i);
    found.emplace_back(rank, &t.targets[i]);
  }
  std::ranges::sort(found);

  std::vector<Candidate> candidates;
  bool taken = false;
  for (const auto& [rank, target] : found) {
    auto verdict = objection(target->route->match, request);
    if (verdict.empty()) {
      verdict = taken ? "would fit, but a route before it is taken" : "taken";
      taken = true;
    }
    candidates.push_back({target, std::move(verdict)});
  }
  return candidates;
}

}  // namespace gatehouse::route
