#include "conf/catalog/fabio_pool.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

conf::Service service(const std::string& name, const std::vector<std::string>& hosts,
                      const char* spelling = "fabio") {
  conf::Service out;
  out.name = name;
  for (const std::string& host : hosts) {
    conf::Route route;
    route.match.host = host;
    route.spelling = spelling;
    out.routes.push_back(route);
  }
  out.instances.push_back({.service = name, .id = name + "-1"});
  return out;
}

using Counts = std::vector<std::pair<std::size_t, std::size_t>>;  // routes and instances

Counts pooled(std::vector<conf::Service> services, const conf::RoutingTable* previous = nullptr) {
  pool_fabio_routes(services, previous);
  Counts out;
  for (const conf::Service& one : services) out.emplace_back(one.routes.size(), one.instances.size());
  return out;
}

TEST(FabioPool, ACanaryWithItsOwnNameJoinsTheService) {
  EXPECT_EQ(pooled({service("web", {"a"}), service("web-canary", {"a"})}), (Counts{{1, 2}, {0, 1}}));
  EXPECT_EQ(pooled({service("z", {"a"}), service("y", {"a"}), service("x", {"a"})}),
            (Counts{{0, 1}, {0, 1}, {1, 3}}));
}

TEST(FabioPool, TheHolderKeepsItsName) {
  conf::RoutingTable before;
  before.services = {std::make_shared<conf::Service>(service("web", {"a"}))};
  EXPECT_EQ(pooled({service("canary", {"a"}), service("web", {"a"})}, &before), (Counts{{0, 1}, {1, 2}}));
}

TEST(FabioPool, WhoHasMoreRoutesLendsItsInstancesToTheSharedOnes) {
  EXPECT_EQ(pooled({service("all", {"a", "b"}), service("few", {"b"})}), (Counts{{1, 1}, {1, 2}}));
}

TEST(FabioPool, RoutesThatNoServiceHasAloneStayAConflict) {
  EXPECT_EQ(pooled({service("one", {"a", "b"}), service("two", {"a", "c"})}), (Counts{{2, 1}, {2, 1}}));
}

TEST(FabioPool, OnlyWhatIsAlikeIsShared) {
  conf::Service restricted = service("restricted", {"a"});
  restricted.routes[0].policy.allow = {*IpPrefix::parse("10.0.0.0/8")};
  EXPECT_EQ(pooled({service("open", {"a"}), restricted}), (Counts{{1, 1}, {1, 1}}));
  conf::Service tls = service("tls", {"a"});
  tls.protocol = conf::Protocol::https;
  EXPECT_EQ(pooled({service("plain", {"a"}), tls}), (Counts{{1, 1}, {1, 1}}));
  EXPECT_EQ(pooled({service("fabio", {"a"}), service("native", {"a"}, "native")}), (Counts{{1, 1}, {1, 1}}));
}

TEST(FabioPool, ItIsTold) {
  std::vector<conf::Service> services{service("web", {"a"}), service("web-canary", {"a"})};
  const conf::Findings findings = pool_fabio_routes(services, nullptr);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].text(), "note: web-canary: route: a/ is shared with web, as in fabio");
}

}  // namespace
}  // namespace gatehouse::catalog
