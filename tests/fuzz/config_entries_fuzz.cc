// Config entries of any bytes: refused whole, or read within their limits; and applied to services they name they
// end, never weaken what a route restricts, and give the same when applied again.
#include <algorithm>
#include <cstdint>
#include <string>

#include "conf/catalog/entry_routes.h"
#include "conf/finding.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;

namespace {

std::vector<conf::Service> services() {
  std::vector<conf::Service> out;
  for (const char* name : {"web", "canary", "admin"}) {
    conf::Service service;
    service.name = name;
    for (const char* id : {"1", "2"}) {
      conf::Instance instance{.datacenter = "dc1", .node = "n1", .service = name, .id = std::string(name) + id};
      instance.address = "10.0.0.1";
      instance.port = 80;
      instance.meta["version"] = id;
      instance.tags = {id};
      service.instances.push_back(instance);
    }
    out.push_back(service);
  }
  conf::Route route;
  route.match.host = "web.test";
  route.policy.deny = {*IpPrefix::parse("10.0.0.0/8")};
  out[0].routes = {route};
  return out;
}

void require_sound(const conf::Service& service) {
  for (const conf::Route& route : service.routes) {
    REQUIRE(route.match.host == "web.test" && route.match.path.starts_with('/'));
    REQUIRE(route.policy.deny.size() == 1);
  }
  for (const conf::Instance& instance : service.instances)
    REQUIRE(instance.weight_passing >= 1 && instance.weight_passing <= 65535);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<catalog::ConfigEntries> entries = catalog::parse_config_entries(text, {"dc1", "consul dc1"});
  if (!entries) return 0;
  for (const auto& [name, splitter] : entries->splitters) REQUIRE(splitter.splits.size() <= catalog::splits_most);
  for (const auto& [name, router] : entries->routers) REQUIRE(router.routes.size() <= catalog::router_routes_most);
  std::vector<conf::Service> first = services(), second = services();
  catalog::apply_entries(first, *entries, {});
  catalog::apply_entries(second, *entries, {});
  REQUIRE(first == second);
  std::ranges::for_each(first, require_sound);
  entries->leads_to("web");
  return 0;
}
