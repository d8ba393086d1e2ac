#include "conf/claims.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace gatehouse::conf {
namespace {

constexpr std::string_view by_router = ", by the router of ";

struct Right {
  int said_by = 1;        // gatehouse.yaml 0, tags 1, Consul's config entries 2
  bool departed = false;  // its service has nobody left
  bool newcomer = true;
  std::string_view service;  // whose it is; by name
  const Route* route = nullptr;
};

bool stronger(const Right& a, const Right& b) {
  return std::tie(a.said_by, a.departed, a.newcomer, a.service) <
         std::tie(b.said_by, b.departed, b.newcomer, b.service);
}

bool has_departed(const Service& service) {
  return !service.instances.empty() && std::all_of(service.instances.begin(), service.instances.end(),
                                                   [](const Instance& i) { return i.departed; });
}

int said_by(const Route& route) {
  const std::string_view said = std::string_view(route.spelling).substr(0, route.spelling.find(by_router));
  return said == "yaml" ? 0 : said == "consul" ? 2 : 1;
}

std::string_view holder_of(const Route& route, const Service& service) {
  const std::string_view router = router_of(route);
  return router.empty() ? service.name : router;
}

std::string where(const Route& route) {
  if (route.at.file.empty()) return "";
  return " (" + route.at.file + (route.at.line != 0 ? ":" + std::to_string(route.at.line) : "") + ")";
}

}  // namespace

std::string claim_key(const RouteMatch& match) {
  std::string key = match.host + ":" + std::to_string(match.port) + match.path;
  if (match.exact_path) key += "\x1fp";
  for (const std::string& method : match.methods) key += "\x1fm" + method;
  for (const HeaderMatch& header : match.headers) key += "\x1fh" + header.name + ":" + header.value;
  return key;
}

std::string spelling_by_router(const std::string& said, const std::string& service) {
  return said + std::string(by_router) + service;
}

std::string_view router_of(const Route& route) {
  const std::size_t at = route.spelling.find(by_router);
  return at == std::string::npos ? std::string_view()
                                 : std::string_view(route.spelling).substr(at + by_router.size());
}

Findings settle_claims(std::vector<Service>& services, const RoutingTable* previous) {
  std::unordered_map<std::string, std::string_view> holders;
  if (previous != nullptr)
    for (const auto& service : previous->services)
      for (const Route& route : service->routes) holders.emplace(claim_key(route.match), holder_of(route, *service));

  std::sort(services.begin(), services.end(), [](const Service& a, const Service& b) { return a.name < b.name; });
  std::unordered_map<std::string, Right> winners;
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const Route& route : services[i].routes) {
      std::string key = claim_key(route.match);
      const auto holder = holders.find(key);
      const std::string_view whose = holder_of(route, services[i]);
      const Right right{.said_by = said_by(route),
                        .departed = has_departed(services[i]),
                        .newcomer = holder == holders.end() || holder->second != whose,
                        .service = whose,
                        .route = &route};
      const auto [known, fresh] = winners.try_emplace(std::move(key), right);
      if (!fresh && stronger(right, known->second)) known->second = right;
    }
  }

  Findings findings;
  std::vector<std::vector<Route>> kept(services.size());  // the winners' routes must outlive the comparison
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const Route& route : services[i].routes) {
      const Right& winner = winners.find(claim_key(route.match))->second;
      if (winner.route == &route) {
        kept[i].push_back(route);
        continue;
      }
      findings.push_back({route.at, services[i].name + ": route",
                          route.match.text() + " is " + std::string(winner.service) + "'s" + where(*winner.route) +
                              ": conflict, left out"});
    }
  }
  for (std::size_t i = 0; i < services.size(); ++i) services[i].routes = std::move(kept[i]);
  return findings;
}

}  // namespace gatehouse::conf
