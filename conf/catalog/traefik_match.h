// traefik_match.h: one alternative of a Traefik rule as the match of one of our routes. Pure.
//   Whom it keeps out by ClientIP becomes networks that are allowed or denied. What our match can't say is a failure:
//   the alternative is left out, never widened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/catalog/traefik_rule.h"
#include "net/ip.h"

namespace gatehouse::catalog {

struct TraefikMatch {
  std::string host, path = "/";         // as a route is written
  std::vector<std::string> conditions;  // "if.path=exact", "if.method=GET"
  std::optional<std::vector<IpPrefix>> allow;
  std::vector<IpPrefix> deny;
  std::vector<std::string> differs;
  bool never = false;   // no request is like that
  std::string failure;  // not empty: why it can't be said
};

TraefikMatch traefik_match(const RuleAlternative& alternative);

// A regular expression that is just a host's name, "a\\.example" or "a.example"; empty: there is more to it.
std::string plain_host(std::string_view regexp);

// What is in both lists.
std::vector<IpPrefix> common_networks(const std::vector<IpPrefix>& a, const std::vector<IpPrefix>& b);

}  // namespace gatehouse::catalog
