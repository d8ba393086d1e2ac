#include "proxy/admission.h"

#include <memory>

#include <gtest/gtest.h>

#include "proxy/http/parse.h"

namespace gatehouse::proxy {
namespace {

using http::Termination;

// A door with the services web and next, and what becomes of a request to it.
class Front {
 public:
  Front() {
    for (const char* name : {"next", "web"}) {
      conf::Service service{.name = name};
      conf::Instance instance;
      instance.service = instance.id = name;
      instance.node = "n1";
      instance.address = "127.0.0.1";
      instance.port = 80;
      service.instances.push_back(instance);
      conf::Route route;
      route.match.host = std::string(name) + ".example";
      service.routes.push_back(route);
      services.push_back(service);
    }
  }
  conf::Service& web() { return services[1]; }
  conf::RoutePolicy& policy() { return web().routes[0].policy; }

  Admission ask(std::string request, std::int64_t wall_ms = 0, std::uint64_t dice = ~0ull) {
    auto table = std::make_shared<conf::RoutingTable>();
    for (const conf::Service& each : services) table->services.push_back(std::make_shared<const conf::Service>(each));
    WorldInputs inputs;
    world = build_world(table, nullptr, registry, inputs);
    if (until_ms != 0) world->find("web")->stats->maintenance_until_ms.store(until_ms);
    const std::size_t end = request.find('\n');
    bytes = request.substr(0, end) + " HTTP/1.1\r\nHost: web.example\r\n" +
            (end == std::string::npos ? "" : request.substr(end + 1) + "\r\n") + "\r\n";
    head = std::make_unique<http::RequestHead>();
    head->bytes = bytes.data();
    EXPECT_EQ(http::parse_request_head(bytes, {16384, 32768, 100}, *head), http::ParseState::complete);
    Arrival arrival{*head, listener, IpAddress::v4(192, 0, 2, 7)};
    arrival.wall_ms = wall_ms;
    arrival.dice = dice;
    return admit(arrival, *world, *scratch);
  }

  std::vector<conf::Service> services;
  std::int64_t until_ms = 0;
  pool::EndpointRegistry registry;
  WorldPtr world;
  std::string bytes;
  std::unique_ptr<http::RequestHead> head;
  Listener listener;
  std::unique_ptr<AdmissionScratch> scratch = std::make_unique<AdmissionScratch>();
};

TEST(Admission, OtherMethodsAreRefusedWithThoseThatAreServed) {
  Front front;
  front.policy().methods = {{"GET", "HEAD"}, "GET, HEAD"};
  EXPECT_EQ(front.ask("GET /").refusal.status, 0);
  const Admission refused = front.ask("POST /");
  EXPECT_EQ(refused.refusal.status, 405);
  EXPECT_EQ(refused.refusal.allow, "GET, HEAD");
}

TEST(Admission, APreflightIsAnsweredBeforeAuthAndMethods) {
  Front front;
  front.policy().cors = *conf::parse_cors("https://a.example");
  front.policy().methods = {{"GET"}, "GET"};
  front.policy().auth.said = "basic:x";
  const Admission good = front.ask("OPTIONS /\nOrigin: https://a.example\r\nAccess-Control-Request-Method: GET");
  EXPECT_EQ(good.refusal.status, 204);
  EXPECT_TRUE(good.preflight);
  const Admission bad = front.ask("OPTIONS /\nOrigin: https://b.example\r\nAccess-Control-Request-Method: GET");
  EXPECT_EQ(bad.refusal.status, 403);
  EXPECT_FALSE(bad.preflight);
  EXPECT_EQ(front.ask("OPTIONS /\nOrigin: https://a.example").refusal.status, 405) << "no preflight";
}

TEST(Admission, AnAuthThatMeansNothingLetsNobodyPass) {
  Front front;
  front.policy().auth.said = "basic:x";
  EXPECT_EQ(front.ask("GET /").refusal.why, Termination::auth_failed);
}

TEST(Admission, MaintenanceByCommandEndsByItself) {
  Front front;
  front.until_ms = 100'000;
  const Admission during = front.ask("GET /", 40'000);
  EXPECT_EQ(during.refusal.status, 503);
  EXPECT_EQ(during.refusal.why, Termination::maintenance);
  EXPECT_EQ(during.refusal.retry_after, 60s);
  EXPECT_EQ(front.ask("GET /", 100'000).refusal.status, 0);
  front.policy().maintenance.allow = {*IpPrefix::parse("192.0.2.0/24")};
  EXPECT_EQ(front.ask("GET /", 40'000).refusal.status, 0);
}

TEST(Admission, ACanaryGetsItsShareOfTheDice) {
  Front front;
  front.web().canary = {"next", 500, false};
  EXPECT_EQ(front.ask("GET /", 0, 499).pool->service->name, "next");
  EXPECT_EQ(front.ask("GET /", 0, 500).pool->service->name, "web");
  const Admission canary = front.ask("GET /", 0, 0);
  EXPECT_TRUE(canary.canary);
  EXPECT_EQ(canary.policy, &front.world->find("web")->service->routes[0].policy);
  front.web().routes[0].policy.files.emplace();
  EXPECT_FALSE(front.ask("GET /", 0, 0).canary) << "files have none";
  front.web().routes[0].policy.files.reset();
  front.web().canary.service = "nobody";
  EXPECT_EQ(front.ask("GET /", 0, 0).pool->service->name, "web");
  front.web().canary = {"next", 10'000, true};
  EXPECT_EQ(front.ask("GET /").pool->service->name, "next");
}

TEST(Admission, AConditionOnAFieldMayBeInverted) {
  Front front;
  front.ask("GET /\nX-A: 1\r\nX-A: 2");
  const auto holds = [&](const char* name, const char* value, bool inverted) {
    return has_field(*front.head, {.name = name, .value = value, .inverted = inverted});
  };
  EXPECT_TRUE(holds("x-a", "2", false) && holds("x-a", "", false));
  EXPECT_FALSE(holds("x-a", "2", true) || holds("x-a", "", true));
  EXPECT_TRUE(holds("x-a", "3", true));
  EXPECT_FALSE(holds("x-b", "3", true)) << "it is not there";
  EXPECT_TRUE(holds("x-b", "", true));
}

TEST(Admission, ARewriteIsJudgedByThePathAsItCame) {
  Front front;
  conf::Route admin;
  admin.match.host = "web.example";
  admin.match.path = "/admin";
  admin.policy.deny = {*IpPrefix::parse("0.0.0.0/0")};
  front.policy().rewrites = {*conf::parse_rewrite("^/pub/(.*) /site/$1")};
  front.policy().strip = "/site";
  front.web().routes.push_back(admin);
  EXPECT_EQ(front.ask("GET /pub/a?b").forward, "/a?b");
  EXPECT_EQ(front.ask("GET /admin/pub/a").refusal.status, 403);
}

}  // namespace
}  // namespace gatehouse::proxy
