#include "conf/catalog/translate.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "conf/catalog/file_source_io.h"
#include "conf/catalog/own_address.h"
#include "conf/catalog/passed_over.h"
#include "conf/catalog/tags.h"
#include "conf/reader_io.h"

namespace gatehouse::catalog {
namespace {

using conf::Config;
using conf::Instance;
using conf::RoutingTable;
using conf::Service;
using Texts = std::vector<std::string>;

Instance instance(const std::string& service, const std::string& id, const std::vector<std::string>& tags,
                  const std::string& address = "10.0.0.1", std::uint16_t port = 8000) {
  Instance out{.datacenter = "dc1", .node = "fd1", .service = service, .id = id, .address = address, .port = port};
  out.tags = tags;
  out.at = {{service + ".json", 3, 5}};
  return out;
}

struct Given {
  std::vector<Instance> instances;
  Config config{};
  std::vector<IpAddress> local{};
  std::map<std::string, std::string> files{};
  ConfigEntries entries{};
  FailedOver failed_over{};

  RoutingTable translate(const RoutingTable* previous = nullptr) const {
    return catalog::translate({.instances = instances,
                               .config = config,
                               .previous = previous,
                               .read_file = [this](const std::string& path) -> Result<std::string> {
                                 const auto file = files.find(path);
                                 if (file == files.end()) return invalid("No such file or directory");
                                 return file->second;
                               },
                               .local_addresses = local,
                               .entries = entries,
                               .failed_over = failed_over});
  }
};

Texts told(const RoutingTable& table) {
  Texts out;
  for (const conf::Finding& finding : table.findings) out.push_back(finding.text());
  return out;
}

Texts names(const RoutingTable& table) {
  Texts out;
  for (const auto& service : table.services) out.push_back(service->name);
  return out;
}

void say(Config& config, const std::string& service, const std::string& key, const std::string& value) {
  config.services[service].spelling = "yaml";
  config.services[service].settings[key].push_back({value, {"gatehouse.yaml", 7, 3}});
}

TEST(Translate, ConfigEntriesLeadToServicesWithoutARoute) {
  Given given{{instance("web", "web-1", {"gatehouse.route=a.example"}), instance("canary", "canary-1", {"v2"}),
               instance("idle", "idle-1", {"v3"})}};
  const Result<ConfigEntries> entries = parse_config_entries(
      R"([{"Kind": "service-splitter", "Name": "web", "Splits": [{"Weight": 75}, {"Weight": 25, "Service": "canary"}]},
          {"Kind": "service-resolver", "Name": "web", "ConnectTimeout": "7s"}])",
      {"dc1", "consul dc1"});
  ASSERT_TRUE(entries);
  given.entries = *entries;
  const RoutingTable table = given.translate();
  ASSERT_EQ(names(table), Texts{"web"});
  ASSERT_EQ(table.services[0]->instances.size(), 2u);
  EXPECT_EQ(table.services[0]->instances[0].weight_passing, 7500u);
  EXPECT_EQ(table.services[0]->instances[1].service, "canary");
  EXPECT_EQ(table.services[0]->instances[1].weight_passing, 2500u);
  EXPECT_EQ(table.services[0]->routes[0].policy.connect_timeout, Millis(7000));
  EXPECT_EQ(told(table), Texts{"idle.json:3:5: note: idle: no route leads to it"});
}

TEST(Translate, ARouterLeavesAServiceItsHostAndItsCertificate) {
  Given given{{instance("web", "web-1", {}), instance("admin", "admin-1", {}),
               instance("bank", "bank-1", {"gatehouse.route=a.example"})}};
  say(given.config, "web", "route", "a.example");
  say(given.config, "web", "certificate", "file:web");
  given.config.services["admin"];
  given.entries = *parse_config_entries(
      R"([{"Kind": "service-router", "Name": "web", "Routes": [{"Destination": {"Service": "admin"}}]}])",
      {"dc1", "consul dc1"});
  const RoutingTable table = given.translate();
  EXPECT_EQ(names(table), Texts{"admin"});
  EXPECT_EQ(table.hosts.at("a.example").certificate, "file:web");
}

TEST(Translate, WhatTagsSayComesBeforeARouterAndWhatIsSaidOfAllServicesAfterIt) {
  Given given{{instance("web", "web-1", {"gatehouse.route=a.example", "gatehouse.idle_timeout=60s"}),
               instance("admin", "admin-1", {"gatehouse.allow=10.0.0.0/8"})}};
  say(given.config, "*", "total_timeout", "30s");
  given.entries = *parse_config_entries(
      R"([{"Kind": "service-router", "Name": "web", "Routes": [
            {"Destination": {"Service": "admin", "RequestTimeout": "5s", "IdleTimeout": "7s"}}]},
          {"Kind": "service-resolver", "Name": "web", "RequestTimeout": "9s"}])",
      {"dc1", "consul dc1"});
  const RoutingTable table = given.translate();
  ASSERT_EQ(names(table), Texts{"admin"});
  const conf::RoutePolicy& policy = table.services[0]->routes.at(0).policy;
  EXPECT_EQ(policy.total_timeout, 5s);
  EXPECT_EQ(policy.idle_timeout, 60s);
  EXPECT_EQ(policy.allow, std::vector{*IpPrefix::parse("10.0.0.0/8")}) << "admin's own restriction";
}

TEST(Translate, TagsAndGatehouseYamlComeBeforeARoutersRoutes) {
  Given given{{instance("web", "web-1", {"gatehouse.route=a.example"}), instance("admin", "admin-1", {}),
               instance("other", "other-1", {"gatehouse.route=a.example/admin"})}};
  given.entries = *parse_config_entries(
      R"([{"Kind": "service-router", "Name": "web", "Routes": [
            {"Match": {"HTTP": {"PathPrefix": "/admin"}}, "Destination": {"Service": "admin"}}]}])",
      {"dc1", "consul dc1"});
  const RoutingTable table = given.translate();
  EXPECT_EQ(names(table), (Texts{"other", "web"}));
}

TEST(Translate, AServiceThatFailedOverIsServedByTheOtherDatacenter) {
  Given given{{instance("web", "web-1", {"gatehouse.route=a.example", "gatehouse.failover=dc2"}),
               instance("web", "far-1", {"gatehouse.route=a.example", "gatehouse.failover=dc2"})}};
  given.instances[1].datacenter = "dc2";
  EXPECT_EQ(given.translate().services[0]->datacenter, "dc1");
  EXPECT_EQ(given.translate().services[0]->instances.size(), 2u);
  given.failed_over["web"] = "dc2";
  EXPECT_EQ(given.translate().services[0]->datacenter, "dc2");
}

TEST(Tags, OnlyOursAreRead) {
  const conf::ServiceLayer layer =
      native_layer(instance("web", "web-1",
                            {"gatehouse.route=a.example strip=/x", "gatehouse.route=b.example",
                             "urlprefix-c.example/", "gatehouse.backup", "gatehouse", "primary"}));
  ASSERT_EQ(layer.settings.size(), 2u);
  EXPECT_EQ(layer.settings.at("route").size(), 2u);
  EXPECT_EQ(layer.settings.at("route")[0].value, "a.example strip=/x");
  EXPECT_EQ(layer.settings.at("route")[0].at.file, "web.json");
  EXPECT_EQ(layer.settings.at("backup")[0].value, "");
}

TEST(Translate, ServicesWithRoutesComeByNameAndTheRestIsLeftAlone) {
  const RoutingTable table =
      Given{{instance("z", "z-1", {"gatehouse.route=z.example"}), instance("db", "db-1", {"primary"}),
             instance("a", "a-1", {"gatehouse.route=a.example"})}}
          .translate();
  EXPECT_EQ(names(table), (Texts{"a", "z"}));
  EXPECT_EQ(told(table), (Texts{"db.json:3:5: note: db: no route leads to it"}));
}

TEST(Translate, WhatHasNotChangedIsSharedEvenIfItMovedInItsFile) {
  Given given{
      {instance("a", "a-1", {"gatehouse.route=a.example"}), instance("b", "b-1", {"gatehouse.route=b.example"})}};
  const RoutingTable first = given.translate();
  given.instances[0].at.line = 40;
  given.instances[1].port = 8001;
  const RoutingTable second = given.translate(&first);
  EXPECT_EQ(second.services[0], first.services[0]);
  EXPECT_NE(second.services[1], first.services[1]);
  EXPECT_EQ(second.services[1]->instances[0].port, 8001);
}

TEST(Translate, AServiceOfTheFileWithoutInstancesStays) {
  Given given;
  say(given.config, "off", "route", "*.off.example");
  const RoutingTable table = given.translate();
  ASSERT_EQ(names(table), (Texts{"off"}));
  EXPECT_TRUE(table.services[0]->instances.empty());
  EXPECT_EQ(told(table), (Texts{"gatehouse.yaml:7:3: warning: off: has routes but no instance: they answer 503"}));
}

TEST(Translate, ARedirectNeedsNoInstance) {
  Given given;
  say(given.config, "www", "route", "www.a.example redirect=301,https://a.example$path");
  EXPECT_TRUE(given.translate().findings.empty());
}

TEST(Translate, AnEntryOfTheFileThatNothingAnswersToIsTold) {
  Given given;
  given.config.file = "gatehouse.yaml";
  say(given.config, "wbe", "timeout", "5s");
  EXPECT_EQ(told(given.translate()),
            (Texts{"warning: services.wbe: the catalog has no such service"}));  // placed by who knows the file
}

TEST(Translate, TheFilesWordForAllServicesReachesEach) {
  Given given{{instance("a", "a-1", {"gatehouse.route=a.example"})}};
  given.config.file = "gatehouse.yaml";  // as the operator named it
  given.config.folder = "/etc/gatehouse";
  say(given.config, "*", "drain_time", "60s");
  say(given.config, "*", "pages", "5xx:pages/sorry.html retry_after=30s");
  given.files["/etc/gatehouse/pages/sorry.html"] = "sorry";
  const RoutingTable table = given.translate();
  EXPECT_EQ(table.services[0]->drain_time, 60s);
  EXPECT_EQ(table.services[0]->routes[0].policy.pages[0].body.view(), "sorry");
  EXPECT_TRUE(table.findings.empty());
}

TEST(Translate, ThePagesForAllServicesHoldWhereNoRouteLeadsToo) {
  Given given;
  given.config.folder = "/etc/gatehouse";
  say(given.config, "*", "pages", "404:pages/none.html");
  say(given.config, "*", "pages", "503:/elsewhere.html");
  given.files["/etc/gatehouse/pages/none.html"] = "none";
  const RoutingTable table = given.translate();
  ASSERT_EQ(table.pages.size(), 1u);
  EXPECT_EQ(table.pages[0].body.view(), "none");
  EXPECT_EQ(told(table), (Texts{"gatehouse.yaml:7:3: pages: No such file or directory; left out"}));
  given.files.clear();
  EXPECT_EQ(given.translate(&table).pages.at(0).body.view(), "none") << "the last text stays";
}

TEST(Translate, AServiceThatNoRouteLeadsToIsTold) {
  Given given{{instance("db", "db-1", {"primary", "version=8"}), instance("web", "web-1", {"route=a.example"}),
               instance("api", "api-1", {"gatehouse.route=a..example"})}};
  EXPECT_EQ(told(given.translate()),
            (Texts{"api.json:3:5: api: gatehouse.route: a..example: not a host; write a name, *.name (one label) or "
                   "**.name (one "
                   "or more)",
                   "db.json:3:5: note: db: no route leads to it",
                   "web.json:3:5: warning: web: no route leads to it; was the tag route=a.example meant to be "
                   "gatehouse.route=a.example?"}));
}

TEST(Translate, AConflictIsTheNewcomersLoss) {
  Given given{{instance("shop", "s-1", {"gatehouse.route=a.example"})}};
  const RoutingTable first = given.translate();
  given.instances.push_back(instance("bank", "b-1", {"gatehouse.route=a.example", "gatehouse.route=b.example"}));
  const RoutingTable second = given.translate(&first);
  EXPECT_EQ(names(second), (Texts{"bank", "shop"}));
  EXPECT_EQ(second.services[0]->routes.size(), 1u);
  EXPECT_EQ(second.services[1], first.services[0]);
  EXPECT_EQ(told(second),
            (Texts{"bank.json:3:5: bank: route: a.example/ is shop's (shop.json:3): conflict, left out"}));
}

TEST(Translate, PermitBoundsWhatTagsClaim) {
  Given given{{instance("a", "a-1", {"gatehouse.route=learn.bank.example"})}};
  given.config.catalog.permit_hosts = {"**.opencraft.example"};
  EXPECT_TRUE(given.translate().services.empty());
  given.config.catalog.permit_hosts = {"learn.bank.example"};
  EXPECT_EQ(given.translate().services.size(), 1u);
}

TEST(Translate, InstancesThatCannotBeEndpointsAreLeftOut) {
  const RoutingTable table = Given{
      {instance("a", "a-1", {"gatehouse.route=a.example"}, "10.0.0.1", 0),
       instance("a", "a-2", {"gatehouse.route=a.example"}, "not an address"),
       instance("a", "a-3", {"gatehouse.route=a.example"}, "127.0.0.1", 9901),
       instance("a", "a-4", {"gatehouse.route=a.example"}, "back.example"),
       instance("a", "a-5", {"gatehouse.route=a.example"},
                "2001:db8::1")}}.translate();
  ASSERT_EQ(table.services[0]->instances.size(), 2u);
  EXPECT_EQ(told(table), (Texts{"a.json:3:5: a: a-1: has no port; not used",
                                "a.json:3:5: a: a-2: not an address: neither an address nor a host's name; not used",
                                "a.json:3:5: a: a-3: is the metrics address of this door itself; not used"}));
}

TEST(Translate, WhoIsHeldGetsNothingOnceSomebodyElseHasItsAddress) {
  Given given{{instance("a", "a-1", {"gatehouse.route=a.example"}, "10.0.0.1"),
               instance("a", "a-2", {"gatehouse.route=a.example"}, "10.0.0.2"),
               instance("b", "b-1", {}, "::ffff:10.0.0.1")}};
  EXPECT_EQ(given.translate().services[0]->instances.size(), 2u) << "two services of one address are nobody's matter";
  given.instances[0].held = given.instances[1].held = "the catalog lost it";
  const RoutingTable table = given.translate();
  ASSERT_EQ(table.services[0]->instances.size(), 1u);
  EXPECT_EQ(table.services[0]->instances[0].id, "a-2");
  EXPECT_EQ(told(table).back(), "a.json:3:5: a: a-1: held, but its address is fd1/b-1 of b's by now; not used");
  given.instances[2].held = "too";
  EXPECT_EQ(given.translate().services[0]->instances.size(), 2u) << "nobody has it";
  given.instances[2] = instance("a", "a-1b", {"gatehouse.route=a.example"}, "10.0.0.1");
  const auto instances = given.translate().services[0]->instances;
  ASSERT_EQ(instances.size(), 2u) << "its successor in the same service";
  EXPECT_EQ(instances[1].id, "a-1b");
  given.instances[2].port = 8001;
  EXPECT_EQ(given.translate().services[0]->instances.size(), 3u);
}

TEST(Translate, WhatIsHeldOfAPortThatTagsSayIsComparedByThatPort) {
  Given given{{instance("a", "a-1",
                        {"traefik.http.routers.r.rule=Host(`a.example`)",
                         "traefik.http.services.s.loadbalancer.server.port=9000"}),
               instance("b", "b-1", {}, "10.0.0.1", 9000)}};
  given.config.catalog.spellings = {"traefik"};
  given.instances[0].held = "the catalog lost it";
  EXPECT_TRUE(given.translate().services[0]->instances.empty());
  given.instances[1].port = 8000;
  EXPECT_EQ(given.translate().services[0]->instances.size(), 1u);
}

TEST(Translate, TheConsulAgentIsNoEndpoint) {
  Given given{{instance("a", "a-1", {"gatehouse.route=a.example"}, "127.0.0.1", 8500),
               instance("a", "a-2", {"gatehouse.route=a.example"}, "consul.internal", 8500),
               instance("a", "a-3", {"gatehouse.route=a.example"}, "consul.internal", 8000)}};
  given.config.catalog.consul.emplace_back().address = *HttpPlace::parse("http://localhost:8500", 8500, 8501);
  given.config.catalog.consul.emplace_back().address = *HttpPlace::parse("http://consul.internal", 8500, 8501);
  const RoutingTable table = given.translate();
  ASSERT_EQ(table.services[0]->instances.size(), 1u);
  EXPECT_EQ(table.services[0]->instances[0].id, "a-3");
  EXPECT_EQ(told(table)[0], "a.json:3:5: a: a-1: is the Consul agent of this door itself; not used");
}

TEST(Translate, TagsBeyondTheirNumberAreTold) {
  Given given{{instance("a", "a-1", {"gatehouse.route=a.example"})}};
  given.instances[0].tags_left_out = 3;
  EXPECT_EQ(told(given.translate()),
            Texts{"a.json:3:5: a: a-1: has 3 tags too many: 2048 are read at most, of 128 KiB together"});
}

TEST(Translate, TagsThatNobodyReadsAreTold) {
  Given given{{instance("a", "a-1", {"gatehouse.route=a.example", "urlprefix-a.example/"}),
               instance("b", "b-1", {"gatehouse.route=b.example", "urlprefix-b.example/", "gatehous.timeout=5s"}),
               instance("c", "c-1", {"Gatehouse.route=c.example"})}};
  EXPECT_EQ(told(given.translate()),
            (Texts{"c.json:3:5: note: c: no route leads to it",
                   "a.json:3:5: note: a: the tag urlprefix-a.example/ is not read: add fabio to catalog.spellings to "
                   "have it read; 1 more service has such tags",
                   "b.json:3:5: warning: b: the tag gatehous.timeout=5s is not read; was it meant to be "
                   "gatehouse.timeout=5s?; 1 more service has such tags"}));
}

TEST(Tags, AreMisspeltIfTheyAreNearlyOurs) {
  for (const char* tag : {"gatehous.route=a", "gatehuose.route=a", "Gatehouse.route=a", "gatehouse-route=a",
                          "gatehouse/route=a", "gate-house.route=a"})
    EXPECT_EQ(is_misspelt(tag), std::string_view(tag) != "gate-house.route=a") << tag;
  for (const char* tag : {"gatehouse.route=a", "gatehouse.rout=a", "gatehouse", "warehouse.route=a", "route=a",
                          "gatehous.version=2", "", ".", "greenhouse.health=/"})
    EXPECT_FALSE(is_misspelt(tag)) << tag;
}

TEST(Translate, NothingIsMissingWhereNotAllIsKnown) {
  Given given{{}};
  given.config.services["web"].settings["route"] = {{"web.example", {}}};
  given.config.services["api"].settings["timeout"] = {{"5s", {}}};
  EXPECT_EQ(told(given.translate()).size(), 2u);
  const auto table = catalog::translate({.instances = {}, .config = given.config, .is_partial = true});
  EXPECT_TRUE(table.findings.empty()) << told(table)[0];
}

TEST(Translate, FindingsArePrintableAndBounded) {
  Given given{{instance("a", "a-1", {"gatehouse.x\x1b[31m=1\n"})}};
  EXPECT_EQ(told(given.translate()),
            (Texts{"a.json:3:5: a: gatehouse.x?[31m: unknown key", "a.json:3:5: note: a: no route leads to it"}));
  given.instances[0].tags.clear();
  for (std::size_t i = 0; i < findings_max + 7; ++i)
    given.instances[0].tags.push_back("gatehouse.q" + std::to_string(i));
  const Texts lines = told(given.translate());
  ASSERT_EQ(lines.size(), findings_max + 1);
  EXPECT_EQ(lines.back(), "catalog: and 8 more findings");
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.find("note") < 40; }), 0);
}

TEST(Translate, AServiceThatOnlyCarriesTcpIsServed) {
  Given given{.instances = {instance("db", "db-1", {"gatehouse.tcp=127.0.0.1:3306"}, "10.0.0.1", 3306),
                            instance("db", "db-2", {"gatehouse.tcp=127.0.0.1:3306"}, "127.0.0.1", 3306)}};
  given.config.catalog.permit_listen = {"127.0.0.1:3306"};
  const RoutingTable table = given.translate();
  ASSERT_EQ(names(table), Texts{"db"});
  ASSERT_EQ(table.services[0]->instances.size(), 1u) << "what is the door itself would go in a circle";
  EXPECT_EQ(table.services[0]->instances[0].id, "db-1");
  given.instances.erase(given.instances.begin());
  EXPECT_EQ(told(given.translate()).back(),
            "db.json:3:5: warning: db: has no instance: connections to "
            "127.0.0.1:3306 are closed");
}

TEST(OwnAddress, AListenerIsMetAtItsAddressAndOnAllIfItIsOnAll) {
  Config config;
  config.listen = {{.name = "http", .address = *SocketAddress::parse("[::]:80")},
                   {.name = "https", .address = *SocketAddress::parse("192.0.2.1:443")},
                   {.name = "inner", .address = *SocketAddress::parse("127.0.0.5:8000")}};
  const std::vector<IpAddress> local{*IpAddress::parse("192.0.2.1")};
  const std::vector<SocketAddress> tcp{*SocketAddress::parse("127.0.0.6:3306"), *SocketAddress::parse("[::]:5432")};
  struct Row {
    const char* address;
    std::uint16_t port;
    const char* own;
  };
  for (const Row& row : std::vector<Row>{{"127.0.0.1", 80, "the listener http"},
                                         {"::1", 80, "the listener http"},
                                         {"192.0.2.1", 80, "the listener http"},
                                         {"0.0.0.0", 80, "the listener http"},
                                         {"192.0.2.2", 80, ""},
                                         {"127.12.1.1", 80, "the listener http"},
                                         {"192.0.2.1", 443, "the listener https"},
                                         {"::ffff:192.0.2.1", 443, "the listener https"},
                                         {"127.0.0.1", 443, ""},
                                         {"127.0.0.5", 8000, "the listener inner"},
                                         {"127.0.0.1", 8000, ""},
                                         {"127.0.0.1", 9901, "the metrics address"},
                                         {"127.0.0.6", 3306, "the TCP listener 127.0.0.6:3306"},
                                         {"127.0.0.7", 3306, ""},
                                         {"192.0.2.1", 5432, "the TCP listener [::]:5432"}})
    EXPECT_EQ(own_address({*IpAddress::parse(row.address), row.port}, config, tcp, local), row.own)
        << row.address << ":" << row.port;
}

TEST(Translate, CertificatesOfHosts) {
  Given given{{instance("part", "p-1", {"gatehouse.route=a.example/x", "gatehouse.certificate=file:part"}),
               instance("whole", "w-1", {"gatehouse.route=a.example", "gatehouse.certificate=file:whole"}),
               instance("other", "o-1", {"gatehouse.route=b.example", "gatehouse.certificate=file:b"}),
               instance("acme", "c-1", {"gatehouse.route=c.example", "gatehouse.certificate=acme"})}};
  given.config.hosts["b.example"].certificate = "file:bank";
  given.config.hosts["d.example"].certificate = "acme";
  const RoutingTable table = given.translate();
  EXPECT_EQ(table.hosts.at("a.example").certificate, "file:whole");
  EXPECT_EQ(table.hosts.at("b.example").certificate, "file:bank");
  EXPECT_EQ(table.hosts.at("d.example").certificate, "acme");
  EXPECT_EQ(table.hosts.at("c.example").certificate, "acme");
  EXPECT_EQ(told(table),
            (Texts{"other.json:3:5: warning: other: certificate: b.example has file:bank; file:b is ignored",
                   "part.json:3:5: warning: part: certificate: a.example has file:whole; file:part is ignored"}));
}

TEST(Translate, TheFilesCertificateComesBeforeTags) {
  Given given{{instance("a", "a-1", {"gatehouse.route=a.example", "gatehouse.certificate=file:tag"}),
               instance("b", "b-1", {"gatehouse.route=a.example/b"})}};
  say(given.config, "b", "certificate", "file:admin");
  EXPECT_EQ(given.translate().hosts.at("a.example").certificate, "file:admin");
}

// A host of many Open edX instances, its databases included, as its operators wrote it.
TEST(Translate, TheDatabasesOfTheExamples) {
  const std::string folder = GATEHOUSE_SOURCE "/conf/examples/databases";
  conf::ReadConfig read = conf::read_config(folder + "/gatehouse.yaml", {.folder = folder});
  FileSource source(Home{.datacenter = "dc1", .node = "fd1"});
  Given given{source.update(read_folder(folder + "/services", "services")).instances};
  given.config = std::move(read.config);
  const RoutingTable table = given.translate();
  EXPECT_EQ(told(table), Texts{});
  ASSERT_EQ(names(table), (Texts{"mail", "postgres", "redis"}));
  EXPECT_TRUE(table.services[0]->tcp[0].shared);
  EXPECT_TRUE(table.services[1]->single);
  EXPECT_TRUE(table.services[2]->health->redis_master);
}

TEST(Translate, TheOpencraftDeployment) {
  const std::string folder = GATEHOUSE_SOURCE "/tests/unit/conf/catalog/opencraft";
  FileSource source(Home{.datacenter = "dc1", .node = "fd1"});
  const SourceState state = source.update(read_folder(folder, "services"));
  EXPECT_TRUE(state.findings.empty());
  ASSERT_EQ(state.instances.size(), 16u);

  Given given{state.instances};
  given.config.catalog.permit_hosts = {"**.opencraft.example", "campus.acme-university.example",
                                       "learn.bank.example"};
  given.config.catalog.permit_listen = {"127.11.0.1:3306", "127.11.0.1:5672", "127.11.0.1:27017"};
  const RoutingTable table = given.translate();
  EXPECT_EQ(names(table), (Texts{"bank-forum", "bank-lms", "campus-lms", "campus-preview", "campus-studio", "mongodb",
                                 "mysql", "rabbitmq"}));
  const Service& bank = *table.services[1];
  EXPECT_EQ(bank.instances[0].weight_passing, 10u);
  EXPECT_EQ(bank.instances[1].weight_passing, 30u);
  EXPECT_EQ(bank.instances[0].checks[0].path, "/heartbeat");
  const Service& campus = *table.services[2];
  EXPECT_EQ(campus.sticky_cookie, "gatehouse");
  EXPECT_EQ(campus.routes.size(), 2u);
  EXPECT_EQ(table.services[0]->routes[0].policy.strip, "/forum");
  const Service& studio = *table.services[4];
  EXPECT_EQ(studio.routes[0].policy.timeout, 300s);
  EXPECT_EQ(studio.routes[0].policy.max_body, 2ull << 30);
  const Service& mysql = *table.services[6];
  ASSERT_EQ(mysql.tcp.size(), 1u);
  EXPECT_EQ(mysql.tcp[0].text(), "127.11.0.1:3306");
  EXPECT_EQ(mysql.tcp[0].policy.allow.size(), 1u);
  EXPECT_EQ(mysql.on_return, conf::OnReturn::close);
  EXPECT_TRUE(mysql.instances[1].backup);
  EXPECT_EQ(told(table), Texts{});
}

}  // namespace
}  // namespace gatehouse::catalog
