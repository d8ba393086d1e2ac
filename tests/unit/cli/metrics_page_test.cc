#include "cli/metrics_page.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/cli/made_door.h"

namespace gatehouse::cli {
namespace {

HttpRequest request(const std::string& target, const std::string& host = "127.0.0.1:9901") {
  HttpRequest out;
  out.method = "GET";
  out.target = target;
  out.host = host;
  out.peer = IpAddress::v4(127, 0, 0, 1);
  split_target(target, out);
  return out;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(MetricsPage, LivesWhileTheProgramLivesAndIsReadyWhenTheDoorIs) {
  MadeDoor door;
  DoorView view = door.view();
  EXPECT_EQ(answer_metrics(view, request("/healthz")).status, 200);
  EXPECT_EQ(answer_metrics(view, request("/readyz")).status, 200);
  view.ready = false;
  view.stopping = true;
  EXPECT_EQ(answer_metrics(view, request("/healthz")).status, 200);
  const HttpReply reply = answer_metrics(view, request("/readyz"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "stopping: no new connections are taken\n");
}

TEST(MetricsPage, ADoorWhoseCatalogIsAwayIsReadyAndSaysIt) {
  MadeDoor door;
  DoorView view = door.view();
  EXPECT_EQ(answer_metrics(view, request("/readyz")).body, "ready\n");
  view.degraded = "consul: refused; what it said last is served";
  const HttpReply reply = answer_metrics(view, request("/readyz"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "ready, degraded: consul: refused; what it said last is served\n");
}

TEST(MetricsPage, ADoorThatKnowsNothingOfItsCatalogIsNotReady) {
  MadeDoor door;
  DoorView view = door.view();
  view.ready = false;
  view.unknown = "consul: has not answered yet";
  const HttpReply reply = answer_metrics(view, request("/readyz"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "nothing is known of the catalog yet: consul: has not answered yet\n");
}

TEST(MetricsPage, OnlyReads) {
  MadeDoor door;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    HttpRequest asked = request("/metrics");
    asked.method = method;
    const HttpReply reply = answer_metrics(door.view(), asked);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.allow, "GET, HEAD");
  }
  HttpRequest head = request("/metrics");
  head.method = "HEAD";
  EXPECT_EQ(answer_metrics(door.view(), head).status, 200);
}

TEST(MetricsPage, AnswersOnlyPeersThatAreAllowed) {
  MadeDoor door;
  HttpRequest asked = request("/healthz");
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1"}) {
    asked.peer = *IpAddress::parse(text);
    EXPECT_EQ(answer_metrics(door.view(), asked).status, 200) << text;
  }
  asked.peer = *IpAddress::parse("10.0.0.9");
  EXPECT_EQ(answer_metrics(door.view(), asked).status, 403);
  door.config.metrics.allow.push_back(*IpPrefix::parse("10.0.0.0/8"));
  EXPECT_EQ(answer_metrics(door.view(), asked).status, 200);
}

TEST(MetricsPage, BelievesOnlyAHostThatNoWebPageCanHave) {
  MadeDoor door;
  door.config.metrics.hosts = {"door.internal"};
  const std::vector<std::pair<std::string, int>> rows = {
      {"127.0.0.1:9901", 200}, {"127.0.0.1", 200},      {"[::1]:9901", 200},      {"localhost", 200},
      {"LocalHost:9901", 200}, {"door.internal", 200},  {"Door.Internal:1", 200}, {"", 200},
      {"evil.example", 421},   {"localhost.evil", 421}, {"x.door.internal", 421}, {"127.0.0.1.evil.example", 421},
      {"[::1", 421},           {"user@localhost", 421}, {"0x7f.1", 421},          {"2130706433", 421},
  };
  for (const auto& [host, status] : rows)
    EXPECT_EQ(answer_metrics(door.view(), request("/metrics", host)).status, status) << host;
}

TEST(MetricsPage, SaysWhatThereIsWhereNothingIs) {
  MadeDoor door;
  EXPECT_EQ(answer_metrics(door.view(), request("/v1/status")).status, 404);
  EXPECT_EQ(answer_metrics(door.view(), request("/metrics/")).status, 404);
  EXPECT_EQ(answer_metrics(door.view(), request("/")).status, 200);
}

TEST(Metrics, SumOverWorkers) {
  MadeDoor door;
  door.counters[0].requests.add(3), door.counters[1].requests.add(4);
  door.counters[0].responses[2].add(5), door.counters[1].responses[2].add(1);
  door.counters[1].connections_open.add(9);
  const std::string text = metrics_text(door.view(), false);
  EXPECT_TRUE(has_line(text, "gatehouse_requests_total 7")) << text;
  EXPECT_TRUE(has_line(text, "gatehouse_responses_total{class=\"2xx\"} 6"));
  EXPECT_TRUE(has_line(text, "gatehouse_worker_connections_open{worker=\"1\"} 9"));
  EXPECT_TRUE(has_line(text, "gatehouse_connections_open 12"));
  EXPECT_TRUE(has_line(text, "gatehouse_certificate_days_left{certificate=\"web\"} 90"));
}

TEST(Metrics, TellOfServices) {
  MadeDoor door;
  MadeDoor::add_check(door.services[0].instances[1]);
  door.build();
  pool::ServiceStats& stats = *door.world->pools()[0]->stats;
  stats.shard(0).on_response(200, 1'500);   // up to 2 ms
  stats.shard(1).on_response(503, 40'000);  // up to 50 ms
  stats.shard(1).on_response(200, 60'000'000);
  stats.shard(0).retries.add(2);
  stats.queued = 3;
  const std::string text = metrics_text(door.view(), false);
  EXPECT_TRUE(has_line(text, "gatehouse_service_responses_total{service=\"web\",class=\"2xx\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "gatehouse_service_responses_total{service=\"web\",class=\"5xx\"} 1"));
  EXPECT_TRUE(has_line(text, "gatehouse_service_retries_total{service=\"web\"} 2"));
  EXPECT_TRUE(has_line(text, "gatehouse_service_queued{service=\"web\"} 3"));
  EXPECT_TRUE(has_line(text, "gatehouse_service_endpoints{service=\"web\"} 2"));
  EXPECT_TRUE(has_line(text, "gatehouse_service_endpoints_healthy{service=\"web\"} 1"));
  EXPECT_TRUE(has_line(text, "gatehouse_service_panic{service=\"web\"} 0"));
  MadeDoor::add_check(door.services[0].instances[0]);
  door.build();
  for (const std::size_t i : {0, 1}) door.state(0, i).health = pool::Health::down;
  EXPECT_TRUE(has_line(metrics_text(door.view(), false), "gatehouse_service_panic{service=\"web\"} 1"));
  const std::string bucket = "gatehouse_service_request_duration_seconds_bucket{service=\"web\",le=\"";
  EXPECT_TRUE(has_line(text, bucket + "0.001\"} 0"));
  EXPECT_TRUE(has_line(text, bucket + "0.002\"} 1"));
  EXPECT_TRUE(has_line(text, bucket + "0.05\"} 2"));
  EXPECT_TRUE(has_line(text, bucket + "30\"} 2"));
  EXPECT_TRUE(has_line(text, bucket + "+Inf\"} 3"));
  EXPECT_TRUE(has_line(text, "gatehouse_service_request_duration_seconds_count{service=\"web\"} 3"));
}

TEST(Metrics, TellHowOldACatalogIsBeforeItWasHeard) {
  MadeDoor door;
  DoorView view = door.view();
  view.consuls.emplace_back().datacenter = "dc1";
  view.consuls[0].asked_since_ms = view.wall_ms - 7000;
  EXPECT_TRUE(has_line(metrics_text(view, false), "gatehouse_consul_age_seconds{datacenter=\"dc1\"} 7"));
  view.consuls[0].canary.fresh_ms = view.wall_ms - 2000;
  EXPECT_TRUE(has_line(metrics_text(view, false), "gatehouse_consul_age_seconds{datacenter=\"dc1\"} 2"));
}

TEST(Metrics, TellOfEndpointsOnlyWhenAsked) {
  MadeDoor door;
  door.build();
  door.state(0, 1).requests_total = 8;
  EXPECT_EQ(answer_metrics(door.view(), request("/metrics")).body.find("gatehouse_endpoint_"), std::string::npos);
  const std::string text = answer_metrics(door.view(), request("/metrics?endpoints=1")).body;
  EXPECT_TRUE(has_line(text,
                       "gatehouse_endpoint_requests_total{service=\"web\",endpoint=\"n1/web-2\","
                       "address=\"10.0.0.2:8000\"} 8"))
      << text;
}

TEST(Metrics, SeriesAreBoundedAndWhatIsLeftOutIsCounted) {
  MadeDoor door;
  door.services.clear();
  for (std::size_t i = 0; i <= services_most; ++i) door.add_service("s" + std::to_string(i));
  const std::string text = metrics_text(door.view(), false);
  EXPECT_TRUE(has_line(text, "gatehouse_series_left_out 1"));
  EXPECT_NE(text.find("service=\"s" + std::to_string(services_most - 1) + "\""), std::string::npos);
  EXPECT_EQ(text.find("service=\"s" + std::to_string(services_most) + "\""), std::string::npos);
}

TEST(Metrics, EveryNameIsGatehousesOnceAndExplained) {
  MadeDoor door;
  std::istringstream lines(metrics_text(door.view(), true));
  std::set<std::string> names;
  const std::regex good("gatehouse_[a-z0-9_]+[a-z0-9]");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# HELP ")) continue;
    const std::string name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_TRUE(std::regex_match(name, good)) << name;
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_GT(line.size(), name.size() + 8) << name << " has no help";
  }
  EXPECT_GT(names.size(), 40u);
}

TEST(Metrics, TheDocumentationKnowsEveryName) {
  MadeDoor door;
  std::ostringstream page;
  page << std::ifstream(GATEHOUSE_SOURCE "/docs/metrics.md").rdbuf();
  std::istringstream lines(metrics_text(door.view(), true));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const std::string name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_NE(page.str().find("`" + name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace gatehouse::cli
