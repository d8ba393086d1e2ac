// Traefik's tags, one a line: each is judged, what is said is well-formed, and a router with a middleware that we
// don't have is not served.
#include <cstdint>

#include "conf/catalog/traefik_tags.h"
#include "conf/catalog/traefik_tree.h"
#include "tests/fuzz/foreign_tags.h"

using namespace gatehouse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const conf::Instance instance = catalog::instance_of(text, "web");
  const std::vector<conf::Listen> listen = catalog::listeners();
  const catalog::ForeignTags tags = catalog::traefik_tags(instance, {listen});
  catalog::require_sound(tags);
  std::size_t ours = 0;
  for (const std::string& tag : instance.tags) ours += catalog::lower_case(tag).starts_with("traefik.") ? 1 : 0;
  REQUIRE(tags.verdicts.size() == ours);
  // The same router behind a middleware that isn't there.
  conf::Instance guarded = instance;
  for (const std::string& name : catalog::TraefikTree(instance.tags).names("http.routers."))
    guarded.tags.push_back("traefik.http.routers." + name + ".middlewares=guard@elsewhere");
  const catalog::ForeignTags behind = catalog::traefik_tags(guarded, {listen});
  if (const auto routes = behind.layer.settings.find("route"); routes != behind.layer.settings.end())
    for (const conf::Setting& route : routes->second)
      REQUIRE(!route.refused.empty() || catalog::TraefikTree(instance.tags).names("http.routers.").empty());
  catalog::require_translates({instance, catalog::instance_of(text, "canary")}, "traefik");
  return 0;
}
