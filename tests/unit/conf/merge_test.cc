#include "conf/merge.h"

#include <gtest/gtest.h>

#include "conf/review.h"

namespace gatehouse::conf {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

ServiceLayer layer(const char* spelling, const Settings& settings) {
  ServiceLayer out{.spelling = spelling};
  for (const auto& [key, value] : settings) out.settings[key].push_back({value, {"file", 1, 1}});
  return out;
}

InstanceLayers instance(const std::string& id, const Settings& native) {
  InstanceLayers out;
  out.instance.id = id;
  out.instance.service = "web";
  out.instance.node = "fd1";
  out.instance.at = {{"web.json", 3, 5}};
  for (const auto& [key, value] : native) out.instance.tags.push_back(key + "=" + value);
  out.layers = {layer("native", native)};
  return out;
}

struct Case {
  std::optional<ServiceLayer> yaml, everywhere;
  std::vector<InstanceLayers> instances;
  MergeContext context{};
  const Service* previous = nullptr;

  Merged merge() const {
    return merge_service({.name = "web",
                          .yaml = yaml ? &*yaml : nullptr,
                          .everywhere = everywhere ? &*everywhere : nullptr,
                          .instances = instances,
                          .previous = previous},
                         context);
  }
};

std::vector<std::string> texts(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) out.push_back(finding.text());
  return out;
}

const Route& route_of(const Merged& merged, std::string_view match) {
  static const Route none;
  for (const Route& route : merged.service.routes)
    if (route.match.text() == match) return route;
  ADD_FAILURE() << "no route " << match;
  return none;
}

TEST(Merge, DefaultsStandWhereNobodySaysOtherwise) {
  const Merged merged = Case{.instances = {instance("web-1", {{"route", "a.example"}})}}.merge();
  EXPECT_TRUE(merged.findings.empty());
  EXPECT_EQ(merged.service.balance, Balance::least_request);
  ASSERT_EQ(merged.service.routes.size(), 1u);
  EXPECT_EQ(merged.service.routes[0].policy, RoutePolicy{});
  EXPECT_EQ(merged.service.routes[0].spelling, "native");
  EXPECT_EQ(merged.service.routes[0].at.line, 1u);
  EXPECT_EQ(merged.service.instances.size(), 1u);
}

TEST(Merge, TheFirstLayerThatSaysAKeyWins) {
  Case of{.yaml = layer("yaml", {{"balance", "maglev"}, {"timeout", "10s"}}),
          .everywhere = layer("yaml", {{"balance", "random"}, {"drain_time", "60s"}, {"connect_timeout", "1s"}}),
          .instances = {instance(
              "web-1",
              {{"route", "a.example"}, {"balance", "round_robin"}, {"connect_timeout", "3s"}, {"timeout", "20s"}})}};
  const Merged merged = of.merge();
  EXPECT_EQ(merged.service.balance, Balance::maglev);
  EXPECT_EQ(merged.service.drain_time, 60s);
  EXPECT_EQ(merged.service.routes[0].policy.connect_timeout, 3s);
  EXPECT_EQ(merged.service.routes[0].policy.timeout, 10s);
}

TEST(Merge, ARoutesOwnOptionComesBeforeWhatItsLayerSaysOfTheService) {
  Case of{.everywhere = layer("yaml", {{"timeout", "1s"}, {"max_body", "1MiB"}}),
          .instances = {instance("web-1", {{"route", "a.example timeout=5m"}, {"timeout", "30s"}})}};
  of.instances[0].layers[0].settings["route"].push_back({"a.example/b", {}});
  const Merged merged = of.merge();
  EXPECT_EQ(route_of(merged, "a.example/").policy.timeout, 5min);
  EXPECT_EQ(route_of(merged, "a.example/b").policy.timeout, 30s);
  EXPECT_EQ(route_of(merged, "a.example/b").policy.max_body, 1ull << 20);
}

TEST(Merge, ATagsRouteOptionCannotWeakenWhatTheFileSaysOfTheService) {
  Case of{.yaml = layer("yaml", {{"allow", "10.0.0.0/8"}}),
          .instances = {instance("web-1", {{"route", "a.example allow=0.0.0.0/0 timeout=5s"}})}};
  const Merged merged = of.merge();
  EXPECT_EQ(route_of(merged, "a.example/").policy.allow, (std::vector<IpPrefix>{*IpPrefix::parse("10.0.0.0/8")}));
  EXPECT_EQ(route_of(merged, "a.example/").policy.timeout, 5s);
}

TEST(Merge, RoutesAreTheUnionAndTheSameOneIsMergedKeyByKey) {
  Case of{.yaml = layer("yaml", {{"route", "a.example timeout=7s"}}),
          .instances = {instance("web-1", {{"route", "A.example/ timeout=9s strip=/x"}})}};
  of.instances[0].layers[0].settings["route"].push_back({"b.example", {}});
  const Merged merged = of.merge();
  ASSERT_EQ(merged.service.routes.size(), 2u);
  EXPECT_EQ(route_of(merged, "a.example/").policy.timeout, 7s);
  EXPECT_EQ(route_of(merged, "a.example/").policy.strip, "/x");
  EXPECT_EQ(route_of(merged, "a.example/").spelling, "yaml");
  EXPECT_EQ(route_of(merged, "b.example/").spelling, "native");
}

TEST(Merge, AListOfOneLayerIsTakenWhole) {
  Case of{.yaml = layer("yaml", {{"pages", "503:own.html"}}),
          .everywhere = layer("yaml", {{"pages", "5xx:/srv/all.html"}, {"deny", "192.0.2.0/24"}}),
          .instances = {instance("web-1", {{"route", "a.example"}, {"deny", "198.51.100.0/24,203.0.113.0/24"}})},
          .context = {.folder = "/etc/gatehouse"}};
  const Merged merged = of.merge();
  ASSERT_EQ(merged.service.routes[0].policy.pages.size(), 1u);
  EXPECT_EQ(merged.service.routes[0].policy.pages[0].file, "/etc/gatehouse/own.html");
  EXPECT_EQ(merged.service.routes[0].policy.deny.size(), 2u);
}

TEST(Merge, AServiceOfTheFileAloneStaysWithoutInstances) {
  const Merged merged = Case{.yaml = layer("yaml", {{"route", "a.example"}})}.merge();
  EXPECT_EQ(merged.service.routes.size(), 1u);
  EXPECT_TRUE(merged.service.instances.empty());
}

TEST(Merge, AWrongTagCountsAsNotSaidAndIsToldOnce) {
  Case of{.everywhere = layer("yaml", {{"timeout", "9s"}}),
          .instances = {instance("web-1", {{"route", "a.example"}, {"timeout", "60"}, {"tmieout", "5s"}}),
                        instance("web-2", {{"route", "a.example"}, {"timeout", "60"}, {"tmieout", "5s"}})}};
  const Merged merged = of.merge();
  EXPECT_EQ(merged.service.routes[0].policy.timeout, 9s);
  EXPECT_EQ(merged.service.routes[0].refused, "");
  EXPECT_EQ(texts(merged.findings),
            (std::vector<std::string>{
                "file:1:1: web: gatehouse.timeout: 60: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d",
                "file:1:1: web: gatehouse.tmieout: unknown key; did you mean timeout?"}));
}

TEST(Merge, AWrongRestrictingTagRefusesTheServicesRoutes) {
  const Merged merged =
      Case{.instances = {instance("web-1", {{"route", "a.example"}, {"allow", "10.0.0.0/99"}})}}.merge();
  EXPECT_EQ(merged.service.routes[0].refused,
            "allow: 10.0.0.0/99: not a network; write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32");
}

TEST(Merge, ALimitThatATagNamesAndNobodyDefinedRefusesItsRouteAlone) {
  Case of{.instances = {instance("web-1", {{"route", "a.example"}})}};
  of.instances[0].layers[0].settings["route"].push_back({"a.example/admin rate_limit=search", {}});
  const Merged merged = of.merge();
  const std::string missing = "rate_limit: search: guard.rate_limits has no limit of this name";
  EXPECT_EQ(route_of(merged, "a.example/").refused, "");
  EXPECT_EQ(route_of(merged, "a.example/admin").refused, missing);
  EXPECT_EQ(texts(merged.findings), (std::vector<std::string>{"web: a.example/admin: " + missing}));
}

TEST(Merge, ALimitThatIsNotDefinedRefusesTheRoutesThatNameIt) {
  const Merged missing =
      Case{.yaml = layer("yaml", {{"route", "a.example/x rate_limit=search"}, {"route", "b.example/x"}})}.merge();
  EXPECT_EQ(route_of(missing, "a.example/x").refused,
            "rate_limit: search: guard.rate_limits has no limit of this name");
  EXPECT_EQ(route_of(missing, "b.example/x").refused, "");
}

TEST(Merge, MaintenanceIsSaidOfARouteOrOfAll) {
  const Settings rows[] = {{{"route", "a.example maintenance=true"}},
                           {{"route", "a.example"}, {"maintenance", "true"}}};
  for (const Settings& said : rows) {
    const Merged merged = Case{.instances = {instance("web-1", said)}}.merge();
    EXPECT_EQ(merged.service.routes[0].refused, "");
    EXPECT_TRUE(merged.service.routes[0].policy.maintenance.on);
  }
}

TEST(Merge, OfTcpMaintenanceLetsInWhomItNamesAlone) {
  const auto entry = [](const Settings& said) {
    return Case{.instances = {instance("web-1", said)}}.merge().service.tcp.at(0);
  };
  EXPECT_EQ(entry({{"tcp", "127.0.0.1:3306"}, {"maintenance", "true"}}).refused, "maintenance");
  EXPECT_EQ(entry({{"tcp", "127.0.0.1:3306"}, {"maintenance", "false"}}).refused, "");
  const TcpEntry some = entry({{"tcp", "127.0.0.1:3306"}, {"maintenance", "true allow=10.0.0.0/8"}});
  EXPECT_EQ(some.refused, "");
  EXPECT_EQ(some.policy.allow.size(), 1u);
}

TEST(Merge, AnotherDatacentersInstancesHaveNoWordInWhatHolds) {
  Case of{.instances = {instance("web-1", {{"route", "a.example"}, {"deny", "10.0.0.0/8"}}),
                        instance("far-1", {{"route", "evil.example"}, {"balance", "random"}}),
                        instance("far-2", {{"route", "evil.example"}, {"deny", "10.0.0.0/8"}})}};
  of.instances[0].instance.datacenter = "dc1";
  for (const std::size_t i : {1, 2})
    of.instances[i].instance.datacenter = "dc2", of.instances[i].instance.catalog_index = 7;
  of.context.datacenter = "dc1";
  const Merged merged = of.merge();
  ASSERT_EQ(merged.service.routes.size(), 1u);
  EXPECT_EQ(merged.service.routes[0].match.host, "a.example");
  EXPECT_EQ(merged.service.balance, Balance::least_request);
  ASSERT_EQ(merged.service.instances.size(), 2u) << "the one that restricts less is kept out";
  EXPECT_EQ(merged.service.instances[1].id, "far-2");
}

TEST(Merge, AFailoverOfEverybodyIsNoneOfAPrimaryNorOfTcp) {
  const auto goes_to = [](const Settings& own, const Settings& everywhere) {
    return Case{.everywhere = layer("yaml", everywhere), .instances = {instance("web-1", own)}}
        .merge()
        .service.failover.datacenter;
  };
  EXPECT_EQ(goes_to({{"route", "a.example"}}, {{"failover", "dc2"}}), "dc2");
  EXPECT_EQ(goes_to({{"route", "a.example"}, {"single", "true"}}, {{"failover", "dc2"}}), "");
  EXPECT_EQ(goes_to({{"tcp", "10.0.0.1:5432"}}, {{"failover", "dc2"}}), "");
  EXPECT_EQ(goes_to({{"tcp", "10.0.0.1:5432"}, {"failover", "dc3"}}, {{"failover", "dc2"}}), "dc3");
}

TEST(Merge, ConfigEntriesComeAfterTagsAndBeforeEverybodysDefaults) {
  const ServiceLayer entries =
      layer("consul", {{"balance", "maglev"}, {"connect_timeout", "7s"}, {"hash_on", "path"}});
  const ServiceLayer everywhere = layer("yaml", {{"balance", "random"}, {"hash_on", "client"}, {"drain_time", "1s"}});
  const Merged merged =
      merge_service({.name = "web",
                     .everywhere = &everywhere,
                     .entries = &entries,
                     .instances = {instance("web-1", {{"route", "a.example"}, {"balance", "round_robin"}})}},
                    {});
  EXPECT_EQ(merged.service.balance, Balance::round_robin);
  EXPECT_EQ(merged.service.hash_on.kind, HashOn::Kind::path);
  EXPECT_EQ(merged.service.drain_time, 1s);
  EXPECT_EQ(merged.service.routes[0].policy.connect_timeout, 7s);
}

TEST(Merge, WhatIsWrongInAConfigEntryIsToldByItsKey) {
  const ServiceLayer entries = layer("consul", {{"connect_timeout", "100d"}});
  const Merged merged = merge_service(
      {.name = "web", .entries = &entries, .instances = {instance("web-1", {{"route", "a.example"}})}}, {});
  ASSERT_EQ(merged.findings.size(), 1u);
  EXPECT_EQ(merged.findings[0].path, "web: connect_timeout");
}

TEST(Merge, ARouteThatCannotBeReadIsLeftOutAndOneWithAWrongOptionIsRefused) {
  Case of{.instances = {instance("web-1", {{"route", "a..example"}})}};
  of.instances[0].layers[0].settings["route"].push_back({"b.example striip=/x", {}});
  const Merged merged = of.merge();
  ASSERT_EQ(merged.service.routes.size(), 1u);
  EXPECT_EQ(merged.service.routes[0].match.host, "b.example");
  EXPECT_EQ(merged.service.routes[0].refused, "striip: unknown option; did you mean strip?");
  EXPECT_EQ(merged.findings.size(), 2u);
}

TEST(Merge, ATagsWrongOptionCannotTakeTheFilesRouteAway) {
  Case of{.yaml = layer("yaml", {{"route", "a.example"}}),
          .instances = {instance("web-1", {{"route", "a.example timeout=60"}})}};
  EXPECT_EQ(of.merge().service.routes[0].refused, "");
  of.instances[0].layers[0].settings["route"][0].value = "a.example rate_limit=x";
  EXPECT_NE(of.merge().service.routes[0].refused, "");
}

TEST(Merge, TagsMayNotSayWhatIsTheFilesAlone) {
  Case of{.instances = {instance("web-1", {{"route", "a.example pages=5xx:/etc/passwd"}, {"tls_verify", "false"}})}};
  const Merged merged = of.merge();
  EXPECT_TRUE(merged.service.tls_verify);
  EXPECT_EQ(merged.service.routes[0].refused, "pages: only gatehouse.yaml may say this");
  EXPECT_TRUE(merged.service.routes[0].policy.pages.empty());
}

TEST(Merge, TagsClaimOnlyPermittedHostsAndTheFileClaimsAny) {
  Case of{.yaml = layer("yaml", {{"route", "learn.bank.example"}}),
          .instances = {instance("web-1", {{"route", "evil.bank.example"}})},
          .context = {.permit_hosts = {"**.opencraft.example"}}};
  of.instances[0].layers[0].settings["route"].push_back({"a.opencraft.example", {}});
  of.instances[0].layers[0].settings["route"].push_back({"/any", {}});
  const Merged merged = of.merge();
  ASSERT_EQ(merged.service.routes.size(), 2u);
  EXPECT_EQ(merged.service.routes[0].match.host, "learn.bank.example");
  EXPECT_EQ(merged.service.routes[1].match.host, "a.opencraft.example");
  EXPECT_EQ(
      texts(merged.findings),
      (std::vector<std::string>{"file:1:1: web: gatehouse.route: evil.bank.example/: catalog.permit.hosts does "
                                "not let tags claim this; left out",
                                "web: gatehouse.route: /any: catalog.permit.hosts does not let tags claim this; "
                                "left out"}));
}

TEST(Merge, InstanceKeysAreEachInstancesOwn) {
  Case of{.everywhere = layer("yaml", {{"max_connections", "100"}}),
          .instances = {instance("web-1", {{"route", "a.example"}, {"weight", "7"}}),
                        instance("web-2", {{"route", "a.example"}, {"backup", "true"}, {"weight", "0"}})}};
  const Merged merged = of.merge();
  EXPECT_EQ(merged.service.instances[0].weight_passing, 7u);
  EXPECT_EQ(merged.service.instances[0].max_connections, 100u);
  EXPECT_FALSE(merged.service.instances[0].backup);
  EXPECT_TRUE(merged.service.instances[1].backup);
  EXPECT_EQ(merged.service.instances[1].weight_passing, 1u);
  EXPECT_EQ(texts(merged.findings),
            (std::vector<std::string>{"file:1:1: web: web-2: gatehouse.weight: 0: write a number from 1 to 65535"}));
  of.yaml = layer("yaml", {{"weight", "3"}});
  EXPECT_EQ(of.merge().service.instances[0].weight_passing, 3u);
}

TEST(Merge, TlsToTheEndpointIsTheFilesAndItsPathsBeginAtItsFolder) {
  Case of{.yaml = layer("yaml", {{"protocol", "https"},
                                 {"tls_ca", "ca.pem"},
                                 {"tls_certificate", "file:door"},
                                 {"tls_name", "db.internal"},
                                 {"health", "/up"}}),
          .context = {.folder = "/etc/gatehouse", .certificates = "/srv/certificates"}};
  const Service service = of.merge().service;
  EXPECT_EQ(service.tls_ca_file, "/etc/gatehouse/ca.pem");
  EXPECT_EQ(service.tls_certificate_file, "/srv/certificates/door.crt");
  EXPECT_EQ(service.tls_key_file, "/srv/certificates/door.key");
  EXPECT_EQ(service.health->tls_server_name, "db.internal");
  EXPECT_TRUE(service.health->tls);
}

TEST(Merge, ACertificateKnowsWhetherTheFileSaidIt) {
  EXPECT_TRUE(Case{.yaml = layer("yaml", {{"certificate", "file:a"}})}.merge().certificate_by_file);
  const Merged merged = Case{.instances = {instance("web-1", {{"certificate", "file:b"}})}}.merge();
  EXPECT_EQ(merged.certificate, "file:b");
  EXPECT_FALSE(merged.certificate_by_file);
}

TEST(Agree, TheLastPassingInstancesWordStandsAndTheDifferenceIsTold) {
  Case of{.instances = {instance("web-1", {{"route", "a.example"}, {"balance", "random"}}),
                        instance("web-2", {{"route", "a.example"}, {"balance", "maglev"}}),
                        instance("web-3", {{"route", "a.example"}})}};
  const Merged merged = of.merge();
  EXPECT_EQ(merged.service.balance, Balance::maglev);
  EXPECT_EQ(merged.service.instances.size(), 3u);
  EXPECT_EQ(
      texts(merged.findings),
      (std::vector<std::string>{"web.json:3:5: warning: web: gatehouse.balance: web-1 says random; web-2's stands: "
                                "maglev"}));
  of.instances[1].instance.maintenance = true;
  EXPECT_EQ(of.merge().service.balance, Balance::random);
}

TEST(Agree, AnInstanceWhoseTtlStateIsCriticalIsNotPassing) {
  Instance one;
  EXPECT_TRUE(counts_as_passing(one));
  one.checks.push_back({.kind = HealthCheck::Kind::ttl});
  EXPECT_FALSE(counts_as_passing(one));
  one.checks[0].initial = "passing";
  EXPECT_TRUE(counts_as_passing(one));
}

TEST(Agree, AnInstanceThatSaysNothingDoesNotTakeTheRoutesAway) {
  const Case of{.instances = {instance("web-1", {{"route", "a.example"}}), instance("web-2", {})}};
  const Merged merged = of.merge();
  EXPECT_EQ(merged.service.routes.size(), 1u);
  EXPECT_EQ(merged.service.instances.size(), 2u);
  EXPECT_EQ(texts(merged.findings),
            (std::vector<std::string>{"web.json:3:5: warning: web: gatehouse.route: web-2 does "
                                      "not say it; web-1's stands: a.example"}));
}

TEST(Agree, ListsInAnotherOrderAreNoDifference) {
  Case of{.instances = {instance("web-1", {{"route", "a.example"}}), instance("web-2", {{"route", "b.example"}})}};
  of.instances[0].layers[0].settings["route"].push_back({"b.example", {}});
  of.instances[1].layers[0].settings["route"].push_back({"a.example", {}});
  EXPECT_TRUE(of.merge().findings.empty());
}

std::vector<std::string> ids(const Merged& merged) {
  std::vector<std::string> out;
  for (const Instance& one : merged.service.instances) out.push_back(one.id);
  return out;
}

TEST(Agree, WhoDiffersInARestrictionIsKeptOut) {
  const Case of{.instances = {instance("web-1", {{"route", "a.example"}, {"allow", "10.0.0.0/8,192.0.2.1"}}),
                              instance("web-2", {{"route", "a.example"}, {"allow", "192.0.2.1,10.0.0.0/8"}}),
                              instance("web-3", {{"route", "a.example"}})}};
  const Merged merged = of.merge();
  EXPECT_EQ(ids(merged), (std::vector<std::string>{"web-1", "web-2"}));
  EXPECT_EQ(merged.service.routes[0].policy.allow.size(), 2u);
  ASSERT_EQ(merged.findings.size(), 2u);  // and that the two write it in another order
  EXPECT_EQ(merged.findings[0].text(),
            "web.json:3:5: web: web-3: says nothing where the others say allow=10.0.0.0/8, allow=192.0.2.1: kept out "
            "until they agree");
}

TEST(Agree, OfTwoTheOneThatRestrictsMoreStands) {
  const Case of{.instances = {instance("web-1", {{"route", "a.example"}}),
                              instance("web-2", {{"route", "a.example"}, {"deny", "192.0.2.1"}})}};
  EXPECT_EQ(ids(of.merge()), (std::vector<std::string>{"web-2"}));
}

TEST(Agree, ARestrictionOfARouteCountsToo) {
  Case of{.instances = {instance("web-1", {{"route", "a.example/admin allow=10.0.0.0/8"}}),
                        instance("web-2", {{"route", "a.example/admin"}})}};
  EXPECT_EQ(ids(of.merge()), (std::vector<std::string>{"web-1"}));
}

TEST(Agree, TheOnesThatWereThereBeforeAreNotOutvotedByNewcomers) {
  Case of{.instances = {instance("web-1", {{"route", "a.example"}, {"allow", "10.0.0.0/8"}})}};
  const Service before = of.merge().service;
  of.previous = &before;
  of.instances.push_back(instance("web-2", {{"route", "a.example"}}));
  of.instances.push_back(instance("web-3", {{"route", "a.example"}}));
  EXPECT_EQ(ids(of.merge()), (std::vector<std::string>{"web-1"}));
  of.instances.erase(of.instances.begin());  // once it is gone the others are on their own
  EXPECT_EQ(ids(of.merge()), (std::vector<std::string>{"web-2", "web-3"}));
}

TEST(Agree, WhatTheFileSaysIsNotTheInstancesToDifferIn) {
  const Case of{.yaml = layer("yaml", {{"allow", "10.0.0.0/8"}}),
                .instances = {instance("web-1", {{"route", "a.example"}, {"allow", "0.0.0.0/0"}}),
                              instance("web-2", {{"route", "a.example"}})}};
  EXPECT_EQ(ids(of.merge()).size(), 2u);
}

TEST(Merge, ATcpAddressHasWhatTheServiceSaysOfItsRoutes) {
  const Merged merged =
      Case{.instances = {instance(
               "web-1",
               {{"tcp", "127.0.0.1:3306"}, {"allow", "10.0.0.0/8"}, {"connect_timeout", "1s"}, {"retry", "2"}})}}
          .merge();
  ASSERT_EQ(merged.service.tcp.size(), 1u);
  const TcpEntry& entry = merged.service.tcp[0];
  EXPECT_EQ(entry.policy.allow.size(), 1u);
  EXPECT_EQ(entry.policy.connect_timeout, 1s);
  EXPECT_EQ(entry.policy.retry.attempts, 2u);
  EXPECT_EQ(entry.policy.idle_timeout, 2h) << "not that of requests";
  EXPECT_EQ(entry.spelling, "native");
  EXPECT_EQ(entry.refused, "");
  EXPECT_TRUE(merged.findings.empty());
}

TEST(Merge, OfTcpAddressesTheFirstLayerThatSaysAnyWins) {
  Case of{.yaml = layer("yaml", {{"tcp", "127.0.0.1:3307"}, {"idle_timeout", "5m"}}),
          .everywhere = layer("yaml", {{"tcp", "127.0.0.1:1"}}),
          .instances = {instance("web-1", {{"tcp", "127.0.0.1:3306"}})}};
  const Merged merged = of.merge();
  ASSERT_EQ(merged.service.tcp.size(), 1u);
  EXPECT_EQ(merged.service.tcp[0].text(), "127.0.0.1:3307");
  EXPECT_EQ(merged.service.tcp[0].spelling, "yaml");
  EXPECT_EQ(merged.service.tcp[0].policy.idle_timeout, 5min);
  of.yaml.reset(), of.instances = {instance("web-1", {})};
  EXPECT_TRUE(of.merge().service.tcp.empty()) << "an address belongs to one service";
}

TEST(Merge, ARestrictionThatTcpCanNotKeepRefusesIt) {
  const Settings rows[] = {{{"tcp", "127.0.0.1:3306"}, {"auth", "basic:x"}},
                           {{"tcp", "127.0.0.1:3306"}, {"allow", "nonsense"}}};
  for (const Settings& said : rows) {
    const Merged merged = Case{.instances = {instance("web-1", said)}}.merge();
    ASSERT_EQ(merged.service.tcp.size(), 1u);
    EXPECT_NE(merged.service.tcp[0].refused, "") << said[1].first;
  }
}

TEST(Merge, ACanaryOfFilesIsToldToDoNothing) {
  Case of{.yaml = layer("yaml", {{"route", "a.example files=/srv/a"}, {"canary", "next 5%"}, {"mirror", "copy 1%"}})};
  of.yaml->settings["route"].push_back({"b.example", {}});
  EXPECT_EQ(
      texts(of.merge().findings),
      (std::vector<std::string>{
          "file:1:1: warning: web: a.example/: canary: does nothing to a route with files, which no backend answers",
          "file:1:1: warning: web: a.example/: mirror: does nothing to a route with files, which no backend "
          "answers"}));
}

TEST(Merge, SessionsOfASinglePrimaryEndWithItUnlessSaidOtherwise) {
  const auto on_unhealthy = [](const Settings& said) {
    return Case{.instances = {instance("web-1", said)}}.merge().service.on_unhealthy;
  };
  EXPECT_EQ(on_unhealthy({{"tcp", ":1"}, {"single", "true"}}), OnUnhealthy::close);
  EXPECT_EQ(on_unhealthy({{"tcp", ":1"}, {"single", "true"}, {"on_unhealthy", "drain"}}), OnUnhealthy::drain);
  EXPECT_EQ(on_unhealthy({{"tcp", ":1"}, {"single", "false"}}), OnUnhealthy::drain);
}

TEST(Review, ARouteForAllServicesIsRefused) {
  EXPECT_EQ(texts(review_layer(layer("yaml", {{"tcp", ":80"}}), "*")),
            std::vector<std::string>{"file:1:1: services.*.tcp: a tcp belongs to one service"});
  EXPECT_EQ(texts(review_layer(layer("yaml", {{"route", "a.example"}, {"tunnel", "offer"}}), "*")),
            (std::vector<std::string>{"file:1:1: services.*.route: a route belongs to one service",
                                      "file:1:1: warning: services.*.tunnel: not carried yet: ignored"}));
}

TEST(Review, AKeySaidTwiceIsTold) {
  ServiceLayer one = layer("native", {{"timeout", "5s"}});
  one.settings["timeout"].push_back({"6s", {"file", 2, 1}});
  EXPECT_EQ(texts(review_layer(one, "web")),
            (std::vector<std::string>{"file:2:1: warning: web: gatehouse.timeout: said "
                                      "more than once; the last one counts"}));
}

}  // namespace
}  // namespace gatehouse::conf
