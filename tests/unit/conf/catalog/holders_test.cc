#include "conf/catalog/holders.h"

#include <gtest/gtest.h>

#include "conf/catalog/translate.h"

namespace gatehouse::catalog {
namespace {

conf::Instance instance(const std::string& service, const std::string& node, std::vector<std::string> tags) {
  conf::Instance out;
  out.service = service;
  out.node = node;
  out.id = service + "-1";
  out.address = "10.0.0.1";
  out.port = 8000;
  out.tags = std::move(tags);
  return out;
}

conf::RoutingTable table_of(const std::vector<conf::Instance>& instances, const conf::RoutingTable* previous) {
  conf::Config config;
  config.catalog.permit_listen = {};
  TranslateInput input{instances, config};
  input.previous = previous;
  return translate(input);
}

// What comes out of a restart: the table's holders go over the disk, nothing else does.
conf::RoutingTable restarted(const conf::RoutingTable& table, const std::vector<conf::Instance>& instances) {
  const Result<Snapshot> kept = read_snapshot(snapshot_text(holders_of(table, instances)), "routes.json");
  EXPECT_TRUE(kept);
  const conf::RoutingTable before = table_of_holders(*kept, instances);
  return table_of(instances, &before);
}

const conf::Service* find(const conf::RoutingTable& table, const std::string& name) {
  for (const auto& service : table.services)
    if (service->name == name) return service.get();
  return nullptr;
}

TEST(Holders, ARouteStaysWithWhoHadItFirst) {
  const std::vector<std::string> plain{"gatehouse.route=shop.example"};
  const conf::Instance holder = instance("shop", "n1", plain), newcomer = instance("a-thief", "n2", plain);
  const conf::RoutingTable first = table_of({holder}, nullptr);
  const conf::RoutingTable contested = table_of({holder, newcomer}, &first);
  ASSERT_EQ(find(contested, "shop")->routes.size(), 1u);
  const conf::RoutingTable without = table_of({holder, newcomer}, nullptr);
  const conf::Service* loser = find(without, "shop");
  EXPECT_TRUE(loser == nullptr || loser->routes.empty());  // else the test could not fail
  const conf::RoutingTable after = restarted(contested, {holder, newcomer});
  EXPECT_EQ(find(after, "shop")->routes.size(), 1u);
}

TEST(Holders, SoDoesOneWithEveryPartOfAMatch) {
  conf::RoutingTable table;
  auto service = std::make_shared<conf::Service>();
  service->name = "shop";
  conf::Route& route = service->routes.emplace_back();
  route.match = {"*.shop.example", 8443, "/a b", {"GET", "POST"}, {{"X-A", "1"}, {"X-B", ""}}, true};
  route.match.headers.push_back(
      {.name = "c", .pattern = *conf::TextPattern::parse("^a|b$"), .of = conf::HeaderMatch::Of::query});
  route.match.headers.push_back({.name = "d", .value = "2", .inverted = true});
  route.derived.emplace().router = "web";
  conf::TcpEntry& tcp = service->tcp.emplace_back();
  tcp.address = *SocketAddress::parse("[::1]:5432");
  tcp.sni = "db.example";
  service->tcp.emplace_back().address = *SocketAddress::parse("127.0.0.1:6379");
  table.services.push_back(service);
  const Result<Snapshot> kept = read_snapshot(snapshot_text(holders_of(table, {})), "routes.json");
  ASSERT_TRUE(kept);
  const conf::RoutingTable again = table_of_holders(*kept, {});
  ASSERT_EQ(again.services.size(), 1u);
  ASSERT_EQ(again.services[0]->routes.size(), 1u);
  EXPECT_EQ(again.services[0]->routes[0].match, route.match);
  EXPECT_EQ(again.services[0]->routes[0].spelling, route.spelling);
  EXPECT_EQ(again.services[0]->routes[0].derived, route.derived) << "whose it is";
  ASSERT_EQ(again.services[0]->tcp.size(), 2u);
  EXPECT_EQ(again.services[0]->tcp[0].text(), "[::1]:5432 sni=db.example");
  EXPECT_EQ(again.services[0]->tcp[1].text(), "127.0.0.1:6379");
}

TEST(Holders, WhoWasKeptOutForWhatItRestrictsStaysOut) {
  const std::string route = "gatehouse.route=shop.example";
  const conf::Instance honest = instance("shop", "n1", {route, "gatehouse.allow=10.0.0.0/8"});
  const std::vector<conf::Instance> all{honest, instance("shop", "n2", {route}), instance("shop", "n3", {route})};
  const conf::RoutingTable first = table_of({honest}, nullptr);
  const conf::RoutingTable held = table_of(all, &first);
  ASSERT_EQ(find(held, "shop")->instances.size(), 1u);
  EXPECT_EQ(find(table_of(all, nullptr), "shop")->instances.size(), 2u);  // else the test could not fail
  const conf::RoutingTable after = restarted(held, all);
  ASSERT_EQ(find(after, "shop")->instances.size(), 1u);
  EXPECT_EQ(find(after, "shop")->instances[0].node, "n1");
}

}  // namespace
}  // namespace gatehouse::catalog
