// traefik_middlewares.h: a Traefik router's chain of middlewares as options of our routes. Pure.
//   Only those that the instance's own tags define count: what another registration says can't loosen a route. One
//   that restricts or rewrites, or that we don't know, and that our keys can't say refuses the router; one that only
//   adorns is told.
//   Limits   chains of chains: 8 deep, 64 middlewares.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/catalog/traefik_tree.h"
#include "net/ip.h"

namespace gatehouse::catalog {

// What the middlewares ask of a router's routes.
struct TraefikPolicy {
  std::vector<std::string> options;  // "prepend=/v1", "max_body=1000"
  std::vector<std::string> strip;    // of these the prefix that the route's path has
  std::optional<std::vector<IpPrefix>> allow;
  struct Redirect {
    std::string host, value;  // of this host alone: "301,https://www.example$path"
  };
  std::optional<Redirect> redirect;
  bool to_https = false;
  std::string refused;  // not empty: why the router isn't served
};

// key: the tag that names them, "http.routers.NAME.middlewares".
TraefikPolicy traefik_policy(TraefikTree& tree, const std::string& key);

// "name@consulcatalog" is "name", lower case; empty: another provider's.
std::string traefik_name(std::string_view text);

}  // namespace gatehouse::catalog
