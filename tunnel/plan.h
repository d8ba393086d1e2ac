// plan.h: what holds of the tunnels now: exits, offers, entries, with keys and addresses. Immutable, shared by
// workers.
//   Built on the control thread of the configuration, the keys and what names resolve to; counters and the state of
//   targets are found again by their names in the registry, so that they outlive a reload. Pure.
//   Limits  targets_max of an entry, addresses_max of a name.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "conf/tunnel.h"
#include "net/psk.h"
#include "tunnel/stats.h"
#include "tunnel/target_state.h"

namespace gatehouse::tunnel {

inline constexpr std::size_t targets_max = 64, addresses_max = 8;

struct DialAddress {
  SocketAddress address;
  std::string socket;  // a Unix socket's path, in place of it
  std::string text() const { return socket.empty() ? address.text() : "unix:" + socket; }
  bool operator==(const DialAddress&) const = default;
};

// Keys as they were read, in the configuration's order.
struct KeySet {
  std::vector<std::shared_ptr<const PskKeys>> accept;
  std::vector<std::vector<std::shared_ptr<const PskOffer>>> connect;  // null: there is none
  std::map<std::string, std::int64_t> changed_ms;                     // of an identity's file: how old its key is
};

struct Offer {
  std::string name;
  conf::TunnelOffer conf;
  std::vector<DialAddress> addresses;
};

struct Allowed {
  conf::TunnelAllow conf;
  StatsPtr stats;
};

struct Exit {
  std::string name;
  conf::TunnelAccept conf;
  std::shared_ptr<const PskKeys> keys;
  std::map<std::string, Allowed, std::less<>> allowed;  // by identity
  std::vector<IpPrefix> sources;                        // where anybody may come from; empty: anywhere
  StatsPtr stats;                                       // of those whose identity is not known
};

struct Target {
  conf::TunnelTarget conf;
  std::shared_ptr<const PskOffer> offer;
  std::vector<DialAddress> addresses;
  std::shared_ptr<TargetState> state;
  StatsPtr stats;
};

struct Entry {
  conf::TunnelConnect conf;
  std::vector<Target> targets;
  StatsPtr stats;  // of those who reached no exit
};

bool same_way(const Entry& a, const Entry& b);  // to the same places, by the same keys

struct Plan {
  std::string node;
  bool access_log = false, redact_client = false;
  std::uint64_t rekey_bytes = 0;
  Millis rekey_time{0};
  std::vector<std::shared_ptr<const Exit>> exits;
  std::map<std::string, std::shared_ptr<const Offer>, std::less<>> offers;
  std::vector<std::shared_ptr<const Entry>> entries;

  const Exit* find_exit(std::string_view name) const;
  const Entry* find_entry(std::string_view name) const;
};
using PlanPtr = std::shared_ptr<const Plan>;

// What outlives plans. One thread.
class Registry {
 public:
  StatsPtr stats(const std::string& name);
  std::shared_ptr<TargetState> state(const std::string& name);
  void forget_unused();  // what no plan and no connection holds any more

 private:
  std::map<std::string, StatsPtr> stats_;
  std::map<std::string, std::shared_ptr<TargetState>> states_;
};

using Addresses = std::map<std::string, std::vector<IpAddress>, std::less<>>;  // of names

std::set<std::string> names_of(const conf::Tunnel& tunnel);  // to be resolved

// Fills in all but node and what concerns the log.
Plan build_plan(const conf::Tunnel& tunnel, const KeySet& keys, const Addresses& addresses, Registry& registry);

}  // namespace gatehouse::tunnel
