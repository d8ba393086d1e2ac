// translate.h: instances and gatehouse.yaml to the table that the routing world is built from. Pure.
//   Groups instances by service, merges what is said of each, applies Consul's config entries, settles who holds a
//   route and which datacenter serves, and shares with the previous table every service that has not changed.
//   Services without a route or a TCP address are not in the table; those with routes but no instance are, and answer
//   503. What is wrong with one service is told and touches no other.
//   Limits: 1000 findings; the rest is counted.
#pragma once

#include <span>
#include <vector>

#include "conf/catalog/config_entries.h"
#include "conf/catalog/datacenters.h"
#include "conf/config.h"
#include "conf/pages.h"
#include "conf/service.h"

namespace gatehouse::catalog {

constexpr std::size_t findings_max = 1000;

struct TranslateInput {
  std::span<const conf::Instance> instances;  // in the catalog's order
  const conf::Config& config;
  const conf::RoutingTable* previous = nullptr;  // who held which route; what is shared
  conf::ReadFile read_file;                      // of pages
  std::vector<IpAddress> local_addresses;        // of this machine: where a listener on [::] answers
  ConfigEntries entries;                         // of Consul
  FailedOver failed_over;
  HomeNews at_home = HomeNews::heard;
  bool is_partial = false;  // there are sources that were not asked: nothing is missing
};

conf::RoutingTable translate(const TranslateInput& input);

}  // namespace gatehouse::catalog
