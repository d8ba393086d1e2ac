#include "proxy/world.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "net/tls_client_context.h"

namespace gatehouse::proxy {
namespace {

// A catalog that is edited and built again, as control does.
class Worlds : public testing::Test {
 protected:
  conf::Service& service(const std::string& name) {
    auto& service = services_[name];
    service.name = name;
    return service;
  }
  conf::Instance& add_instance(const std::string& name, const std::string& id, const std::string& address) {
    auto& instances = service(name).instances;
    instances.push_back(
        {.datacenter = "dc1", .node = "n1", .service = name, .id = id, .address = address, .port = 80});
    return instances.back();
  }
  void add_route(const std::string& name, const std::string& host, const std::string& path = "/") {
    conf::Route route;
    route.match.host = host;
    route.match.path = path;
    service(name).routes.push_back(route);
  }
  static conf::HealthCheck check() {
    conf::HealthCheck check;
    check.id = "http";
    return check;
  }

  const World& build() {
    auto table = std::make_shared<conf::RoutingTable>();
    table->hosts = hosts_;
    for (const auto& [name, service] : services_) {  // equal ones are shared between tables, as conf does it
      auto& last = last_[name];
      if (!last || *last != service) last = std::make_shared<const conf::Service>(service);
      table->services.push_back(last);
    }
    before_ = std::move(world_);
    inputs_.addresses = &addresses_;
    inputs_.sticky_keys = keys_;
    world_ = build_world(std::move(table), before_.get(), registry_, inputs_);
    return *world_;
  }
  const ServicePool& pool(const std::string& name) const { return *world_->find(name); }
  const pool::Endpoint& endpoint(const std::string& name, const std::string& endpoint_name) const {
    const auto endpoints = pool(name).endpoints.endpoints();
    const auto found = std::ranges::find(endpoints, endpoint_name, &pool::Endpoint::name);
    EXPECT_NE(found, endpoints.end()) << endpoint_name;
    return *found;
  }
  std::vector<std::string> changed() const { return changes(before_.get(), *world_); }

  std::map<std::string, conf::Service> services_;
  std::map<std::string, std::shared_ptr<const conf::Service>> last_;
  std::map<std::string, conf::HostPolicy> hosts_;
  Addresses addresses_;
  std::vector<pool::StickyKey> keys_ = {pool::StickyKey{}};
  pool::EndpointRegistry registry_;
  WorldInputs inputs_{.workers = 2, .now = TimePoint(1'000s)};
  WorldPtr world_, before_;
};

TEST_F(Worlds, LeadFromARequestToItsPool) {
  add_instance("web", "web-1", "10.0.0.1");
  add_route("web", "web.example");
  add_route("api", "web.example", "/api");
  const World& world = build();
  const auto match = world.matcher().match({.host = "web.example", .path = "/x"});
  ASSERT_NE(match.target, nullptr);
  EXPECT_EQ(world.pool(*match.target).service->name, "web");
  EXPECT_EQ(world.pool(*match.target).endpoints[0].address.text(), "10.0.0.1:80");
  EXPECT_EQ(world.find("nobody"), nullptr);
  EXPECT_EQ(world.generation(), 1u);
  EXPECT_EQ(build().generation(), 2u);
}

TEST_F(Worlds, StartEndpointsByTheirChecks) {
  add_instance("web", "plain", "10.0.0.1");
  add_instance("web", "own", "10.0.0.2").checks = {check()};
  auto passing = check();
  passing.initial = "passing";
  add_instance("web", "said", "10.0.0.3").checks = {passing};
  build();
  EXPECT_EQ(endpoint("web", "n1/plain").live->health, pool::Health::up);
  EXPECT_EQ(endpoint("web", "n1/own").live->health, pool::Health::unknown);
  EXPECT_EQ(endpoint("web", "n1/said").live->health, pool::Health::up);
  EXPECT_FALSE(endpoint("web", "n1/plain").checked);
  EXPECT_TRUE(endpoint("web", "n1/own").checked);

  add_instance("keyed", "a", "10.0.0.4");
  service("keyed").health = check();
  build();
  EXPECT_EQ(endpoint("keyed", "n1/a").live->health, pool::Health::unknown);
}

TEST_F(Worlds, LimitRequestsToWhatTheConnectionsCanCarry) {
  struct Row {
    unsigned requests, connections, limit;
    conf::Protocol protocol = conf::Protocol::http;
  };
  for (const Row& row :
       {Row{0, 0, 0}, Row{5, 0, 5}, Row{0, 4, 4}, Row{5, 4, 4}, Row{3, 4, 3}, Row{5, 4, 5, conf::Protocol::h2c}}) {
    services_.clear();
    auto& instance = add_instance("web", "web-1", "10.0.0.1");
    instance.max_requests = row.requests;
    instance.max_connections = row.connections;
    service("web").protocol = row.protocol;
    build();
    EXPECT_EQ(endpoint("web", "n1/web-1").max_requests, row.limit);
    EXPECT_EQ(endpoint("web", "n1/web-1").max_connections, row.connections);
  }
}

TEST_F(Worlds, KnowWhereChecksAsk) {
  auto& instance = add_instance("web", "web-1", "web.internal");
  for (const char* host : {"", "10.0.0.9", "localhost", "web.internal", "judge.internal"}) {
    instance.checks.push_back(check());
    instance.checks.back().host = host;
  }
  addresses_ = {{"web.internal", {*IpAddress::parse("10.0.0.1")}}};
  const World& world = build();
  EXPECT_EQ(names_to_resolve(world.table()), (std::vector<std::string>{"judge.internal", "web.internal"}));
  const pool::Endpoint& web = endpoint("web", "n1/web-1");
  const auto asks = [&](std::size_t i) {
    const auto address = check_address(web.instance->checks[i], web, addresses_);
    return address ? address->text() : "unknown";
  };
  EXPECT_EQ(asks(0), "10.0.0.1");
  EXPECT_EQ(asks(1), "10.0.0.9");
  EXPECT_EQ(asks(2), "127.0.0.1");
  EXPECT_EQ(asks(3), "10.0.0.1");
  EXPECT_EQ(asks(4), "unknown");
  addresses_["judge.internal"] = {*IpAddress::parse("10.0.0.8")};
  EXPECT_EQ(asks(4), "10.0.0.8");
}

TEST_F(Worlds, NameTheEndpointsThatAChangeOfHealthWithdraws) {
  using enum pool::Health;
  add_instance("db", "one", "10.0.0.1");
  add_instance("db", "two", "10.0.0.2");
  add_instance("db", "spare", "10.0.0.3").backup = true;
  build();
  const auto by = [&](const std::string& id, pool::Health before, pool::Health after) {
    return withdrawn_by(pool("db"), endpoint("db", "n1/" + id).live->id, before, after);
  };
  EXPECT_TRUE(by("one", up, down).empty());
  EXPECT_TRUE(by("one", down, up).empty());
  service("db").on_unhealthy = conf::OnUnhealthy::close;
  service("db").on_return = conf::OnReturn::close;
  build();
  using Ids = std::vector<std::uint32_t>;
  const std::uint32_t spare = endpoint("db", "n1/spare").live->id;
  EXPECT_EQ(by("one", warning, down), Ids{endpoint("db", "n1/one").live->id});
  EXPECT_EQ(by("spare", up, down), Ids{spare});
  EXPECT_EQ(by("one", down, warning), Ids{spare});
  EXPECT_TRUE(by("one", warning, up).empty());  // it was there before
  EXPECT_TRUE(by("spare", down, up).empty());
  EXPECT_TRUE(withdrawn_by(pool("db"), 9999, up, down).empty()) << "nobody";
}

TEST_F(Worlds, LetTheEndpointsOfOtherDatacentersStandBy) {
  add_instance("web", "web-1", "10.0.0.1").checks = {check()};
  add_instance("web", "web-2", "10.0.0.2").datacenter = "dc2";
  service("web").datacenter = "dc1";
  service("web").on_unhealthy = conf::OnUnhealthy::close;
  service("web").on_return = conf::OnReturn::close;
  add_instance("web", "web-3", "10.0.0.3").backup = true;
  build();
  ASSERT_EQ(pool("web").standby.size(), 1u);
  EXPECT_EQ(pool("web").standby[0].name, "n1/web-2");
  using enum pool::Health;
  const std::uint32_t there = pool("web").standby[0].live->id;
  EXPECT_EQ(withdrawn_by(pool("web"), there, up, down), std::vector{there});
  EXPECT_TRUE(withdrawn_by(pool("web"), there, down, up).empty()) << "it brings no primary back";
  const pool::EndpointState* here = endpoint("web", "n1/web-1").live;
  const PoolPtr before = world_->share("web");
  EXPECT_EQ(build().share("web"), before);
  services_["web"].instances[1].catalog_health = conf::CatalogHealth::critical;
  build();
  EXPECT_EQ(withdrawn_by(*before_, *world_), std::vector{there});
  services_["web"].instances[1].catalog_health = conf::CatalogHealth::passing;
  build();
  EXPECT_TRUE(withdrawn_by(*before_, *world_).empty()) << "it brings no primary back";
  service("web").datacenter = "dc2";
  build();
  EXPECT_EQ(pool("web").endpoints[0].name, "n1/web-2");
  EXPECT_EQ(pool("web").standby[0].live, here) << "its counters and health go on";
  EXPECT_EQ(changed(), std::vector<std::string>{"service web: the datacenter that serves it changed"});
}

TEST_F(Worlds, NameTheEndpointsThatTheCatalogsWordWithdraws) {
  using Ids = std::vector<std::uint32_t>;
  add_instance("db", "one", "10.0.0.1");
  add_instance("db", "two", "10.0.0.2");
  add_instance("db", "spare", "10.0.0.3").backup = true;
  service("db").on_unhealthy = conf::OnUnhealthy::close;
  service("db").on_return = conf::OnReturn::close;
  build();
  const std::uint32_t one = endpoint("db", "n1/one").live->id, spare = endpoint("db", "n1/spare").live->id;
  const auto withdrawn = [&] { return withdrawn_by(*before_, *world_); };
  auto& instances = services_["db"].instances;
  instances[0].catalog_health = conf::CatalogHealth::critical;
  build();
  EXPECT_EQ(withdrawn(), Ids{one});
  instances[0].tags = {"v2"};  // critical as before
  build();
  EXPECT_EQ(withdrawn(), Ids{});
  instances[0].catalog_health = conf::CatalogHealth::warning;
  build();
  EXPECT_EQ(withdrawn(), Ids{spare});
  instances[1].maintenance = true;  // meant, and no illness
  build();
  EXPECT_EQ(withdrawn(), Ids{});
  instances[1].maintenance = false;
  build();
  EXPECT_EQ(withdrawn(), Ids{spare});
  add_instance("db", "three", "10.0.0.4");
  build();
  EXPECT_EQ(withdrawn(), Ids{spare});
  add_instance("db", "four", "10.0.0.5").checks = {check()};
  build();
  EXPECT_EQ(withdrawn(), Ids{}) << "it has yet to pass its check";
}

TEST_F(Worlds, WithdrawNobodyForAPrimaryThatTheCatalogStillCallsCritical) {
  using enum pool::Health;
  add_instance("db", "one", "10.0.0.1").catalog_health = conf::CatalogHealth::critical;
  add_instance("db", "spare", "10.0.0.3").backup = true;
  service("db").on_return = conf::OnReturn::close;
  build();
  EXPECT_TRUE(withdrawn_by(pool("db"), endpoint("db", "n1/one").live->id, down, up).empty());
}

TEST_F(Worlds, LetAnEndpointBeginAnewThatTheCatalogCallsHealthyAgain) {
  constexpr std::int64_t first = 1'000'000, later = 2'000'000, last = 3'000'000;
  add_instance("web", "web-1", "10.0.0.1");
  add_instance("web", "web-2", "10.0.0.2");
  build();
  auto* state = endpoint("web", "n1/web-1").live;
  EXPECT_EQ(state->healthy_since_ms, first);
  inputs_.now = TimePoint(Millis(later));
  auto& instances = services_["web"].instances;
  instances[0].catalog_health = conf::CatalogHealth::critical;
  build();
  state->ejected_until_ms = last;
  state->consecutive_refusals = 3;
  instances[0].catalog_health = conf::CatalogHealth::passing;
  build();
  EXPECT_EQ(state->healthy_since_ms, later);
  EXPECT_EQ(state->ejected_until_ms, 0);
  EXPECT_EQ(state->consecutive_refusals, 0);
  EXPECT_EQ(endpoint("web", "n1/web-2").live->healthy_since_ms, first) << "nothing was said of it";
  inputs_.now = TimePoint(Millis(last));
  instances[0].maintenance = true;
  build();
  instances[0].maintenance = false;
  build();
  EXPECT_EQ(state->healthy_since_ms, last);
  // One that left and is back, while a long request still holds its state.
  const PoolPtr held = world_->share("web");
  auto* second = endpoint("web", "n1/web-2").live;
  const conf::Instance gone = instances[1];
  instances.pop_back();
  build();
  instances.push_back(gone);
  build();
  EXPECT_EQ(endpoint("web", "n1/web-2").live, second);
  EXPECT_EQ(second->healthy_since_ms, last);
}

TEST_F(Worlds, TakeATtlCheckForTheCatalogsWord) {
  add_instance("web", "web-1", "10.0.0.1").checks = {check()};
  services_["web"].instances[0].checks[0].kind = conf::HealthCheck::Kind::ttl;
  build();
  EXPECT_EQ(endpoint("web", "n1/web-1").told, pool::Health::down);
}

TEST_F(Worlds, PutTheEndpointsOfTheDoorsZoneFirst) {
  for (const auto& [id, zone] : std::vector<std::pair<std::string, std::string>>{{"1", "b"}, {"2", "a"}, {"3", ""}}) {
    auto& instance = add_instance("web", "web-" + id, "10.0.0." + id);
    if (!zone.empty()) instance.meta["zone"] = zone;
  }
  const auto order = [&] {
    std::string out;
    for (const auto& each : pool("web").endpoints.endpoints()) out += each.instance->id.back();
    return out + ":" + std::to_string(pool("web").endpoints.primaries().count);
  };
  inputs_.zone = "a";
  build();
  EXPECT_EQ(order(), "123:3");
  service("web").zone = conf::Zone::prefer;
  build();
  EXPECT_EQ(order(), "213:1");
  EXPECT_EQ(endpoint("web", "n1/web-1").weight, 1u);
  inputs_.zone = "b";
  build();
  EXPECT_EQ(order(), "123:1");
  service("web").zone = conf::Zone::only;
  build();
  EXPECT_EQ(endpoint("web", "n1/web-1").weight, 1u);
  EXPECT_EQ(endpoint("web", "n1/web-2").weight, 0u);
  EXPECT_TRUE(world_->findings().empty());
  inputs_.zone.clear();
  for (int i = 0; i < 2; ++i) {  // said as long as it is so
    build();
    EXPECT_EQ(endpoint("web", "n1/web-1").weight, 0u);
    ASSERT_EQ(world_->findings().size(), 1u);
    EXPECT_EQ(world_->findings()[0].what, "node.zone is not set: nothing is in this door's zone");
  }
}

TEST_F(Worlds, CarryCountersAndHealthOverByIdentity) {
  add_instance("web", "web-1", "10.0.0.1").checks = {check()};
  build();
  auto* state = endpoint("web", "n1/web-1").live;
  state->health = pool::Health::up;
  state->requests = 7;

  services_["web"].instances[0].weight_passing = 9;
  services_["web"].instances[0].checks[0].interval = 1s;  // another check: the verdict stays until it says otherwise
  add_instance("web", "web-2", "10.0.0.2");
  build();
  EXPECT_EQ(endpoint("web", "n1/web-1").live, state);
  EXPECT_EQ(endpoint("web", "n1/web-1").weight, 9u);
  EXPECT_EQ(state->health, pool::Health::up);
  EXPECT_EQ(state->requests, 7u);
  EXPECT_NE(endpoint("web", "n1/web-2").live->id, state->id);
}

TEST_F(Worlds, StartAnewAtAnotherAddressAndBelieveAnEndpointWithoutChecks) {
  add_instance("web", "web-1", "10.0.0.1").checks = {check()};
  build();
  auto* state = endpoint("web", "n1/web-1").live;
  state->health = pool::Health::down;
  services_["web"].instances[0].checks.clear();
  build();
  EXPECT_EQ(endpoint("web", "n1/web-1").live, state);
  EXPECT_EQ(pool::health_of(endpoint("web", "n1/web-1")), pool::Health::up);
  services_["web"].instances[0].port = 81;
  build();
  EXPECT_NE(endpoint("web", "n1/web-1").live, state);
}

TEST_F(Worlds, FreeTheStatesOfRemovedEndpoints) {
  add_instance("web", "web-1", "10.0.0.1");
  add_instance("web", "web-2", "10.0.0.2");
  build();
  const auto id = endpoint("web", "n1/web-2").live->id;
  services_["web"].instances.pop_back();
  build();
  add_instance("web", "web-3", "10.0.0.3");
  build();  // the world before the last is gone now, and with it the state
  EXPECT_EQ(endpoint("web", "n1/web-3").live->id, id);
}

TEST_F(Worlds, ShareWhatDidNotChange) {
  add_instance("api", "api-1", "10.0.0.1");
  add_route("api", "api.example");
  add_instance("web", "web-1", "10.0.0.2");
  add_route("web", "web.example");
  build();
  add_instance("web", "web-2", "10.0.0.3");
  build();
  EXPECT_EQ(world_->find("api"), before_->find("api"));
  EXPECT_NE(world_->find("web"), before_->find("web"));
  EXPECT_EQ(pool("web").stats, before_->find("web")->stats);
  EXPECT_EQ(&world_->matcher(), &before_->matcher());  // no route changed

  add_route("web", "web.example", "/x");
  build();
  EXPECT_EQ(world_->find("api"), before_->find("api"));
  EXPECT_NE(&world_->matcher(), &before_->matcher());

  hosts_["web.example"].hsts = 1h;
  build();
  EXPECT_EQ(world_->find("web"), before_->find("web"));
  EXPECT_NE(&world_->matcher(), &before_->matcher());
}

TEST_F(Worlds, KeepASharedMatchersRoutesAliveWithoutTheWorldTheyCameFrom) {
  add_instance("web", "web-1", "10.0.0.1");
  add_route("web", "web.example");
  build();
  for (int i = 2; i < 5; ++i) {
    add_instance("web", "web-" + std::to_string(i), "10.0.0.1");
    build();
  }
  const auto match = world_->matcher().match({.host = "web.example"});
  ASSERT_NE(match.target, nullptr);
  EXPECT_EQ(match.target->route->match.host, "web.example");  // ASan watches
  EXPECT_EQ(world_->pool(*match.target).endpoints.size(), 4u);
}

TEST_F(Worlds, RenameAServiceAndItsPoolAtTheSamePlaceOfTheTable) {
  add_route("a", "a.example");
  build();
  services_.clear();
  add_route("b", "a.example");
  build();
  const auto match = world_->matcher().match({.host = "a.example"});
  EXPECT_EQ(world_->pool(*match.target).service->name, "b");
  EXPECT_EQ(match.target->owner->name, "b");
}

TEST_F(Worlds, LeaveOutAnInstanceWhoseNameHasNoAddressYet) {
  add_instance("web", "web-1", "web.internal");
  add_instance("web", "web-2", "10.0.0.2");
  build();
  EXPECT_EQ(pool("web").endpoints.size(), 1u);
  ASSERT_EQ(world_->findings().size(), 1u);
  EXPECT_EQ(world_->findings()[0].path, "web: n1/web-1");
  EXPECT_EQ(world_->findings()[0].severity, conf::Severity::warning);
  EXPECT_EQ(names_to_resolve(world_->table()), std::vector<std::string>{"web.internal"});

  addresses_["web.internal"] = {IpAddress::v4(10, 0, 0, 9)};
  build();
  EXPECT_EQ(pool("web").endpoints.size(), 2u);
  EXPECT_EQ(endpoint("web", "n1/web-1").address.text(), "10.0.0.9:80");
  EXPECT_TRUE(world_->findings().empty());
}

TEST_F(Worlds, LeaveOutANameThatLeadsToThisProgramItself) {
  add_instance("web", "web-1", "door.internal");
  add_instance("web", "web-2", "web.internal");
  addresses_ = {{"door.internal", {IpAddress::v4(10, 0, 0, 1)}}, {"web.internal", {IpAddress::v4(10, 0, 0, 2)}}};
  inputs_.own_address = [](const SocketAddress& address) {
    return address.text() == "10.0.0.1:80" ? std::string("the listener http") : std::string();
  };
  const World& world = build();
  EXPECT_EQ(pool("web").endpoints.size(), 1u);
  ASSERT_EQ(world.findings().size(), 1u);
  EXPECT_NE(world.findings()[0].what.find("is the listener http of this door itself"), std::string::npos);
}

TEST_F(Worlds, KeepTheAddressOfANameAsLongAsItHasIt) {
  const auto a = IpAddress::v4(10, 0, 0, 1), b = IpAddress::v4(10, 0, 0, 2);
  add_instance("web", "web-1", "web.internal");
  addresses_["web.internal"] = {a, b};
  build();
  addresses_["web.internal"] = {b, a};  // resolvers rotate
  build();
  EXPECT_EQ(endpoint("web", "n1/web-1").address.ip, a);
  EXPECT_EQ(world_->find("web"), before_->find("web"));
  addresses_["web.internal"] = {b};
  build();
  EXPECT_EQ(endpoint("web", "n1/web-1").address.ip, b);
  EXPECT_NE(world_->find("web"), before_->find("web"));
}

TEST_F(Worlds, MakePoolsAnewForOtherCookieKeysWorkersOrTls) {
  add_instance("plain", "a", "10.0.0.1");
  add_instance("sticky", "b", "10.0.0.1");
  service("sticky").sticky_cookie = "gh";
  build();
  const std::string cookie(pool("sticky").sticky.set_cookie(0, false).substr(3, pool::sticky_value_size));
  keys_.insert(keys_.begin(), pool::StickyKey{1});
  build();
  EXPECT_EQ(world_->find("plain"), before_->find("plain"));
  EXPECT_NE(world_->find("sticky"), before_->find("sticky"));
  EXPECT_EQ(pool("sticky").sticky.find(cookie), 0u);  // the old key is still understood
  EXPECT_EQ(pool("sticky").stats, before_->find("sticky")->stats);

  inputs_.workers = 3;
  build();
  EXPECT_EQ(pool("plain").stats->shards().size(), 3u);

  auto policy = std::make_shared<const TlsClientPolicy>();
  inputs_.tls_policy = [&](const conf::Service& of) { return of.name == "plain" ? policy : nullptr; };
  build();
  EXPECT_EQ(pool("plain").tls, policy);
  EXPECT_EQ(world_->find("sticky"), before_->find("sticky"));
  build();
  EXPECT_EQ(world_->find("plain"), before_->find("plain"));
  policy = std::make_shared<const TlsClientPolicy>();
  build();
  EXPECT_EQ(pool("plain").tls, policy);
}

TEST_F(Worlds, TellTheFindingsOfTheTableAndTheirOwn) {
  add_route("a", "*");
  add_route("b", "b.example");
  build();
  const auto count = world_->findings().size();
  EXPECT_EQ(count, 1u);
  add_instance("b", "b-1", "10.0.0.1");
  build();  // the matcher is shared, its findings still hold
  EXPECT_EQ(world_->findings().size(), count);
}

TEST_F(Worlds, HaveSettingsAndCertificatesEvenWhenNoneWereGiven) {
  build();
  EXPECT_EQ(world_->certificates().find("a.example"), nullptr);
  EXPECT_EQ(world_->settings().limits.field_count, conf::Limits().field_count);
  auto settings = std::make_shared<Settings>();
  settings->node = "fd1";
  inputs_.settings = settings;
  build();
  EXPECT_EQ(world_->settings().node, "fd1");
}

TEST_F(Worlds, ShareAMaglevTableWhoseMembersStayed) {
  service("web").balance = conf::Balance::maglev;
  add_instance("web", "web-1", "10.0.0.1");
  add_instance("web", "web-2", "10.0.0.2");
  build();
  service("web").slow_start = 10s;
  build();
  EXPECT_EQ(pool("web").endpoints.maglev(), before_->find("web")->endpoints.maglev());
  services_["web"].instances[0].weight_passing = 5;
  build();
  EXPECT_NE(pool("web").endpoints.maglev(), before_->find("web")->endpoints.maglev());
}

TEST_F(Worlds, StayTheSameSizeOverThousandsOfChanges) {
  add_route("web", "web.example");
  for (int i = 0; i < 3000; ++i) {
    services_["web"].instances.clear();
    add_instance("web", "web-" + std::to_string(i), "10.0.0.1");
    add_instance("web", "web-" + std::to_string(i + 1), "10.0.0.2");
    build();
    for (const auto& endpoint : pool("web").endpoints.endpoints()) ASSERT_LT(endpoint.live->id, 8u);
  }
  EXPECT_LE(registry_.size(), 6u);
}

using Lines = std::vector<std::string>;

TEST_F(Worlds, SayWhatBecameDifferent) {
  add_instance("web", "web-1", "10.0.0.1");
  add_instance("web", "web-2", "10.0.0.2");
  add_route("web", "web.example");
  add_instance("old", "old-1", "10.0.0.3");
  hosts_["web.example"].hsts = 1h;
  build();
  EXPECT_EQ(changed(), (Lines{"service old: added, 1 endpoint, 0 routes", "service web: added, 2 endpoints, 1 route",
                              "host web.example: policy added"}));
  build();
  EXPECT_EQ(changed(), Lines{});

  services_.erase("old");
  auto& web = services_["web"];
  web.balance = conf::Balance::maglev;
  web.queue.length = 5;
  web.instances[0].weight_passing = 3;
  web.instances[1].address = "10.0.0.9";
  add_instance("web", "web-3", "10.0.0.4");
  web.routes[0].policy.max_body = 1;
  add_route("web", "web.example", "/new");
  hosts_["web.example"].hsts = 2h;
  build();
  EXPECT_EQ(changed(),
            (Lines{"service old: removed", "service web: balance, queue changed",
                   "service web: endpoint n1/web-1 weight 1 became 3",
                   "service web: endpoint n1/web-2 moved from 10.0.0.2:80 to 10.0.0.9:80",
                   "service web: endpoint n1/web-3 added (10.0.0.4:80)", "service web: route web.example/ changed",
                   "service web: route web.example/new added", "host web.example: policy changed"}));

  web.instances[0].maintenance = true;
  web.instances[1].tags = {"x"};
  web.instances.pop_back();
  web.routes.erase(web.routes.begin());
  hosts_.clear();
  build();
  EXPECT_EQ(changed(),
            (Lines{"service web: endpoint n1/web-3 removed (10.0.0.4:80)",
                   "service web: endpoint n1/web-1 put into maintenance", "service web: endpoint n1/web-2 changed",
                   "service web: route web.example/ removed", "host web.example: policy removed"}));
}

TEST_F(Worlds, TcpAddressesAreFoundAndTheirChangesTold) {
  add_route("aaa", "a.example");
  add_instance("db", "db-1", "10.0.0.1");
  service("db").tcp.push_back({.address = *SocketAddress::parse("127.0.0.1:3306")});
  build();
  const auto target = world_->tcp().find(*SocketAddress::parse("127.0.0.1:3306"), "");
  ASSERT_TRUE(target);
  EXPECT_EQ(world_->pools()[target->service]->service->name, "db");
  EXPECT_EQ(changed().back(), "service db: tcp 127.0.0.1:3306 added");
  service("db").tcp[0].policy.idle_timeout = 1h;
  service("db").tcp.push_back({.address = *SocketAddress::parse("127.0.0.1:3307"), .sni = "x.example"});
  build();
  EXPECT_EQ(changed(),
            (Lines{"service db: tcp 127.0.0.1:3306 changed", "service db: tcp 127.0.0.1:3307 sni=x.example added"}));
  service("db").tcp.clear();
  build();
  EXPECT_EQ(changed(), (Lines{"service db: tcp 127.0.0.1:3306 removed",
                              "service db: tcp 127.0.0.1:3307 sni=x.example removed"}));
  EXPECT_FALSE(world_->tcp().find(*SocketAddress::parse("127.0.0.1:3306"), ""));
}

}  // namespace
}  // namespace gatehouse::proxy
