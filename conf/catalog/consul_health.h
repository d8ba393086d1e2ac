// consul_health.h: the answers of /v1/health/service/NAME and /v1/catalog/services to plain data. Pure.
//   An answer that isn't one (cut, not JSON, a field of another type) is refused whole: the last good one stays.
//   An instance's health is the worst of its checks and its node's; maintenance is told by Consul's own check ids and
//   is no failure. Checks that have not run yet are critical, as after each restart of their agent: that is told.
//   Mesh proxies and gateways are left out. Limits: what is nested beyond 32 is not looked at; 65,536 instances of a
//   service; tags_most and tags_bytes_most of an instance, the rest is counted. Source: Consul 1.12's api/health.go
//   and agent/structs; the API's documentation.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::catalog {

constexpr std::size_t tags_most = 2048, tags_bytes_most = 128 << 10;  // of an instance
constexpr std::size_t reason_bytes_most = 200;                        // of what a failing check says

struct ConsulPlace {
  std::string datacenter;
  std::string shown_as;          // in findings: "consul dc1"
  std::string tagged_address{};  // which of TaggedAddresses to use: "lan", "wan", …; empty: the instance's own
};

using InstanceKey = std::pair<std::string, std::string>;  // node, id

// `unproven` gets those that are critical only for checks which have not run yet.
Result<std::vector<conf::Instance>> parse_health(std::string_view body, const ConsulPlace& place,
                                                 std::set<InstanceKey>* unproven = nullptr);

// Names to the tags of their instances: one of each spelling, and one that looks as if it were meant to be ours.
using ServiceTags = std::map<std::string, std::vector<std::string>>;
Result<ServiceTags> parse_services(std::string_view body);

}  // namespace gatehouse::catalog
