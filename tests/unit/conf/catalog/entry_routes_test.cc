#include "conf/catalog/entry_routes.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "conf/catalog/entry_pools.h"
#include "conf/claims.h"

namespace gatehouse::catalog {
namespace {

using conf::Service;
using Texts = std::vector<std::string>;

conf::Instance instance(const std::string& service, const std::string& id, const std::string& version = "1",
                        unsigned weight = 1, const std::string& datacenter = "dc1") {
  conf::Instance out{
      .datacenter = datacenter, .node = "n-" + id, .service = service, .id = id, .address = "10.0.0.1"};
  out.port = 8000;
  out.weight_passing = weight;
  out.meta["version"] = version;
  return out;
}

conf::Route route(const std::string& host, const std::string& path = "/") {
  conf::Route out;
  out.match.host = host;
  out.match.path = path;
  return out;
}

// web is routed, the others are not; all have instances.
struct Given {
  Given() {
    for (const char* name : {"web", "canary", "admin"}) {
      Service service;
      service.name = name;
      service.instances = {instance(name, std::string(name) + "-1"), instance(name, std::string(name) + "-2", "2")};
      services.push_back(service);
    }
    services[0].routes = {route("web.test")};
  }

  EntryOutcome apply(const std::string& entries) {
    const Result<ConfigEntries> read = parse_config_entries("[" + entries + "]", {"dc1", "consul dc1"});
    EXPECT_TRUE(read && read->findings.empty()) << entries;
    return apply_entries(services, read ? *read : ConfigEntries(), standings);
  }

  const Service& of(const std::string& name) const {
    static const Service nobody;
    const auto found = std::ranges::find(services, name, &Service::name);
    return found == services.end() ? nobody : *found;
  }

  // "canary-1 10, web-1 90"
  std::string pool(const std::string& name) const {
    Texts each;
    for (const conf::Instance& i : of(name).instances)
      each.push_back(i.id + " " + std::to_string(i.weight_passing) + (i.backup ? " backup" : ""));
    std::ranges::sort(each);
    std::string out;
    for (const std::string& text : each) out += (out.empty() ? "" : ", ") + text;
    return out;
  }

  Texts routes(const std::string& name) const {
    Texts out;
    for (const conf::Route& each : of(name).routes)
      out.push_back(each.match.text() + (each.refused.empty() ? "" : " refused"));
    std::ranges::sort(out);
    return out;
  }

  std::vector<Service> services;
  Standings standings;
};

std::string splitter(const std::string& splits) {
  return R"({"Kind": "service-splitter", "Name": "web", "Splits": [)" + splits + "]}";
}
std::string resolver(const std::string& name, const std::string& body) {
  return R"({"Kind": "service-resolver", "Name": ")" + name + "\", " + body + "}";
}
std::string router(const std::string& routes) {
  return R"({"Kind": "service-router", "Name": "web", "Routes": [)" + routes + "]}";
}
const std::string subsets = R"("Subsets": {"v1": {"Filter": "Service.Meta.version == 1"},
                                           "v2": {"Filter": "Service.Meta.version == 2", "OnlyPassing": true}})";

TEST(EntryPools, ADefaultSubsetIsAllThatServes) {
  Given given;
  given.apply(resolver("web", R"("DefaultSubset": "v2", )" + subsets));
  EXPECT_EQ(given.pool("web"), "web-2 1");
  EXPECT_EQ(given.of("web").instances[0].weight_warning, 0u) << "only passing ones";
}

TEST(EntryPools, ARedirectToADatacenterWithoutInstancesIsRefusedWithAWord) {
  Given given;
  const EntryOutcome outcome = given.apply(resolver("web", R"("Redirect": {"Datacenter": "dc9"})"));
  EXPECT_EQ(given.of("web").routes[0].refused, "service-resolver web: there is no instance in dc9 to redirect to");
  EXPECT_EQ(outcome.findings.size(), 1u);
}

TEST(EntryPools, SplitsGiveEachGroupItsShareHoweverManyItIs) {
  Given given;
  given.services[0].instances.push_back(instance("web", "web-3", "1", 2));
  given.apply(splitter(R"({"Weight": 90, "ServiceSubset": "v1"}, {"Weight": 10, "ServiceSubset": "v2"})") + "," +
              resolver("web", subsets));
  EXPECT_EQ(given.pool("web"), "web-1 3000, web-2 1000, web-3 6000");
}

TEST(EntryPools, OneThatTheCatalogCallsCriticalTakesNoShare) {
  Given given;
  given.services[1].instances[0].catalog_health = conf::CatalogHealth::critical;
  given.apply(splitter(R"({"Weight": 80}, {"Weight": 20, "Service": "canary"})"));
  EXPECT_EQ(given.pool("web"), "canary-1 2000, canary-2 2000, web-1 4000, web-2 4000");
}

TEST(EntryPools, AShareIsThatOfTheWeightsInForce) {
  Given given;
  for (conf::Instance& each : given.services[1].instances) {
    each.catalog_health = conf::CatalogHealth::warning;
    each.weight_passing = 100;
  }
  given.apply(splitter(R"({"Weight": 80}, {"Weight": 20, "Service": "canary"})"));
  for (const conf::Instance& each : given.of("web").instances)
    EXPECT_EQ(each.service == "canary" ? each.weight_warning : each.weight_passing,
              each.service == "canary" ? 1000u : 4000u);
}

TEST(EntryPools, EachDatacenterIsSplitByItself) {
  Given given;
  given.services[0].instances = {instance("web", "web-1"), instance("web", "far-1", "1", 1, "dc2")};
  given.services[1].instances = {instance("canary", "canary-1"), instance("canary", "far-2", "1", 1, "dc2"),
                                 instance("canary", "far-3", "1", 1, "dc2")};
  given.apply(splitter(R"({"Weight": 90}, {"Weight": 10, "Service": "canary"})"));
  EXPECT_EQ(given.pool("web"), "canary-1 1000, far-1 9000, far-2 500, far-3 500, web-1 9000");
}

TEST(EntryPools, SplittersOfSplittersMultiply) {
  Given given;
  given.apply(splitter(R"({"Weight": 50}, {"Weight": 50, "Service": "canary"})") +
              R"(,{"Kind": "service-splitter", "Name": "canary", "Splits": [
                   {"Weight": 20}, {"Weight": 80, "Service": "admin"}, {"Weight": 0, "Service": "nobody"}]})");
  EXPECT_EQ(given.pool("web"), "admin-1 2000, admin-2 2000, canary-1 500, canary-2 500, web-1 2500, web-2 2500");
  EXPECT_EQ(given.pool("canary"), "admin-1 4000, admin-2 4000, canary-1 1000, canary-2 1000");
}

TEST(EntryPools, SplittersInACircleEnd) {
  Given given;
  given.apply(splitter(R"({"Weight": 50, "Service": "canary"}, {"Weight": 50, "Service": "admin"})") +
              R"(,{"Kind": "service-splitter", "Name": "canary", "Splits": [{"Weight": 50, "Service": "web"},
                                                                            {"Weight": 50, "Service": "web"}]})");
  EXPECT_FALSE(given.of("web").instances.empty());
}

TEST(EntryPools, AnInstanceOfTwoGroupsIsThereOnceWithBothShares) {
  Given given;
  given.apply(splitter(R"({"Weight": 60, "ServiceSubset": "v1"}, {"Weight": 40})") + "," + resolver("web", subsets));
  EXPECT_EQ(given.pool("web"), "web-1 8000, web-2 2000");
}

TEST(EntryPools, ARedirectLeadsToAnotherServiceAndDatacenter) {
  Given given;
  given.services[1].instances.push_back(instance("canary", "far-1", "1", 1, "dc2"));
  given.apply(resolver("web", R"("Redirect": {"Service": "canary", "Datacenter": "dc2"})"));
  EXPECT_EQ(given.pool("web"), "far-1 1");
}

TEST(EntryPools, AnotherServiceStandsByAsBackup) {
  Given given;
  given.apply(resolver("web", R"("Failover": {"*": {"Service": "canary"}})"));
  EXPECT_EQ(given.pool("web"), "canary-1 1 backup, canary-2 1 backup, web-1 1, web-2 1");
}

TEST(EntryPools, WhoStandsByForOneSplitKeepsTheShareOfItsOwn) {
  for (const char* splits : {R"({"Weight": 90, "ServiceSubset": "v1"}, {"Weight": 10, "ServiceSubset": "v2"})",
                             R"({"Weight": 10, "ServiceSubset": "v2"}, {"Weight": 90, "ServiceSubset": "v1"})"}) {
    Given given;
    given.apply(splitter(splits) + "," +
                resolver("web", R"("Failover": {"v1": {"ServiceSubset": "v2"}}, )" + subsets));
    EXPECT_EQ(given.pool("web"), "web-1 9000, web-2 1000") << splits;
  }
}

TEST(EntryPools, ABackupsOwnBackupsAreNotAsked) {
  Given given;
  given.apply(resolver("web", R"("Failover": {"*": {"Service": "canary"}})") + "," +
              resolver("canary", R"("Failover": {"*": {"Service": "admin"}})"));
  EXPECT_EQ(given.pool("web"), "canary-1 1 backup, canary-2 1 backup, web-1 1, web-2 1");
  EXPECT_EQ(given.pool("canary"), "admin-1 1 backup, admin-2 1 backup, canary-1 1, canary-2 1");
}

TEST(EntryPools, OthersInstancesKeepTheirOwnChecks) {
  Given given;
  given.services[1].health = conf::HealthCheck{.id = "canary's"};
  given.apply(splitter(R"({"Weight": 0}, {"Weight": 100, "Service": "canary"})"));
  ASSERT_EQ(given.of("web").instances[0].checks.size(), 1u);
  EXPECT_EQ(given.of("web").instances[0].checks[0].id, "canary's");
  Given with_own;
  with_own.services[0].health = conf::HealthCheck{.id = "web's"};
  with_own.services[1].health = conf::HealthCheck{.id = "canary's"};
  with_own.apply(splitter(R"({"Weight": 0}, {"Weight": 100, "Service": "canary"})"));
  EXPECT_TRUE(with_own.of("web").instances[0].checks.empty());
}

TEST(EntryPools, WhatIsMissingIsToldAndTheRestServes) {
  Given given;
  const EntryOutcome outcome = given.apply(splitter(R"({"Weight": 50}, {"Weight": 50, "Service": "nobody"})"));
  EXPECT_EQ(given.pool("web"), "web-1 2500, web-2 2500");
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].text(), "consul dc1 service-splitter web: web: the catalog has no service nobody");
  EXPECT_EQ(given.routes("web"), Texts{"web.test/"});
}

TEST(EntryPools, WhereNothingIsLeftTheRoutesAreRefused) {
  Given given;
  given.apply(resolver("web", R"("DefaultSubset": "v9", )" + subsets));
  EXPECT_EQ(given.pool("web"), "");
  EXPECT_EQ(given.of("web").routes[0].refused, "service-resolver web: there is no subset v9");
}

TEST(EntryPools, ASingleServiceIsNotSplit) {
  Given given;
  given.services[0].single = true;
  const EntryOutcome outcome = given.apply(splitter(R"({"Weight": 50}, {"Weight": 50, "Service": "canary"})"));
  EXPECT_EQ(given.pool("web"), "web-1 1, web-2 1");
  EXPECT_EQ(outcome.findings.size(), 1u);
}

TEST(EntryRoutes, ARouteLeadsToAnotherServiceWithWhatItsOwnRestricts) {
  Given given;
  given.services[0].routes[0].policy.allow = {*IpPrefix::parse("10.0.0.0/8")};
  given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/admin", "Methods": ["GET"]}},
                         "Destination": {"Service": "admin", "PrefixRewrite": "/", "RequestTimeout": "5s",
                                         "NumRetries": 3}})"));
  EXPECT_EQ(given.routes("web"), Texts{"web.test/"});
  ASSERT_EQ(given.of("admin").routes.size(), 1u);
  const conf::Route& admin = given.of("admin").routes[0];
  EXPECT_EQ(admin.match.path, "/admin");
  EXPECT_EQ(admin.match.methods, Texts{"GET"});
  EXPECT_EQ(conf::spelling_text(admin), "consul, by the router of web");
  EXPECT_EQ(admin.policy.allow.size(), 1u);
  EXPECT_EQ(admin.policy.strip, "/admin");
  EXPECT_EQ(admin.policy.prepend, "");
  EXPECT_EQ(admin.policy.total_timeout, Millis(5000));
  EXPECT_EQ(admin.policy.retry.attempts, 3u);
}

TEST(EntryRoutes, WhatTheRouteSaysItselfStands) {
  Given given;
  given.services[0].routes[0].policy.total_timeout = Millis(700);
  given.services[0].routes[0].policy.retry.attempts = 5;
  given.services[0].routes[0].policy.strip = "/forum";
  given.standings["web"].said[conf::claim_key(given.services[0].routes[0].match)] = {"total_timeout", "retry"};
  given.apply(router(R"({"Destination": {"RequestTimeout": "5s", "NumRetries": 2, "PrefixRewrite": "/v2"}})"));
  EXPECT_EQ(given.of("web").routes[0].policy.strip, "/forum");
  EXPECT_EQ(given.of("web").routes[0].policy.prepend, "");
  EXPECT_EQ(given.of("web").routes[0].policy.total_timeout, Millis(700));
  EXPECT_EQ(given.of("web").routes[0].policy.retry.attempts, 5u);
}

TEST(EntryRoutes, ADefaultThatIsSaidStandsAndWhatIsOnlySaidOfAllDoesNot) {
  Given given;
  given.standings["web"].said[conf::claim_key(given.services[0].routes[0].match)] = {"idle_timeout"};
  given.services[0].routes[0].policy.total_timeout = Millis(30'000);  // of "*"
  given.apply(router(R"({"Destination": {"RequestTimeout": "5s", "IdleTimeout": "9s"}})"));
  EXPECT_EQ(given.of("web").routes[0].policy.total_timeout, Millis(5000));
  EXPECT_EQ(given.of("web").routes[0].policy.idle_timeout, conf::RoutePolicy().idle_timeout);
}

TEST(EntryRoutes, WhatRestrictsTheServiceThatIsLedToRestrictsTheRoute) {
  const std::string to_admin =
      router(R"({"Match": {"HTTP": {"PathPrefix": "/a"}}, "Destination": {"Service": "admin"}})");
  const auto led = [&](const char* allowed, const conf::Standing& standing) {
    Given given;
    if (*allowed != '\0') given.services[0].routes[0].policy.allow = {*IpPrefix::parse(allowed)};
    given.standings["admin"] = standing;
    given.apply(to_admin);
    const bool refused = given.of("admin").routes.empty();
    return refused ? given.of("web").routes[0] : given.of("admin").routes[0];
  };
  const conf::Standing lan{.allow = {*IpPrefix::parse("10.1.0.0/16")}, .deny = {*IpPrefix::parse("10.1.2.3")}};
  EXPECT_EQ(led("", lan).policy.allow, lan.allow);
  EXPECT_EQ(led("", lan).policy.deny, lan.deny);
  EXPECT_EQ(led("10.0.0.0/8", lan).policy.allow, lan.allow) << "the narrower of both";
  EXPECT_EQ(led("10.1.7.0/24", lan).policy.allow, std::vector{*IpPrefix::parse("10.1.7.0/24")});
  EXPECT_EQ(led("192.168.0.0/16", lan).refused, "admin and the route that leads to it allow no client in common");
  EXPECT_EQ(led("", {.refused = "auth: not carried"}).refused, "admin: auth: not carried");
}

TEST(EntryRoutes, RoutersOfTheServicesLedToAreNotAsked) {
  for (const char* name : {"admin", "zoo"}) {  // before and after web
    Given given;
    given.services[2].name = name;
    given.services[2].routes = {route("admin.test")};
    std::ranges::sort(given.services, {}, &Service::name);
    given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/x"}}, "Destination": {"Service": ")" +
                       std::string(name) + "\"}}") +
                R"(,{"Kind": "service-router", "Name": ")" + name +
                R"(", "Routes": [{"Destination": {"Service": "canary"}}]})");
    EXPECT_EQ(given.routes(name), Texts{"web.test/x"}) << name;
    EXPECT_EQ(given.routes("canary"), Texts{"admin.test/"}) << name;
  }
}

TEST(EntryRoutes, ValuesOfOneHeaderExcludeEachOther) {
  Given given;
  given.services[0].routes.push_back(route("www.web.test"));
  std::string tenants;
  for (int i = 0; i < 12; ++i)
    tenants += (tenants.empty() ? "" : ",") + (R"({"Match": {"HTTP": {"Header": [{"Name": "X-Tenant", "Exact": "t)" +
                                               std::to_string(i) + R"("}]}}, "Destination": {"Service": "admin"}})");
  EXPECT_TRUE(given.apply(router(tenants)).findings.empty());
  EXPECT_EQ(given.of("admin").routes.size(), 24u);
}

TEST(EntryRoutes, OneThatMatchesAllTakesTheRouteItself) {
  Given given;
  given.apply(router(R"({"Destination": {"Service": "admin"}}, {"Match": {"HTTP": {"PathPrefix": "/late"}}})"));
  EXPECT_EQ(given.routes("web"), Texts());
  EXPECT_EQ(given.routes("admin"), (Texts{"web.test/", "web.test/late"}));
}

TEST(EntryRoutes, TheFirstThatMatchesCountsThoughTheMatcherLooksForTheNarrowest) {
  Given given;
  given.apply(router(R"({"Match": {"HTTP": {"Header": [{"Name": "x", "Present": true}]}},
                         "Destination": {"Service": "canary"}},
                        {"Match": {"HTTP": {"PathPrefix": "/admin"}}, "Destination": {"Service": "admin"}})"));
  ASSERT_EQ(given.of("canary").routes.size(), 2u) << "all with x, and those below /admin";
  EXPECT_EQ(given.routes("admin"), Texts{"web.test/admin"});
  EXPECT_EQ(given.routes("web"), Texts{"web.test/"});
}

TEST(EntryRoutes, ANarrowerRouteOfTheServiceKeepsItsOwnRestrictions) {
  Given given;
  given.services[0].routes.push_back(route("web.test", "/api"));
  given.services[0].routes[1].policy.deny = {*IpPrefix::parse("10.0.0.0/8")};
  given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/api/v2"}}, "Destination": {"Service": "admin"}},
                        {"Match": {"HTTP": {"PathPrefix": "/other"}}, "Destination": {"Service": "admin"}})"));
  EXPECT_EQ(given.routes("admin"), (Texts{"web.test/api/v2", "web.test/other"}));
  for (const conf::Route& each : given.of("admin").routes)
    EXPECT_EQ(each.policy.deny.empty(), each.match.path == "/other");
}

TEST(EntryRoutes, PathsAreComparedBySegments) {
  Given given;
  given.services[0].routes = {route("web.test", "/shop")};
  given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/shopping"}}, "Destination": {"Service": "admin"}},
                        {"Match": {"HTTP": {"PathExact": "/"}}, "Destination": {"Service": "admin"}},
                        {"Match": {"HTTP": {"PathExact": "/shop/x"}}, "Destination": {"Service": "admin"}})"));
  EXPECT_EQ(given.routes("admin"), Texts{"web.test/shop/x if.path=exact"});
  EXPECT_TRUE(given.of("admin").routes[0].match.exact_path);
}

TEST(EntryRoutes, ASubsetHasAServiceOfItsOwn) {
  Given given;
  given.services[0].balance = conf::Balance::round_robin;
  given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/new"}}, "Destination": {"ServiceSubset": "v2"}},
                        {"Match": {"HTTP": {"PathPrefix": "/newer"}}, "Destination": {"ServiceSubset": "v2"}})") +
              "," + resolver("web", subsets));
  EXPECT_EQ(given.routes("v2@web"), (Texts{"web.test/new", "web.test/newer"}));
  EXPECT_EQ(given.pool("v2@web"), "web-2 1");
  EXPECT_EQ(given.of("v2@web").balance, conf::Balance::round_robin);
  EXPECT_EQ(given.pool("web"), "web-1 1, web-2 1");
}

TEST(EntryRoutes, TheNameOfASubsetTellsItsService) {
  EXPECT_EQ(service_of(subset_name("web", "v2")), "web");
  EXPECT_EQ(service_of("web"), "web");
}

TEST(EntryRoutes, ASubsetFailsOverByItsOwnRule) {
  const auto failover = [](const std::string& of_service, const char* rules) {
    Given given;
    if (!of_service.empty()) given.services[0].failover = {of_service, Millis(0), Millis(0)};
    given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/new"}}, "Destination": {"ServiceSubset": "v2"}})") +
                "," +
                resolver("web", R"("DefaultSubset": "v1", "Failover": {)" + std::string(rules) + "}, " + subsets));
    return given.of("v2@web").failover.datacenter;
  };
  EXPECT_EQ(failover("", R"("v2": {"Datacenters": ["dc2"]})"), "dc2");
  EXPECT_EQ(failover("dc3", R"("v1": {"Datacenters": ["dc3"]})"), "");
  EXPECT_EQ(failover("dc3", R"("v2": {"Datacenters": ["dc2"]})"), "dc3") << "said by others";
}

TEST(EntryRoutes, WhoRegistersTheNameOfASubsetGainsNothing) {
  Given given;
  for (const char* name : {"v2.web", "v2@web"})
    given.services.push_back({.name = name, .instances = {instance(name, "evil")}});
  const EntryOutcome outcome =
      given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/new"}}, "Destination": {"ServiceSubset": "v2"}})") +
                  "," + resolver("web", subsets));
  EXPECT_EQ(given.routes("v2.web"), Texts());
  EXPECT_EQ(given.routes("v2@web"), Texts{"web.test/new"});
  EXPECT_EQ(given.pool("v2@web"), "web-2 1");
  EXPECT_EQ(given.routes("web"), Texts{"web.test/"});
  EXPECT_EQ(std::ranges::count(given.services, "v2@web", &Service::name), 1);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].path, "v2@web");
}

TEST(EntryRoutes, WhatLeadsNowhereIsRefusedAndNotServedByAnother) {
  Given given;
  const EntryOutcome outcome =
      given.apply(router(R"({"Match": {"HTTP": {"PathPrefix": "/a"}}, "Destination": {"Service": "nobody"}},
                            {"Match": {"HTTP": {"PathPrefix": "/b"}}, "Destination": {"ServiceSubset": "v9"}},
                            {"Match": {"HTTP": {"PathPrefix": "/c"}}, "Destination": {"Namespace": "team"}})"));
  EXPECT_EQ(given.routes("web"), (Texts{"web.test/", "web.test/a refused", "web.test/c refused"}));
  EXPECT_EQ(given.routes("v9@web"), Texts{"web.test/b refused"});
  EXPECT_EQ(outcome.findings.size(), 3u);
}

// A router's routes that each ask for another header.
std::string headers(int count) {
  std::string out;
  for (int i = 0; i < count; ++i)
    out += (i == 0 ? "" : ",") + (R"({"Match": {"HTTP": {"Header": [{"Name": "h)" + std::to_string(i) +
                                  R"(", "Present": true}]}}, "Destination": {"Service": "admin"}})");
  return out;
}

TEST(EntryRoutes, ConditionsThatHaveNothingToDoWithEachOtherCostOneRouteEach) {
  Given given;
  EXPECT_TRUE(given.apply(router(headers(200))).findings.empty());
  ASSERT_EQ(given.of("admin").routes.size(), 200u);
  for (unsigned i = 0; i < 200; ++i) EXPECT_EQ(given.of("admin").routes[i].derived->order, i);
  EXPECT_EQ(given.routes("web"), Texts{"web.test/"});
}

TEST(EntryRoutes, AtEachPathStandAllThatHoldThereInTheRoutersOrder) {
  Given given;
  given.apply(router(headers(2) + R"(,{"Match": {"HTTP": {"PathPrefix": "/a"}}, "Destination": {"Service": "canary"}},
                                       {"Match": {"HTTP": {"PathExact": "/a/b"}}, "Destination": {"Service": "canary"}})"));
  EXPECT_EQ(given.routes("canary"), (Texts{"web.test/a", "web.test/a/b", "web.test/a/b if.path=exact"}));
  EXPECT_EQ(given.of("admin").routes.size(), 6u);
}

TEST(EntryRoutes, WhatIsBeyondTheBoundIsRefusedAndNotServedByAnother) {
  Given given;
  given.services[0].routes.clear();
  for (int i = 0; i < 257; ++i) given.services[0].routes.push_back(route(std::to_string(i) + ".web.test"));
  const EntryOutcome outcome =
      given.apply(router(headers(64)));  // 64 routes within each: 256 of them reach the bound
  EXPECT_EQ(given.of("admin").routes.size(), 16'384u);
  ASSERT_EQ(outcome.findings.size(), 1u);
  const Texts rest = given.routes("web");
  EXPECT_EQ(rest.size(), 257u);
  EXPECT_EQ(std::ranges::count_if(rest, [](const auto& each) { return each.ends_with(" refused"); }), 1);
}

}  // namespace
}  // namespace gatehouse::catalog
