// service_layer.h: what one spelling (gatehouse.yaml, native tags, fabio's, Traefik's) says of a service.
//   Keys are kept as they were said (name, value, where) after their grammar was checked; layers are merged key by
//   key by merge.h: the first layer that says a key wins, routes are the union. One table (service_keys.h) knows
//   every key: its scope, trust, grammar and default.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"

namespace gatehouse::conf {

struct Setting {
  std::string value;
  Position at;
  // Not empty: a route of a foreign tag that restricts in a way we can't keep, and why. It answers 503.
  std::string refused = {};
  bool operator==(const Setting& other) const { return value == other.value && refused == other.refused; }
};

struct ServiceLayer {
  std::string spelling = "native";
  // Key to what was said; a repeatable key (route, pages, health …) keeps every value, in order.
  std::map<std::string, std::vector<Setting>, std::less<>> settings;
  bool operator==(const ServiceLayer&) const = default;
};

}  // namespace gatehouse::conf
