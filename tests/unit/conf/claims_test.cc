#include "conf/claims.h"

#include <gtest/gtest.h>

#include "conf/pages.h"

namespace gatehouse::conf {
namespace {

Service service(const std::string& name, const std::vector<std::string>& hosts, const char* spelling = "native") {
  Service out{.name = name};
  for (const std::string& host : hosts) {
    Route route;
    route.match.host = host;
    route.spelling = spelling;
    route.at = {{name + ".json", 2, 3}};
    out.routes.push_back(route);
  }
  return out;
}

RoutingTable table(const std::vector<Service>& services) {
  RoutingTable out;
  for (const Service& one : services) out.services.push_back(std::make_shared<const Service>(one));
  return out;
}

std::vector<std::string> hosts_of(const std::vector<Service>& services, std::string_view name) {
  std::vector<std::string> out;
  for (const Service& one : services)
    if (one.name == name)
      for (const Route& route : one.routes) out.push_back(route.match.host);
  return out;
}

TEST(Claims, WithoutAHolderTheFirstByNameHasIt) {
  std::vector<Service> services{service("shop", {"a.example", "s.example"}), service("bank", {"a.example"})};
  const Findings findings = settle_claims(services, nullptr);
  EXPECT_EQ(hosts_of(services, "bank"), (std::vector<std::string>{"a.example"}));
  EXPECT_EQ(hosts_of(services, "shop"), (std::vector<std::string>{"s.example"}));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].text(), "shop.json:2:3: shop: route: a.example/ is bank's (bank.json:2): conflict, left out");
}

TEST(Claims, TheHolderKeepsIt) {
  const RoutingTable before = table({service("shop", {"a.example"})});
  std::vector<Service> services{service("shop", {"a.example"}), service("bank", {"a.example"})};
  EXPECT_EQ(settle_claims(services, &before).size(), 1u);
  EXPECT_EQ(hosts_of(services, "shop").size(), 1u);
  EXPECT_TRUE(hosts_of(services, "bank").empty());
}

TEST(Claims, OnceTheHolderIsGoneTheOtherHasIt) {
  const RoutingTable before = table({service("shop", {"a.example"})});
  std::vector<Service> services{service("shop", {}), service("bank", {"a.example"})};
  EXPECT_TRUE(settle_claims(services, &before).empty());
  EXPECT_EQ(hosts_of(services, "bank").size(), 1u);
}

TEST(Claims, TheFileComesBeforeTagsEvenOfTheHolder) {
  const RoutingTable before = table({service("bank", {"a.example"})});
  std::vector<Service> services{service("shop", {"a.example"}, "yaml"), service("bank", {"a.example"})};
  settle_claims(services, &before);
  EXPECT_EQ(hosts_of(services, "shop").size(), 1u);
  EXPECT_TRUE(hosts_of(services, "bank").empty());
}

// What a router makes of a route that takes the place of the service's own.
Service led(const std::string& to, const std::string& from, const char* spelling = "native") {
  Service out = service(to, {"a.example"}, spelling);
  out.routes[0].derived.emplace().router = from;
  return out;
}

TEST(Claims, ARouterTakesNothingFromWhatItsServiceMayClaim) {
  std::vector<Service> services{led("zoo", "web", "yaml"), service("bank", {"a.example"})};
  const Findings findings = settle_claims(services, nullptr);
  EXPECT_EQ(hosts_of(services, "zoo").size(), 1u);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_NE(findings[0].text().find("a.example/ is web's"), std::string::npos) << findings[0].text();
}

TEST(Claims, AServiceHoldsItsRouteWhereverItsRouterLeads) {
  const RoutingTable own = table({service("web", {"a.example"})});
  std::vector<Service> services{led("zoo", "web"), service("bank", {"a.example"})};
  settle_claims(services, &own);
  EXPECT_EQ(hosts_of(services, "zoo").size(), 1u) << "once there is a router";
  const RoutingTable by_router = table({led("zoo", "web")});
  services = {service("web", {"a.example"}), service("bank", {"a.example"})};
  settle_claims(services, &by_router);
  EXPECT_EQ(hosts_of(services, "web").size(), 1u) << "once there is none";
}

TEST(Claims, TheServiceThatIsLedToHasNoSecondRouteOfTheSameClaim) {
  std::vector<Service> services{led("zoo", "web", "yaml")};
  services[0].routes.push_back(service("zoo", {"a.example"}).routes[0]);
  EXPECT_EQ(settle_claims(services, nullptr).size(), 1u);
  ASSERT_EQ(hosts_of(services, "zoo").size(), 1u);
  EXPECT_EQ(router_of(services[0].routes[0]), "web");
}

TEST(Claims, WhatARouterAloneClaimsComesAfterTags) {
  std::vector<Service> services{led("admin", "web", "consul"), service("bank", {"a.example"})};
  settle_claims(services, nullptr);
  EXPECT_EQ(hosts_of(services, "bank").size(), 1u);
}

RouteMatch part(std::uint16_t port, const std::string& path, const std::vector<std::string>& methods = {},
                const std::vector<HeaderMatch>& headers = {}) {
  RouteMatch match;
  match.port = port;
  match.path = path;
  match.methods = methods;
  match.headers = headers;
  return match;
}

// Whether a tag's route stands beside what gatehouse.yaml routes to another service, both of the same host.
bool stands_beside(RouteMatch by_tags, RouteMatch by_file) {
  by_tags.host = by_file.host = "a.example";
  Service file{.name = "web"}, tags{.name = "a-guest"};
  file.routes.emplace_back().match = by_file;
  file.routes[0].spelling = "yaml";
  file.routes[0].at = {{"gatehouse.yaml", 7, 3}};
  tags.routes.emplace_back().match = by_tags;
  std::vector<Service> services{file, tags};
  const Findings findings = settle_claims(services, nullptr);
  EXPECT_EQ(services[1].routes.size(), 1u) << "the file's stands";
  EXPECT_EQ(findings.size(), 1 - services[0].routes.size());
  return !services[0].routes.empty();
}

TEST(Claims, TagsTakeNoNarrowerPartOfWhatTheFileRoutes) {
  const std::vector<HeaderMatch> field{{"x-a", "1"}};
  EXPECT_FALSE(stands_beside(part(443, "/"), part(0, "/")));
  EXPECT_FALSE(stands_beside(part(443, "/shop"), part(0, "/shop/cart"))) << "a port comes before the longest path";
  EXPECT_FALSE(stands_beside(part(0, "/", {"GET"}), part(0, "/")));
  EXPECT_FALSE(stands_beside(part(0, "/", {}, field), part(0, "/")));
  EXPECT_FALSE(stands_beside(part(0, "/", {"GET"}, field), part(0, "/", {}, field)));
  EXPECT_FALSE(stands_beside(part(0, "/", {}, {{"x-b", ""}}), part(0, "/", {}, field))) << "who has both?";
  RouteMatch exact = part(0, "/");
  exact.exact_path = true;
  EXPECT_FALSE(stands_beside(exact, part(0, "/")));
}

TEST(Claims, TagsMayHaveOtherPathsOfAHostAndWhatTheFileDoesNotRoute) {
  const std::vector<HeaderMatch> field{{"x-a", "1"}};
  EXPECT_TRUE(stands_beside(part(0, "/shop"), part(0, "/")));
  EXPECT_TRUE(stands_beside(part(443, "/shop"), part(0, "/")));
  EXPECT_TRUE(stands_beside(part(443, "/"), part(80, "/")));
  EXPECT_TRUE(stands_beside(part(0, "/"), part(443, "/"))) << "what the file leaves";
  EXPECT_TRUE(stands_beside(part(0, "/"), part(0, "/", {"GET"}))) << "what the file leaves";
  EXPECT_TRUE(stands_beside(part(0, "/", {"GET"}), part(0, "/", {"POST"})));
  EXPECT_TRUE(stands_beside(part(0, "/", {}, {{"x-a", "2"}}), part(0, "/", {}, field)));
  EXPECT_TRUE(stands_beside(part(443, "/shops"), part(0, "/shop")));
}

TEST(Claims, WhoseRouteTagsTakeAPartOfIsTold) {
  std::vector<Service> services{service("web", {"a.example"}, "yaml"), service("bank", {"a.example"})};
  services[1].routes[0].match.port = 443;
  const Findings findings = settle_claims(services, nullptr);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].text(),
            "bank.json:2:3: bank: route: a.example:443/ takes a part of a.example/, which is web's (web.json:2): "
            "conflict, left out; of what gatehouse.yaml routes, tags may have other paths");
}

TEST(Claims, AServiceMayTakeAPartOfItsOwn) {
  std::vector<Service> services{service("web", {"a.example", "a.example"}, "yaml")};
  services[0].routes[1].match.port = 443;
  services[0].routes[1].spelling = "native";
  EXPECT_TRUE(settle_claims(services, nullptr).empty());
  EXPECT_EQ(services[0].routes.size(), 2u);
}

Service departed(const std::string& name, bool awaited) {
  Service out = service(name, {"a.example"});
  out.instances.emplace_back().departed = true;
  out.instances[0].awaited = awaited;
  return out;
}

TEST(Claims, AHolderThatDepartedIsAwaited) {
  const RoutingTable before = table({service("shop", {"a.example"})});
  std::vector<Service> services{departed("shop", true), service("bank", {"a.example"})};
  EXPECT_EQ(settle_claims(services, &before).size(), 1u);
  EXPECT_EQ(hosts_of(services, "shop").size(), 1u);
  services = {departed("shop", false), service("bank", {"a.example"})};
  settle_claims(services, &before);
  EXPECT_EQ(hosts_of(services, "bank").size(), 1u) << "not for ever";
  const RoutingTable of_bank = table({service("bank", {"a.example"})});
  services = {departed("shop", true), service("bank", {"a.example"})};
  settle_claims(services, &of_bank);
  EXPECT_EQ(hosts_of(services, "bank").size(), 1u) << "who held nothing is not awaited";
}

TEST(Claims, OtherConditionsAreAnotherClaim) {
  std::vector<Service> services{service("shop", {"a.example"}), service("bank", {"a.example"})};
  services[0].routes[0].match.methods = {"POST"};
  EXPECT_TRUE(settle_claims(services, nullptr).empty());
}

TEST(Claims, ServicesComeOutByName) {
  std::vector<Service> services{service("b", {}), service("a", {})};
  settle_claims(services, nullptr);
  EXPECT_EQ(services[0].name, "a");
}

Service with_page(const std::string& name, const std::string& file) {
  Service out = service(name, {name + ".example"});
  out.routes[0].policy.pages = {Page{.file = file, .at = {{"gatehouse.yaml", 7}}}};
  return out;
}

TEST(Pages, AFileIsReadOnceAndShared) {
  int reads = 0;
  const ReadFile read = [&](const std::string&) -> Result<std::string> {
    ++reads;
    return std::string("sorry");
  };
  std::vector<Page> of_no_route;
  std::vector<Service> services{with_page("a", "/x.html"), with_page("b", "/x.html")};
  EXPECT_TRUE(load_pages(services, of_no_route, nullptr, read).empty());
  EXPECT_EQ(reads, 1);
  EXPECT_TRUE(services[0].routes[0].policy.pages[0].body.shares_with(services[1].routes[0].policy.pages[0].body));
  EXPECT_EQ(services[1].routes[0].policy.pages[0].body.view(), "sorry");
}

TEST(Pages, OneThatCannotBeReadKeepsItsLastTextOrIsLeftOut) {
  const ReadFile fails = [](const std::string&) -> Result<std::string> { return invalid("Permission denied"); };
  Service before = with_page("a", "/x.html");
  before.routes[0].policy.pages[0].body = "sorry";
  const RoutingTable previous = table({before});
  std::vector<Page> of_no_route;
  std::vector<Service> services{with_page("a", "/x.html"), with_page("b", "/y.html")};
  const Findings findings = load_pages(services, of_no_route, &previous, fails);
  EXPECT_EQ(services[0].routes[0].policy.pages[0].body.view(), "sorry");
  EXPECT_TRUE(services[1].routes[0].policy.pages.empty());
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].text(), "gatehouse.yaml:7: pages: Permission denied; its last text stays in force");
  EXPECT_EQ(findings[1].text(), "gatehouse.yaml:7: pages: Permission denied; left out");
}

TEST(Pages, OneByteOverTheLimitIsLeftOut) {
  std::size_t size = page_bytes_max;
  const ReadFile read = [&](const std::string&) -> Result<std::string> { return std::string(size, 'x'); };
  std::vector<Page> of_no_route;
  std::vector<Service> services{with_page("a", "/x.html")};
  EXPECT_TRUE(load_pages(services, of_no_route, nullptr, read).empty());
  size = page_bytes_max + 1;
  EXPECT_EQ(load_pages(services, of_no_route, nullptr, read).at(0).text(),
            "gatehouse.yaml:7: pages: /x.html: larger than 1 MiB; left out");
}

}  // namespace
}  // namespace gatehouse::conf
