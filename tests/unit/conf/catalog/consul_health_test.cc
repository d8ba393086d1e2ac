#include "conf/catalog/consul_health.h"

#include <gtest/gtest.h>

#include "conf/catalog/json_depth.h"

namespace gatehouse::catalog {
namespace {

const ConsulPlace place{"dc1", "consul dc1"};

// As Consul 1.12 was seen to answer.
const std::string one = R"({
  "Node": {"ID": "0cc7", "Node": "n1", "Address": "10.0.0.9", "Datacenter": "dc1",
           "TaggedAddresses": {"lan": "10.0.0.9", "wan": "198.51.100.9"}, "Meta": {}},
  "Service": {"ID": "web-1", "Service": "web", "Tags": ["gatehouse.route=web.test", "v1"], "Address": "10.0.0.1",
              "TaggedAddresses": {"lan_ipv4": {"Address": "10.0.0.1", "Port": 8080},
                                  "tunnel": {"Address": "10.9.0.2", "Port": 7000}},
              "Meta": {"version": "1.2"}, "Port": 8080, "Weights": {"Passing": 10, "Warning": 3},
              "EnableTagOverride": false, "Proxy": {"MeshGateway": {}}, "Connect": {}, "ModifyIndex": 89},
  "Checks": [{"Node": "n1", "CheckID": "serfHealth", "Status": "passing", "ServiceID": ""},
             {"Node": "n1", "CheckID": "service:web-1", "Status": "passing", "ServiceID": "web-1"}]})";

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), instead);
}

conf::Instance read(const std::string& entry, const ConsulPlace& at = place) {
  const auto found = parse_health("[" + entry + "]", at);
  if (!found || found->size() != 1) {
    ADD_FAILURE() << (found ? "not one instance" : found.error().what);
    return {};
  }
  return found->front();
}

TEST(ConsulHealth, ChecksThatHaveNotRunYetAreTold) {
  const auto is_told = [&](const std::string& check) {
    const std::string passing = R"("Status": "passing", "ServiceID": "web-1")";
    std::set<InstanceKey> unproven;
    const auto found = parse_health("[" + with(one, passing, check) + "]", place, &unproven);
    return found && unproven == std::set<InstanceKey>{{"n1", "web-1"}};
  };
  EXPECT_TRUE(is_told(R"("Status": "critical", "Output": "", "Type": "http")"));
  EXPECT_FALSE(is_told(R"("Status": "critical", "Output": "refused", "Type": "http")"));
  EXPECT_FALSE(is_told(R"("Status": "critical", "Output": "", "Type": "ttl")")) << "somebody said so";
  EXPECT_FALSE(is_told(R"("Status": "critical", "Output": "", "Type": "script")")) << "it failed without a word";
  EXPECT_FALSE(is_told(R"("Status": "passing", "Output": "", "Type": "http")"));
  EXPECT_FALSE(
      is_told(R"("Status": "critical", "Type": "tcp"}, {"Status": "critical", "Output": "no", "Type": "tcp")"));
}

TEST(ConsulHealth, ReadsAnInstanceAsItStands) {
  const conf::Instance web = read(one);
  EXPECT_EQ(web.datacenter, "dc1");
  EXPECT_EQ(web.node, "n1");
  EXPECT_EQ(web.service, "web");
  EXPECT_EQ(web.id, "web-1");
  EXPECT_EQ(web.address, "10.0.0.1");
  EXPECT_EQ(web.port, 8080);
  EXPECT_EQ(web.tags, (std::vector<std::string>{"gatehouse.route=web.test", "v1"}));
  EXPECT_EQ(web.meta.at("version"), "1.2");
  EXPECT_EQ(web.weight_passing, 10u);
  EXPECT_EQ(web.weight_warning, 3u);
  EXPECT_EQ(web.catalog_index, 89u);
  EXPECT_EQ(web.catalog_health, conf::CatalogHealth::passing);
  EXPECT_FALSE(web.maintenance);
  EXPECT_EQ(web.at.file, "consul dc1 n1/web-1");
}

TEST(ConsulHealth, TakesTheNodesAddressForAServiceWithoutOne) {
  EXPECT_EQ(read(with(one, R"("Address": "10.0.0.1",
)",
                      R"("Address": "",
)"))
                .address,
            "10.0.0.9");
}

TEST(ConsulHealth, ChoosesTheTaggedAddressThatIsAskedFor) {
  const conf::Instance by_service = read(one, {"dc1", "consul", "tunnel"});
  EXPECT_EQ(by_service.address, "10.9.0.2");
  EXPECT_EQ(by_service.port, 7000);
  const std::string of_node = with(one, R"("Address": "10.0.0.1",
)",
                                   R"("Address": "",
)");
  EXPECT_EQ(read(of_node, {"dc1", "consul", "wan"}).address, "198.51.100.9");
  EXPECT_EQ(read(one, {"dc1", "consul", "wan"}).address, "10.0.0.1") << "a service's own address before its node's";
}

struct HealthCase {
  std::string node, service;
  conf::CatalogHealth health;
};

class HealthOfChecks : public testing::TestWithParam<HealthCase> {};

TEST_P(HealthOfChecks, IsTheWorstOfServiceAndNode) {
  std::string entry =
      with(one, R"("serfHealth", "Status": "passing")", R"("serfHealth", "Status": ")" + GetParam().node + "\"");
  entry = with(entry, R"("service:web-1", "Status": "passing")",
               R"("service:web-1", "Status": ")" + GetParam().service + "\"");
  EXPECT_EQ(read(entry).catalog_health, GetParam().health);
}

INSTANTIATE_TEST_SUITE_P(ConsulHealth, HealthOfChecks,
                         testing::Values(HealthCase{"passing", "warning", conf::CatalogHealth::warning},
                                         HealthCase{"passing", "critical", conf::CatalogHealth::critical},
                                         HealthCase{"critical", "passing", conf::CatalogHealth::critical},
                                         HealthCase{"warning", "critical", conf::CatalogHealth::critical},
                                         HealthCase{"passing", "of-a-newer-consul", conf::CatalogHealth::critical}));

TEST(ConsulHealth, ANodeThatIsLostIsToldApartFromAServiceThatFails) {
  const std::string lost = with(one, R"("serfHealth", "Status": "passing")", R"("serfHealth", "Status": "critical")");
  EXPECT_EQ(read(lost).catalog_health, conf::CatalogHealth::critical);
  EXPECT_TRUE(read(lost).node_lost);
  const auto both = with(lost, R"("service:web-1", "Status": "passing")", R"("service:web-1", "Status": "critical")");
  EXPECT_FALSE(read(both).node_lost);
  EXPECT_FALSE(read(one).node_lost);
}

TEST(ConsulHealth, MaintenanceIsNoFailure) {
  for (const char* id : {"_service_maintenance:web-1", "_node_maintenance"}) {
    const conf::Instance web = read(with(one, R"("service:web-1", "Status": "passing")",
                                         R"(")" + std::string(id) + R"(", "Status": "critical")"));
    EXPECT_TRUE(web.maintenance) << id;
    EXPECT_EQ(web.catalog_health, conf::CatalogHealth::passing) << id;
  }
}

TEST(ConsulHealth, LeavesTheMeshOut) {
  const auto proxy = with(one, R"("ID": "web-1")", R"("Kind": "connect-proxy", "ID": "web-1")");
  const auto found = parse_health("[" + proxy + "]", place);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
}

TEST(ConsulHealth, NullsAreAsGoodAsAbsent) {
  const conf::Instance web = read(R"({"Node": {"Node": "n1", "Address": "10.0.0.9", "TaggedAddresses": null},
      "Service": {"ID": "w", "Service": "web", "Tags": null, "Meta": null, "Port": 80, "Weights": null}, "Checks": null})");
  EXPECT_EQ(web.address, "10.0.0.9");
  EXPECT_EQ(web.weight_passing, 1u);
}

TEST(ConsulHealth, OrdersInstancesByItself) {
  const std::string other = with(one, R"("ID": "web-1")", R"("ID": "web-0")");
  const auto a = parse_health("[" + one + "," + other + "]", place);
  const auto b = parse_health("[" + other + "," + one + "]", place);
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(*a == *b);
}

TEST(ConsulHealth, RefusesWholeWhatIsNoAnswer) {
  for (const std::string& body :
       {std::string(), std::string("[{"), std::string("{}"), std::string("null"), std::string("[1]"),
        "[" + one + ",{\"Node\":{}}]",
        "[" + with(one, "\"Port\": 8080, \"Weights\"", "\"Port\": \"8080\", \"Weights\"") + "]",
        "[" + with(one, R"(["gatehouse.route=web.test", "v1"])", R"("v1")") + "]", std::string(200, '[')}) {
    EXPECT_FALSE(parse_health(body, place)) << body.substr(0, 60);
  }
}

TEST(ConsulHealth, AnInstanceHasNoMoreTagsThanItMay) {
  const auto with_tags = [](const std::string& tag, std::size_t count) {
    std::string tags = "\"" + tag + "\"";
    for (std::size_t i = 1; i < count; ++i) tags += ",\"" + tag + "\"";
    return read(with(one, R"("gatehouse.route=web.test", "v1")", tags));
  };
  EXPECT_EQ(with_tags("t", tags_most).tags.size(), tags_most);
  EXPECT_EQ(with_tags("t", tags_most).tags_left_out, 0u);
  EXPECT_EQ(with_tags("t", tags_most + 1).tags.size(), tags_most);
  EXPECT_EQ(with_tags("t", tags_most + 1).tags_left_out, 1u);
  EXPECT_EQ(with_tags(std::string(tags_bytes_most / 2, 't'), 2).tags_left_out, 0u);
  EXPECT_EQ(with_tags(std::string(tags_bytes_most / 2 + 1, 't'), 2).tags_left_out, 1u);
}

TEST(ConsulHealth, WhatIsNestedDeepIsNotLookedAt) {
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  const conf::Instance web = read(with(one, R"({"MeshGateway": {}})", R"({"Config": {"a": )" + deep + "}}"));
  EXPECT_EQ(web.id, "web-1");
  EXPECT_EQ(web.port, 8080);
  EXPECT_EQ(web.tags.size(), 2u);
}

TEST(ConsulHealth, SaysWhichCheckFailsAndItsFirstLine) {
  const auto reason = [](const std::string& check) {
    return read(with(one, R"("CheckID": "service:web-1", "Status": "passing")", check)).catalog_reason.text;
  };
  EXPECT_EQ(reason(R"("CheckID": "service:web-1", "Status": "passing", "Output": "200 OK")"), "");
  EXPECT_EQ(reason(R"("CheckID": "c", "Name": "http", "Status": "critical", "Output": "refused\nand more")"),
            "http: refused");
  EXPECT_EQ(reason(R"("CheckID": "c", "Status": "warning")"), "c");
  EXPECT_EQ(reason(R"("CheckID": "c", "Status": "critical", "Output": "a\u001b[2Jb\rc")"), "c: a?[2Jb");
  EXPECT_LE(reason(R"("CheckID": "c", "Status": "critical", "Output": ")" + std::string(4000, 'x') + "\"").size(),
            reason_bytes_most + 10);
}

TEST(JsonDepth, WhatIsBelowBecomesNull) {
  EXPECT_EQ(cut_below(R"({"a": [1, {"b": [2]}, "]{"], "c": {}})", 2), R"({"a": [1, null, "]{"], "c": {}})");
  EXPECT_EQ(cut_below(R"(["\"[[", [[3], 4]])", 1), R"(["\"[[", null])");
  EXPECT_EQ(cut_below("]]}[", 1), "]]}[");
}

TEST(ConsulServices, AreNamesAndATagOfEachSpelling) {
  const auto found = parse_services(R"({"consul": [], "web": ["urlprefix-web.example/", "v1", "urlprefix-/",
      "gatehous.route=a", "traefik.enable=true"]})");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->at("web"),
            (std::vector<std::string>{"urlprefix-web.example/", "gatehous.route=a", "traefik.enable=true"}));
  EXPECT_TRUE(found->at("consul").empty());
  EXPECT_FALSE(parse_services("[]"));
  EXPECT_FALSE(parse_services(R"({"web": "v1"})"));
}

}  // namespace
}  // namespace gatehouse::catalog
