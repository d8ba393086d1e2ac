#include "conf/catalog/spellings.h"

#include <gtest/gtest.h>

#include "conf/catalog/translate.h"
#include "tests/unit/conf/catalog/foreign.h"

namespace gatehouse::catalog {
namespace {

conf::RoutingTable translated(const std::vector<conf::Instance>& instances, const conf::Config& config,
                              const conf::RoutingTable* previous = nullptr) {
  return translate({.instances = instances,
                    .config = config,
                    .previous = previous,
                    .read_file = [](const std::string&) -> Result<std::string> { return invalid("no files here"); }});
}

conf::RoutingTable with_tags(const Texts& tags, const Texts& spellings, const Texts& permit = {}) {
  conf::Config config;
  config.catalog.spellings = spellings;
  config.catalog.permit_hosts = permit;
  return translated({instance_with(tags)}, config);
}

Texts told(const conf::RoutingTable& table) {
  Texts out;
  for (const conf::Finding& finding : table.findings) out.push_back(finding.text());
  return out;
}

TEST(Spellings, OnlyThoseThatAreOnAreRead) {
  const Texts tags{"gatehouse.route=native.example", "urlprefix-fabio.example/"};
  const auto hosts = [&](const Texts& spellings) {
    Texts out;
    const conf::RoutingTable table = with_tags(tags, spellings);
    for (const auto& service : table.services)
      for (const conf::Route& route : service->routes) out.push_back(route.spelling + " " + route.match.host);
    return out;
  };
  EXPECT_EQ(hosts({"native"}), (Texts{"native native.example"}));
  EXPECT_EQ(hosts({"fabio"}), (Texts{"fabio fabio.example"}));
  EXPECT_EQ(hosts({"fabio", "native"}), (Texts{"native native.example", "fabio fabio.example"}));
}

TEST(Spellings, NativeTagsComeBeforeFabiosKeyByKey) {
  const conf::RoutingTable table =
      with_tags({"gatehouse.route=a.example strip=/n",
                 "urlprefix-a.example/ strip=/f prepend=/p host=f.example proto=https", "gatehouse.host=n.example"},
                {"native", "fabio"});
  const conf::Service& service = *table.services.at(0);
  ASSERT_EQ(service.routes.size(), 1u);
  EXPECT_EQ(service.routes[0].spelling, "native");
  EXPECT_EQ(service.routes[0].policy.strip, "/n");
  EXPECT_EQ(service.routes[0].policy.prepend, "/p");
  EXPECT_EQ(service.host, "n.example");
  EXPECT_EQ(service.protocol, conf::Protocol::https);
}

TEST(Spellings, TheFileComesBeforeAll) {
  conf::Config config;
  config.catalog.spellings = {"fabio"};
  config.services["web"].spelling = "yaml";
  config.services["web"].settings["allow"].push_back({"10.0.0.0/8", {}});
  const conf::RoutingTable table = translated({instance_with({"urlprefix-a.example/ allow=ip:0.0.0.0/0"})}, config);
  EXPECT_EQ(table.services.at(0)->routes.at(0).policy.allow, (std::vector{*IpPrefix::parse("10.0.0.0/8")}));
}

TEST(Spellings, PermitBoundsForeignTagsToo) {
  EXPECT_TRUE(with_tags({"urlprefix-a.example/"}, {"fabio"}, {"**.b.example"}).services.empty());
  EXPECT_EQ(with_tags({"urlprefix-a.b.example/"}, {"fabio"}, {"**.b.example"}).services.size(), 1u);
}

TEST(Spellings, ARefusedRouteStaysInItsPlaceAndTellsWhy) {
  const conf::RoutingTable table = with_tags({"urlprefix-a.example/ allow=geo:de"}, {"fabio"});
  EXPECT_EQ(table.services.at(0)->routes.at(0).refused, "allow=geo:de: only ip: is known");
  EXPECT_EQ(told(table),
            (Texts{"web.json:3:5: web: urlprefix-a.example/ allow=geo:de: allow=geo:de: only ip: is known: "
                   "its route is refused"}));
}

TEST(Spellings, AnAuthThatTheFileDoesNotDefineRefusesItsRoute) {
  const conf::RoutingTable table = with_tags({"urlprefix-a.example/ auth=staff"}, {"fabio"});
  EXPECT_EQ(table.services.at(0)->routes.at(0).refused, "auth=basic:staff: gatehouse.yaml defines no auth.staff");
}

TEST(Spellings, AnInstanceThatRefusesWhatTheOthersServeIsKeptOut) {
  std::vector<conf::Instance> instances;
  for (const char* id : {"web-1", "web-2", "odd"}) {
    instances.push_back(
        instance_with({std::string("urlprefix-a.example/") + (id == std::string("odd") ? " allow=geo:de" : "")}));
    instances.back().id = id;
  }
  conf::Config config;
  config.catalog.spellings = {"fabio"};
  const conf::RoutingTable table = translated(instances, config);
  EXPECT_EQ(table.services.at(0)->routes.at(0).refused, "");
  EXPECT_EQ(table.services[0]->instances.size(), 2u);
}

TEST(Spellings, AHostileInstanceLoosensNothing) {
  const auto office = [](const char* range) {
    return instance_with({"traefik.http.routers.r.rule=Host(`a.example`)",
                          "traefik.http.routers.r.middlewares=office",
                          "traefik.http.middlewares.office.ipallowlist.sourcerange=" + std::string(range)});
  };
  std::vector<conf::Instance> instances{office("10.0.0.0/8"), office("10.0.0.0/8"), office("0.0.0.0/0")};
  instances[1].id = "web-2", instances[2].id = "hostile";
  conf::Config config;
  config.catalog.spellings = {"traefik"};
  const conf::RoutingTable table = translated(instances, config);
  EXPECT_EQ(table.services.at(0)->routes.at(0).policy.allow, (std::vector{*IpPrefix::parse("10.0.0.0/8")}));
  EXPECT_EQ(table.services[0]->instances.size(), 2u);
  instances[2] =
      instance_with({"traefik.http.middlewares.office.ipallowlist.sourcerange=0.0.0.0/0", "urlprefix-a.example/"});
  instances[2].service = "other", instances[2].id = "hostile";
  config.catalog.spellings = {"fabio", "traefik"};
  const conf::RoutingTable second = translated(instances, config, &table);
  ASSERT_EQ(second.services.size(), 1u) << "the holder's route is a conflict for the other";
  EXPECT_EQ(second.services[0]->name, "web");
  EXPECT_EQ(second.services[0]->routes.at(0).policy.allow, (std::vector{*IpPrefix::parse("10.0.0.0/8")}));
}

TEST(Spellings, ATakenRouteIsNotShared) {
  std::vector<conf::Instance> instances{instance_with({"urlprefix-a.example/ allow=ip:10.0.0.0/8"})};
  conf::Config config;
  config.catalog.spellings = {"fabio"};
  const conf::RoutingTable before = translated(instances, config);
  instances.push_back(instance_with({"urlprefix-a.example/"}));
  instances[1].service = "aaa", instances[1].id = "hostile";
  const conf::RoutingTable table = translated(instances, config, &before);
  ASSERT_EQ(table.services.size(), 1u);
  EXPECT_EQ(table.services[0]->name, "web");
  EXPECT_EQ(table.services[0]->instances.size(), 1u);
}

TEST(Spellings, ThePortOfTraefiksTagsIsTheEndpoints) {
  const conf::RoutingTable table = with_tags(
      {"traefik.http.routers.r.rule=Host(`a.example`)", "traefik.http.services.s.loadbalancer.server.port=9000"},
      {"traefik"});
  EXPECT_EQ(table.services.at(0)->instances.at(0).port, 9000);
}

TEST(Spellings, AnInstanceThatAsksForNothingIsNotUsedAsInFabioAndTraefik) {
  const auto used = [](const Texts& tags, const conf::Config& config) {
    std::vector<conf::Instance> instances{instance_with({"urlprefix-a.example/"}), instance_with(tags)};
    instances[1].id = "web-2";
    return translated(instances, config).services.at(0)->instances.size();
  };
  conf::Config config;
  config.catalog.spellings = {"native", "fabio", "traefik"};
  EXPECT_EQ(used({}, config), 1u);
  EXPECT_EQ(used({"traefik.enable=false", "traefik.http.routers.r.rule=Host(`a.example`)"}, config), 1u);
  EXPECT_EQ(used({"urlprefix-a.example/"}, config), 2u);
  EXPECT_EQ(used({"gatehouse.route=a.example"}, config), 2u);
  config.services["web"].spelling = "yaml";
  config.services["web"].settings["route"].push_back({"b.example", {}});
  EXPECT_EQ(used({}, config), 2u) << "the file speaks for all";
}

TEST(Spellings, ATagOfASpellingThatIsOffIsAHint) {
  EXPECT_EQ(
      told(with_tags({"urlprefix-a.example/"}, {"native"})),
      (Texts{"web.json:3:5: warning: web: no route leads to it; the tag urlprefix-a.example/ is fabio's: add that "
             "to catalog.spellings to have it read"}));
}

TEST(Spellings, ATagOfManyInstancesIsToldOnce) {
  std::vector<conf::Instance> instances;
  for (const char* id : {"web-1", "web-2", "web-3"}) {
    instances.push_back(instance_with({"urlprefix-a.example/ register=x"}));
    instances.back().id = id;
  }
  conf::Config config;
  config.catalog.spellings = {"fabio"};
  EXPECT_EQ(told(translated(instances, config)),
            (Texts{"web.json:3:5: warning: web: urlprefix-a.example/ register=x: register is not mapped: nothing is "
                   "registered"}));
}

TEST(Spellings, SharesOfARouteAreWeights) {
  std::vector<conf::Instance> instances{instance_with({"urlprefix-a.example/"}),
                                        instance_with({"urlprefix-a.example/ weight=0.2"})};
  instances[1].id = "canary-1", instances[1].service = "canary";
  conf::Config config;
  config.catalog.spellings = {"fabio"};
  const conf::RoutingTable table = translated(instances, config);
  ASSERT_EQ(table.services.size(), 1u);
  ASSERT_EQ(table.services[0]->instances.size(), 2u);
  EXPECT_EQ(table.services[0]->instances[0].weight_passing, 2000u);
  EXPECT_EQ(table.services[0]->instances[1].weight_passing, 8000u);
}

}  // namespace
}  // namespace gatehouse::catalog
