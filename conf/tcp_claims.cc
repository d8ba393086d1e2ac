#include "conf/tcp_claims.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "conf/host_pattern.h"

namespace gatehouse::conf {
namespace {

bool is_any(const IpAddress& ip) { return ip == IpAddress() || ip == IpAddress::v4(0, 0, 0, 0); }

bool by_tags(const TcpEntry& entry) { return entry.spelling != "yaml"; }

std::string where(const Origin& at) {
  if (at.file.empty()) return "";
  return " (" + at.file + (at.line != 0 ? ":" + std::to_string(at.line) : "") + ")";
}

bool contains(const IpPrefix& wide, const IpPrefix& narrow) {
  return wide.length <= narrow.length && wide.contains(narrow.address);
}

// Both can be served: different names at one address.
bool side_by_side(const TcpEntry& a, const TcpEntry& b) {
  return a.address == b.address && !a.sni.empty() && !b.sni.empty() && a.sni != b.sni;
}

void add_addresses(const Service& service, std::set<SocketAddress>& addresses) {
  for (const TcpEntry& entry : service.tcp)
    if (!entry.shared && entry.refused.empty()) addresses.insert(entry.address);
}

class Settlement {
 public:
  Settlement(std::vector<Service>& services, const RoutingTable* previous, const Config& config)
      : services_(services), config_(config) {
    if (previous != nullptr)
      for (const auto& service : previous->services)
        for (const TcpEntry& entry : service->tcp) holders_.emplace(entry.text(), service->name);
    for (const Service& service : services_)
      for (const Route& route : service.routes)
        if (!route.match.host.empty()) routed_.emplace(route.match.host, service.name);
  }

  Findings run() {
    struct Claim {
      bool by_tags, newcomer;
      std::size_t service, index;
    };
    std::vector<Claim> claims;
    for (std::size_t i = 0; i < services_.size(); ++i)
      for (std::size_t j = 0; j < services_[i].tcp.size(); ++j)
        claims.push_back({by_tags(services_[i].tcp[j]), !holds(services_[i], services_[i].tcp[j]), i, j});
    std::sort(claims.begin(), claims.end(), [&](const Claim& a, const Claim& b) {
      return std::tie(a.by_tags, a.newcomer, services_[a.service].name, a.index) <
             std::tie(b.by_tags, b.newcomer, services_[b.service].name, b.index);
    });
    std::vector<std::vector<TcpEntry>> kept(services_.size());
    for (const Claim& claim : claims) {
      const Service& service = services_[claim.service];
      TcpEntry entry = service.tcp[claim.index];
      std::string why = why_not(service, entry, claim.newcomer);
      if (!why.empty()) {
        tell(service, entry, why + "; left out");
        continue;
      }
      taken_.emplace(entry.address.port, Taken{service.name, entry});
      if (!entry.shared) opened_.insert(entry.address);
      kept[claim.service].push_back(std::move(entry));
    }
    for (std::size_t i = 0; i < services_.size(); ++i) services_[i].tcp = std::move(kept[i]);
    return std::move(findings_);
  }

 private:
  struct Taken {
    std::string service;
    TcpEntry entry;
  };

  bool holds(const Service& service, const TcpEntry& entry) const {
    const auto holder = holders_.find(entry.text());
    return holder != holders_.end() && holder->second == service.name;
  }

  void tell(const Service& service, const TcpEntry& entry, const std::string& what,
            Severity severity = Severity::error) {
    const std::string path = by_tags(entry) ? service.name + ": gatehouse.tcp" : "services." + service.name + ".tcp";
    findings_.push_back({entry.at, path, entry.text() + ": " + what, severity});
  }

  // Why the entry can't be had; empty: it can.
  std::string why_not(const Service& service, TcpEntry& entry, bool newcomer) {
    if (std::string ours = meets_our_own(service, entry); !ours.empty()) return ours;
    if (std::string no = not_permitted(entry); !no.empty()) return no;
    if (std::string routed = takes_from_a_route(service, entry, newcomer); !routed.empty()) return routed;
    const auto [first, last] = taken_.equal_range(entry.address.port);
    for (auto other = first; other != last; ++other) {
      const auto& [name, theirs] = other->second;
      if (!meet(theirs.address, entry.address) || side_by_side(theirs, entry)) continue;
      if (name == service.name && theirs.address == entry.address) return "said twice";
      return "is " + name + "'s" + (theirs.address == entry.address ? "" : ", at " + theirs.text()) +
             where(theirs.at) + ": conflict";
    }
    if (!entry.shared && !opened_.contains(entry.address) && opened_.size() >= tcp_addresses_max)
      return std::to_string(tcp_addresses_max) + " addresses are open already";
    return {};
  }

  // The addresses of gatehouse.yaml; marks what shares one of them.
  std::string meets_our_own(const Service& service, TcpEntry& entry) {
    for (const Listen& listen : config_.listen) {
      if (!meet(listen.address, entry.address)) continue;
      const std::string which = "the listener " + listen.name;
      if (entry.sni.empty()) return "is " + which;
      if (!listen.tls) return "is " + which + ", which speaks no TLS";
      if (!listen.only.empty() &&
          std::find(listen.only.begin(), listen.only.end(), service.name) == listen.only.end())
        return "is " + which + ", which serves others only";
      if (listen.address != entry.address && !is_any(entry.address.ip))
        return "is a part of " + which + "; write " + listen.address.text();
      entry.shared = true;
    }
    if (!entry.shared && meet(config_.metrics.address, entry.address)) return "is the metrics address";
    if (!entry.shared || entry.proxy_protocol.empty()) return {};
    tell(service, entry, "proxy_protocol is the listener's to say; ignored", Severity::warning);
    entry.proxy_protocol.clear();
    return {};
  }

  std::string not_permitted(const TcpEntry& entry) const {
    if (!by_tags(entry)) return {};
    const CatalogSource& catalog = config_.catalog;
    const bool may_listen =
        std::any_of(catalog.permit_listen.begin(), catalog.permit_listen.end(),
                    [&](const std::string& pattern) { return permits_listening(pattern, entry.address); });
    if (!entry.shared && !may_listen) return "catalog.permit.listen does not let tags open this";
    const bool may_ask = entry.sni.empty() || catalog.permit_hosts.empty() ||
                         std::any_of(catalog.permit_hosts.begin(), catalog.permit_hosts.end(),
                                     [&](const std::string& pattern) { return permits(pattern, entry.sni); });
    if (!may_ask) return "catalog.permit.hosts does not let tags claim this name";
    // Who may send the header may claim any address, and so pass by `allow`.
    for (const IpPrefix& from : entry.proxy_protocol)
      if (std::none_of(config_.trusted_proxies.begin(), config_.trusted_proxies.end(),
                       [&](const IpPrefix& trusted) { return contains(trusted, from); }))
        return "proxy_protocol: " + from.text() + " is not within trusted_proxies";
    return {};
  }

  // Passed-through names come before routes, so that a stranger could take a host away by asking for it.
  std::string takes_from_a_route(const Service& service, const TcpEntry& entry, bool newcomer) {
    if (!entry.shared) return {};
    for (const auto& [host, owner] : routed_) {
      if (owner == service.name || !permits(entry.sni, host)) continue;
      if (newcomer && by_tags(entry)) return "the host " + host + " is routed to " + owner + ": conflict";
      tell(service, entry, "passes on " + host + ", so that TLS never reaches the route of " + owner,
           Severity::warning);
      break;
    }
    return {};
  }

  std::vector<Service>& services_;
  const Config& config_;
  std::unordered_map<std::string, std::string> holders_;  // entry to service
  std::multimap<std::string, std::string> routed_;        // host to the services with a route for it
  std::multimap<std::uint16_t, Taken> taken_;             // by port
  std::set<SocketAddress> opened_;
  Findings findings_;
};

}  // namespace

bool meet(const SocketAddress& a, const SocketAddress& b) {
  return a.port == b.port && a.port != 0 && (a.ip == b.ip || is_any(a.ip) || is_any(b.ip));
}

bool permits_listening(std::string_view pattern, const SocketAddress& address) {
  const std::size_t dash = pattern.rfind('-');
  const auto first = SocketAddress::parse(pattern.substr(0, dash));
  if (!first || first->ip != address.ip) return false;
  if (dash == std::string_view::npos) return first->port == address.port;
  const auto last = SocketAddress::parse(":" + std::string(pattern.substr(dash + 1)));
  return last && first->port <= address.port && address.port <= last->port;
}

Findings settle_tcp_claims(std::vector<Service>& services, const RoutingTable* previous, const Config& config) {
  return Settlement(services, previous, config).run();
}

std::vector<SocketAddress> tcp_addresses(const std::vector<Service>& services) {
  std::set<SocketAddress> addresses;
  for (const Service& service : services) add_addresses(service, addresses);
  return {addresses.begin(), addresses.end()};
}

std::vector<SocketAddress> tcp_addresses(const RoutingTable& table) {
  std::set<SocketAddress> addresses;
  for (const auto& service : table.services) add_addresses(*service, addresses);
  return {addresses.begin(), addresses.end()};
}

}  // namespace gatehouse::conf
