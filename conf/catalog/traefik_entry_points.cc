#include "conf/catalog/traefik_entry_points.h"

#include <algorithm>
#include <set>

#include "conf/catalog/traefik_tree.h"

namespace gatehouse::catalog {
namespace {

const conf::Listen* find_listener(const std::string& name, std::span<const conf::Listen> listen) {
  const auto named = std::find_if(listen.begin(), listen.end(),
                                  [&](const conf::Listen& one) { return lower_case(one.name) == lower_case(name); });
  if (named != listen.end()) return &*named;
  const bool tls = name == "websecure" || name == "https";
  if (!tls && name != "web" && name != "http") return nullptr;
  const auto first =
      std::find_if(listen.begin(), listen.end(), [&](const conf::Listen& one) { return one.tls == tls; });
  return first == listen.end() ? nullptr : &*first;
}

}  // namespace

EntryPlaces entry_places(const std::vector<std::string>& entry_points, bool tls,
                         std::span<const conf::Listen> listen) {
  const std::string over_tls = tls ? "redirect" : "";
  if (entry_points.empty()) return {{{0, over_tls}}, ""};
  std::set<const conf::Listen*> met;
  for (const std::string& name : entry_points) {
    const conf::Listen* listener = find_listener(name, listen);
    if (listener == nullptr) return {{}, name};
    met.insert(listener);
  }
  const auto all = [&](auto is_meant) {
    return std::all_of(listen.begin(), listen.end(),
                       [&](const conf::Listen& one) { return !is_meant(one) || met.contains(&one); });
  };
  if (all([](const conf::Listen&) { return true; })) return {{{0, over_tls}}, ""};
  const bool only_tls = std::all_of(met.begin(), met.end(), [](const conf::Listen* one) { return one->tls; });
  if (only_tls && all([](const conf::Listen& one) { return one.tls; })) return {{{0, "redirect"}}, ""};
  EntryPlaces out;
  for (const conf::Listen* listener : met)
    out.places.push_back({listener->address.port, listener->tls ? "" : tls ? "redirect" : "serve"});
  return out;
}

}  // namespace gatehouse::catalog
