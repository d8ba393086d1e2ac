#include "conf/catalog/snapshot.h"

#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "conf/catalog/config_entries.h"
#include "conf/catalog/hold_down.h"
#include "conf/catalog/service_file.h"
#include "conf/catalog/snapshot_entries.h"

namespace gatehouse::catalog {
namespace {

using conf::CatalogHealth;
using conf::HealthCheck;
using conf::Instance;

Instance instance(const std::string& service, const std::string& node, const std::string& id) {
  Instance out;
  out.datacenter = "dc1";
  out.node = node;
  out.service = service;
  out.id = id;
  out.address = "10.0.0.1";
  out.port = 8000;
  return out;
}

Instance full() {
  Instance out = instance("web", "n1", "web-1");
  out.tags = {"gatehouse.route=web.example", "a \"quoted\" tag \xc3\xa9"};
  out.meta = {{"zone", "a"}, {"version", "1.2"}};
  out.weight_passing = 10;
  out.weight_warning = 0;
  out.catalog_health = CatalogHealth::warning;
  out.catalog_index = 1234567890123;
  return out;
}

Instance held_one() {
  Instance out = instance("web", "n2", "web-1");
  out.held = "the catalog lost 3 of 4 at once";
  out.checks = {connect_check()};
  return out;
}

Snapshot example() {
  Instance critical = instance("db", "n1", "db-1"), maintained = instance("db", "n1", "db-2"),
           departed = instance("gone", "n1", "gone-1");
  critical.catalog_health = CatalogHealth::critical;
  maintained.maintenance = true;
  departed.departed = true;
  Instance elsewhere = instance("web", "n1", "web-1");
  elsewhere.datacenter = "dc2";
  return {{{"by", "uid 0 (pid 1)"}},
          {{"consul", {critical, maintained, departed, full(), held_one()}}, {"consul dc2", {elsewhere}}}};
}

Snapshot read_back(const Snapshot& snapshot) {
  const Result<Snapshot> read = read_snapshot(snapshot_text(snapshot), "catalog.json");
  EXPECT_TRUE(read) << (read ? "" : read.error().what);
  return read ? *read : Snapshot{};
}

Instance read_back(const Instance& instance) {
  const Snapshot read = read_back(Snapshot{{}, {{"files", {instance}}}});
  return read.sources.size() == 1 && read.sources[0].instances.size() == 1 ? read.sources[0].instances[0]
                                                                           : Instance{};
}

TEST(Snapshot, IsReadBackAsItWas) {
  EXPECT_EQ(read_back(example()), example());
  const Snapshot nothing;
  EXPECT_EQ(read_back(nothing), nothing);
}

TEST(Snapshot, WhereAnInstanceWasSaidIsReadBackToo) {
  Instance of_file = instance("web", "n1", "web-1");
  of_file.at = {{"services/web.json", 12}};
  EXPECT_EQ(read_back(of_file).at.file, "services/web.json");
  EXPECT_EQ(read_back(of_file).at.line, 12u);
  const Snapshot of_consul = read_back(Snapshot{{}, {{"consul dc2", {instance("web", "n1", "web-1")}}}});
  EXPECT_EQ(of_consul.sources[0].instances[0].at.file, "consul dc2 n1/web-1");
}

std::map<std::string, std::string> entries_of(const std::string& source) {
  const char* resolvers = R"([{"Kind": "service-resolver", "Name": "web", "DefaultSubset": "v1",
      "Subsets": {"v1": {"Filter": "Service.Meta.version == 1"}}, "CreateIndex": 7, "ModifyIndex": 9},
      {"Kind": "service-resolver", "Name": "db", "ConnectTimeout": "3s"}])";
  const char* splitters = R"([{"Kind": "service-splitter", "Name": "web", "Splits": [
      {"Weight": 33.3, "ServiceSubset": "v1"}, {"Weight": 66.7, "Service": "db"}]}])";
  return {{"service-resolver", entries_to_keep(resolvers, source)},
          {"service-splitter", entries_to_keep(splitters, source)}};
}

// The corpus is held to a real `consul validate` by tests/tools/consul_conformance.py.
std::string accepted(const std::string& name) {
  std::ifstream file(GATEHOUSE_SOURCE "/tests/unit/conf/catalog/corpus/accepted/" + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(Snapshot, IsTheDefinitionFileThatTheCorpusHolds) {
  EXPECT_EQ(snapshot_text(example()), accepted("snapshot.json"));
  EXPECT_EQ(snapshot_text({{}, {{"consul", {}, entries_of("consul")}}}), accepted("snapshot_entries.json"));
}

TEST(Snapshot, IdsAreUniqueInTheFile) {
  const ServiceFile file = parse_service_file(snapshot_text(example()), "catalog.json", {});
  ASSERT_TRUE(file.accepted);
  EXPECT_TRUE(file.findings.empty());
  std::set<std::string> ids;
  for (const ServiceDefinition& each : file.services) ids.insert(each.instance.id);
  EXPECT_EQ(ids.size(), 6u);
}

TEST(Snapshot, WhoIsNotHealthySaysSoToConsulToo) {
  const ServiceFile file = parse_service_file(snapshot_text(example()), "catalog.json", {});
  std::map<std::string, std::string> states;
  for (const ServiceDefinition& each : file.services)
    states[each.instance.id] = each.instance.checks.empty() ? "" : each.instance.checks[0].initial;
  EXPECT_EQ(states["db-1"], "critical");
  EXPECT_EQ(states["db-2"], "critical");
  EXPECT_EQ(states["gone-1"], "critical");
  EXPECT_EQ(states["web-1"], "warning");
  EXPECT_EQ(states["web-1@2"], "");
}

TEST(Snapshot, ChecksOfDefinitionsAreReadBack) {
  Instance checked = instance("web", "fd1", "web-1");
  const Result<std::string> none = std::string();
  const char* definitions = R"({"service": {"name": "web", "checks": [
    {"http": "https://[::1]:8000/up?x=1", "method": "POST", "body": "ping", "interval": "3s", "timeout": "700ms",
     "header": {"X-A": ["1", "2"]}, "tls_skip_verify": true, "tls_server_name": "web.example",
     "success_before_passing": 3, "failures_before_warning": 2, "failures_before_critical": 4, "status": "passing"},
    {"http": "http://user:word@127.0.0.1/", "interval": "1s", "disable_redirects": true},
    {"tcp": "10.0.0.1:22", "interval": "1h"},
    {"grpc": "10.0.0.1:22/db", "grpc_use_tls": true, "interval": "2s"},
    {"h2ping": "10.0.0.1:22", "h2ping_use_tls": false, "interval": "2s"},
    {"ttl": "30s", "status": "warning"}]}})";
  const ServiceFile file = parse_service_file(definitions, "web.json", {});
  ASSERT_TRUE(file.accepted);
  checked.checks = file.services[0].instance.checks;
  ASSERT_EQ(checked.checks.size(), 6u);
  const Instance again = read_back(checked);
  ASSERT_EQ(again.checks.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(again.checks[i], checked.checks[i]) << i;
}

TEST(Snapshot, ACheckThatNeverPassesNeverPassesAgain) {
  Instance checked = instance("web", "fd1", "web-1");
  HealthCheck never;
  never.id = "x";
  never.kind = HealthCheck::Kind::ttl;
  checked.checks = {never};
  const Instance again = read_back(checked);
  ASSERT_EQ(again.checks.size(), 1u);
  EXPECT_EQ(again.checks[0].kind, HealthCheck::Kind::ttl);
  EXPECT_EQ(again.checks[0].initial, "critical");
}

TEST(Snapshot, WhatARegistrationSaysIsNotTakenForOurs) {
  Instance hostile = instance("web", "n1", "web-1");
  hostile.meta = {{"gatehouse_departed", "true"}, {"gatehouse_node", "other"}, {"gatehouse_own_id", "x"}};
  EXPECT_EQ(read_back(hostile), hostile);
}

TEST(Snapshot, WhatConsulWouldRefuseIsLeftOut) {
  Instance large = instance("web", "n1", "web-1");
  for (int n = 0; n < 60; ++n) large.meta["key-" + std::to_string(n)] = "x";
  EXPECT_EQ(read_back(large).meta.size(), 54u);
  Instance odd = instance("web", "n1", "web-1");
  odd.meta = {{"a b", "x"}, {"consul-x", "x"}, {"long", std::string(513, 'x')}, {"good", std::string(512, 'x')}};
  EXPECT_EQ(read_back(odd).meta.size(), 1u);
  Instance long_name = instance("web", "n1", std::string(256, 'x'));
  const Snapshot read = read_back(Snapshot{{}, {{"consul", {long_name, instance("web", "n1", "web-2")}}}});
  ASSERT_EQ(read.sources.size(), 1u);
  EXPECT_EQ(read.sources[0].instances.size(), 1u);
}

TEST(Snapshot, AReasonIsCutAtTheEndOfACharacter) {
  Instance held = held_one();
  held.held = std::string(511, 'x') + "\xc3\xa9";
  EXPECT_EQ(read_back(held).held, std::string(511, 'x'));
}

TEST(Snapshot, EveryTornOrChangedOneIsRefused) {
  const std::string text = snapshot_text(example());
  for (std::size_t size = 0; size < text.size(); ++size)
    ASSERT_FALSE(read_snapshot(text.substr(0, size), "catalog.json")) << size;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] ^= 1;
    ASSERT_FALSE(read_snapshot(changed, "catalog.json")) << at;
  }
  EXPECT_FALSE(read_snapshot(text + " ", "catalog.json"));
  EXPECT_FALSE(read_snapshot(R"({"services": []})", "catalog.json"));
}

TEST(Snapshot, TellsWhatASourceKnew) {
  EXPECT_EQ(known_to(example(), "consul dc2").instances.size(), 1u);
  EXPECT_TRUE(known_to(example(), "consul dc3").instances.empty());
}

TEST(Snapshot, ConfigEntriesAreReadBackWithInstancesAndWithout) {
  Snapshot both = example();
  for (SourceInstances& each : both.sources) each.entries = entries_of(each.source);
  EXPECT_EQ(read_back(both), both);
  const Snapshot entries{{}, {{"consul", {}, entries_of("consul")}, {"consul dc2", {}, entries_of("consul dc2")}}};
  EXPECT_EQ(read_back(entries), entries);
}

TEST(Snapshot, ConfigEntriesAreKeptAsWhatTheySay) {
  const auto kept = entries_to_keep(
      R"([{"Kind": "service-router", "Name": "a", "Meta": {"gatehouse_source": "files"}, "ModifyIndex": 1, "Hash": 2}])",
      "consul");
  EXPECT_EQ(kept, R"({"Kind":"service-router","Name":"a","Meta":{"gatehouse_source":"consul"}})");
  EXPECT_EQ(entries_to_keep("[" + kept + "]", "consul"), kept);
  EXPECT_EQ(entries_to_keep("[]", "consul"), "");
  EXPECT_EQ(entries_to_keep("null", "consul"), "");
}

// What is taken from Consul can be read again, however deep it is.
TEST(Snapshot, TheDeepestConfigEntryIsReadBack) {
  const auto nested = [](int depth) {
    return R"([{"Kind": "service-router", "Name": "a", "Routes": )" +
           std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']') +
           "}]";
  };
  int deepest = 0;
  while (parse_config_entries(nested(deepest + 1), {})) ++deepest;
  ASSERT_GT(deepest, 10);
  const Snapshot entries{{}, {{"consul", {}, {{"service-router", entries_to_keep(nested(deepest), "consul")}}}}};
  EXPECT_EQ(read_back(entries), entries);
}

}  // namespace
}  // namespace gatehouse::catalog
