#include "tunnel/plan.h"

#include <algorithm>

#include "tunnel/generation.h"

namespace gatehouse::tunnel {
namespace {

void add(std::vector<DialAddress>& out, const Place& place, const Addresses& addresses) {
  if (!place.socket.empty() || place.host.empty()) {
    out.push_back({place.address, place.socket});
    return;
  }
  const auto known = addresses.find(place.host);
  if (known == addresses.end()) return;
  for (std::size_t i = 0; i < std::min(known->second.size(), addresses_max); ++i)
    out.push_back({{known->second[i], place.address.port}, {}});
}

std::shared_ptr<const Exit> make_exit(const conf::TunnelAccept& accept, std::shared_ptr<const PskKeys> keys,
                                      Registry& registry) {
  auto exit = std::make_shared<Exit>();
  exit->name = accept.called();
  exit->conf = accept;
  exit->keys = std::move(keys);
  exit->stats = registry.stats("exit\n" + exit->name);
  const auto add_allowed = [&](const std::string& identity, conf::TunnelAllow allow) {
    if (allow.services.empty()) allow.services = {accept.service};
    exit->allowed.try_emplace(identity, Allowed{allow, registry.stats("exit\n" + exit->name + "\n" + identity)});
  };
  bool anywhere = accept.allow.empty();
  for (const conf::TunnelAllow& allow : accept.allow) {
    anywhere = anywhere || allow.from.empty();
    exit->sources.insert(exit->sources.end(), allow.from.begin(), allow.from.end());
    add_allowed(allow.identity, allow);
  }
  if (anywhere) exit->sources.clear();
  for (const auto& [identity, key] : *exit->keys)
    for (const conf::TunnelAllow& allow : accept.allow)
      if (allow.identity == generation_of(identity).base) add_allowed(identity, allow);
  return exit;
}

std::shared_ptr<const Entry> make_entry(const conf::TunnelConnect& connect,
                                        const std::vector<std::shared_ptr<const PskOffer>>& keys,
                                        const Addresses& addresses, Registry& registry) {
  auto entry = std::make_shared<Entry>();
  entry->conf = connect;
  entry->stats = registry.stats("entry\n" + connect.name);
  for (std::size_t i = 0; i < std::min(connect.to.size(), targets_max); ++i) {
    Target target;
    target.conf = connect.to[i];
    target.offer = keys[i];
    if (!target.offer) continue;
    add(target.addresses, target.conf.address, addresses);
    const std::string name = connect.name + "\n" + target.conf.address.text();
    target.state = registry.state(name);
    target.stats = registry.stats("entry\n" + name + "\n" + target.offer->identity);
    entry->targets.push_back(std::move(target));
  }
  return entry;
}

template <class Map>
void drop_unused(Map& map) {
  std::erase_if(map, [](const auto& each) { return each.second.use_count() == 1; });
}

}  // namespace

const Exit* Plan::find_exit(std::string_view name) const {
  for (const auto& exit : exits)
    if (exit->name == name) return exit.get();
  return nullptr;
}

const Entry* Plan::find_entry(std::string_view name) const {
  for (const auto& entry : entries)
    if (entry->conf.name == name) return entry.get();
  return nullptr;
}

bool same_way(const Entry& a, const Entry& b) {
  const auto same = [](const Target& x, const Target& y) {
    return x.conf == y.conf && x.offer == y.offer && x.addresses == y.addresses;
  };
  return a.conf == b.conf && std::equal(a.targets.begin(), a.targets.end(), b.targets.begin(), b.targets.end(), same);
}

StatsPtr Registry::stats(const std::string& name) {
  StatsPtr& stats = stats_[name];
  if (!stats) stats = std::make_shared<Stats>();
  return stats;
}

std::shared_ptr<TargetState> Registry::state(const std::string& name) {
  std::shared_ptr<TargetState>& state = states_[name];
  if (!state) state = std::make_shared<TargetState>();
  return state;
}

void Registry::forget_unused() {
  drop_unused(stats_);
  drop_unused(states_);
}

std::set<std::string> names_of(const conf::Tunnel& tunnel) {
  std::set<std::string> names;
  const auto add_name = [&](const Place& place) {
    if (!place.host.empty()) names.insert(place.host);
  };
  for (const auto& [name, offer] : tunnel.offer)
    for (const Place& place : offer.to) add_name(place);
  for (const conf::TunnelConnect& connect : tunnel.connect)
    for (const conf::TunnelTarget& target : connect.to) add_name(target.address);
  return names;
}

Plan build_plan(const conf::Tunnel& tunnel, const KeySet& keys, const Addresses& addresses, Registry& registry) {
  Plan plan;
  plan.rekey_bytes = tunnel.rekey_bytes;
  plan.rekey_time = tunnel.rekey_time;
  for (std::size_t i = 0; i < tunnel.accept.size(); ++i)
    plan.exits.push_back(make_exit(tunnel.accept[i], keys.accept[i], registry));
  for (const auto& [name, offer] : tunnel.offer) {
    auto made = std::make_shared<Offer>(Offer{name, offer, {}});
    for (const Place& place : offer.to) add(made->addresses, place, addresses);
    plan.offers.emplace(name, std::move(made));
  }
  for (std::size_t i = 0; i < tunnel.connect.size(); ++i)
    plan.entries.push_back(make_entry(tunnel.connect[i], keys.connect[i], addresses, registry));
  return plan;
}

}  // namespace gatehouse::tunnel
