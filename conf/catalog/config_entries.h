// config_entries.h: Consul's service-resolver, service-splitter and service-router entries to plain data. Pure.
//   The answers of /v1/config/KIND. What of an entry can't be carried is told where it stands: a field that only
//   changes how something looks as a warning; a condition that can't be asked drops its route, a destination that
//   can't be reached is refused with its reason (`refused`), never replaced by another. An answer that is no list is
//   refused whole.
//   Limits  nesting 30, 8192 entries, 256 routes and 64 splits each. Source: Consul's documentation,
//           config-entries/service-{resolver,splitter,router}.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/catalog/consul_health.h"
#include "conf/finding.h"
#include "conf/service.h"
#include "conf/service_layer.h"
#include "net/result.h"

namespace gatehouse::catalog {

inline constexpr std::string_view resolver_kind = "service-resolver", splitter_kind = "service-splitter",
                                  router_kind = "service-router";
inline constexpr std::size_t entries_most = 8192, router_routes_most = 256, splits_most = 64;

struct Destination {
  std::string service, subset;  // empty: the entry's own service; its default subset
  std::string refused;          // not empty: it can't be reached from here, and why
};

struct Subset {
  std::string filter;  // entry_filter.h
  bool only_passing = false;
};

struct SubsetFailover {
  std::vector<std::string> datacenters;
  Destination to;  // of the same datacenter
};

struct Redirection {
  Destination to;
  std::string datacenter;  // empty: that of the service
};

struct Resolver {
  conf::Position at;
  std::string default_subset;
  std::map<std::string, Subset> subsets;
  std::map<std::string, SubsetFailover> failover;  // by subset; "*": of all others
  std::optional<Redirection> redirect;
  conf::ServiceLayer keys{.spelling = "consul", .settings = {}};  // what it says in our own keys
};

struct Split {
  double share = 0;  // of a hundred
  Destination to;
};

struct Splitter {
  conf::Position at;
  std::vector<Split> splits;
};

struct RouterRoute {
  conf::RouteMatch match;  // without a host
  Destination to;
  std::optional<std::string> prefix_rewrite;
  std::optional<Millis> request_timeout, idle_timeout;
  std::optional<conf::RetryPolicy> retry;
};

struct Router {
  conf::Position at;
  std::vector<RouterRoute> routes;  // the first that matches counts
};

struct ConfigEntries {
  std::map<std::string, Resolver> resolvers;  // by service
  std::map<std::string, Splitter> splitters;
  std::map<std::string, Router> routers;
  conf::Findings findings;

  std::size_t size() const { return resolvers.size() + splitters.size() + routers.size(); }
  bool empty() const { return size() == 0; }
  // What another source says of services that nothing is said of here.
  void add(const ConfigEntries& other);
  // The services that the entries of this one lead to, over however many entries.
  std::vector<std::string> leads_to(const std::string& service) const;
};

// Of one kind; entries of other kinds in it are passed over.
Result<ConfigEntries> parse_config_entries(std::string_view body, const ConsulPlace& place);

}  // namespace gatehouse::catalog
