#include "cli/status.h"

#include <gtest/gtest.h>

#include "cli/status_text.h"
#include "tests/unit/cli/made_door.h"

namespace gatehouse::cli {
namespace {

std::string at(const json::value& value, std::string_view pointer) {
  boost::system::error_code missing;
  const json::value* found = value.find_pointer({pointer.data(), pointer.size()}, missing);
  if (found == nullptr) return "(missing)";
  return found->is_string() ? std::string(found->as_string()) : json::serialize(*found);
}

TEST(Status, TellsWhoTheDoorIsAndHowItFares) {
  MadeDoor door;
  door.counters[0].requests.add(3);
  door.counters[1].requests.add(4);
  const json::value status = status_json(door.view());
  EXPECT_EQ(at(status, "/node"), "fd1");
  EXPECT_EQ(at(status, "/version"), GATEHOUSE_VERSION);
  EXPECT_EQ(at(status, "/ready"), "true");
  EXPECT_EQ(at(status, "/unready"), "(missing)");
  EXPECT_EQ(at(status, "/uptime_ms"), "3600000");
  EXPECT_EQ(at(status, "/requests"), "7");
  EXPECT_EQ(at(status, "/connections/open"), "12");
  EXPECT_EQ(at(status, "/listeners/1/address"), "[::]:8443");
  EXPECT_EQ(at(status, "/services/0/routes/0/match"), "web.example/");
  EXPECT_EQ(at(status, "/services/0/routes/0/at"), "services.json:1");
  EXPECT_EQ(at(status, "/services/0/endpoints/1/address"), "10.0.0.2:8000");
  EXPECT_EQ(at(status, "/services/0/endpoints/1/health"), "up");
  EXPECT_EQ(at(status, "/services/0/endpoints/1/out"), "(missing)");
  EXPECT_EQ(at(status, "/certificates/0/names"), "[\"web.example\"]");
  EXPECT_EQ(at(status, "/certificates/0/days_left"), "90");
}

TEST(Status, SaysWhyNoTrafficShouldCome) {
  MadeDoor door;
  DoorView view = door.view();
  view.ready = false;
  EXPECT_EQ(at(status_json(view), "/unready"), "starting");
  view.stopping = true;
  EXPECT_EQ(at(status_json(view), "/unready"), "stopping: no new connections are taken");
}

TEST(Status, SaysWhyAnEndpointGetsNothing) {
  MadeDoor door;
  for (conf::Instance& instance : door.services[0].instances) MadeDoor::add_check(instance);
  conf::Instance& resting = MadeDoor::add_instance(door.services[0], "web-3", "10.0.0.3");
  resting.maintenance = true;
  MadeDoor::add_instance(door.services[0], "web-4", "10.0.0.4").weight_passing = 0;
  MadeDoor::add_instance(door.services[0], "web-5", "10.0.0.5").max_requests = 1;
  MadeDoor::add_instance(door.services[0], "web-6", "10.0.0.6");
  MadeDoor::add_instance(door.services[0], "web-7", "10.0.0.7");
  door.build();
  door.state(0, 0).health = pool::Health::down;
  door.state(0, 4).requests = 1;
  door.state(0, 5).ejected_until_ms = MadeDoor::steady_ms + 12'000;
  door.state(0, 5).consecutive_refusals = 3;
  door.state(0, 6).draining_since_ms = MadeDoor::steady_ms - 1;
  const json::value status = status_json(door.view());
  const std::vector<std::string> words = {
      "down",     "awaits its first check",           "in maintenance",
      "weight 0", "has all the requests it may have", "rests after 3 failed connections, is tried again in 12 s",
      "draining"};
  for (std::size_t i = 0; i < words.size(); ++i)
    EXPECT_EQ(at(status, "/services/0/endpoints/" + std::to_string(i) + "/out"), words[i]) << i;
  EXPECT_EQ(at(status, "/services/0/endpoints/5/ejected_until"), "2027-01-15T08:00:12.000Z");
}

TEST(Status, SaysWhyTheCatalogCallsAnEndpointCritical) {
  MadeDoor door;
  conf::Instance& first = door.services[0].instances[0];
  first.catalog_health = conf::CatalogHealth::critical;
  first.catalog_reason.text = "http: connection refused";
  door.build();
  const json::object status = status_json(door.view());
  const json::array& endpoints = status.at("services").at(0).at("endpoints").as_array();
  EXPECT_EQ(endpoints.at(0).at("reason"), "http: connection refused");
  EXPECT_FALSE(endpoints.at(1).as_object().contains("reason"));
}

TEST(Status, AnEndpointThatRestsAfterErrorsSaysWhich) {
  MadeDoor door;
  door.build();
  door.state(0, 0).ejected_until_ms = MadeDoor::steady_ms + 980;
  door.state(0, 0).last_failure = pool::Failure::status;
  EXPECT_EQ(at(status_json(door.view()), "/services/0/endpoints/0/out"),
            "rests after errors (status), is tried again in 980 ms");
  door.state(0, 0).last_failure = pool::Failure::slow;
  EXPECT_EQ(at(status_json(door.view()), "/services/0/endpoints/0/out"),
            "rests after slow answers, is tried again in 980 ms");
}

TEST(Status, SaysWhenUnhealthyEndpointsAreTriedForWantOfOthers) {
  MadeDoor door;
  for (conf::Instance& instance : door.services[0].instances) MadeDoor::add_check(instance);
  door.build();
  EXPECT_EQ(at(status_json(door.view()), "/services/0/panic"), "false");
  for (const std::size_t i : {0, 1}) door.state(0, i).health = pool::Health::down;
  const json::value status = status_json(door.view());
  EXPECT_EQ(at(status, "/services/0/panic"), "true");
  EXPECT_EQ(at(status, "/problems/0/text"),
            "web: panic: no endpoint is healthy; those that the catalog calls passing are tried");
  EXPECT_NE(status_text(status.as_object(), false).find("panic: none is healthy"), std::string::npos);
}

TEST(Status, TimesOfTheSteadyClockBecomeWallTime) {
  MadeDoor door;
  door.build();
  door.state(0, 0).since_ms = MadeDoor::steady_ms - 90'000;
  const json::value status = status_json(door.view());
  EXPECT_EQ(at(status, "/services/0/endpoints/0/since"), "2027-01-15T07:58:30.000Z");
  EXPECT_EQ(at(status, "/services/0/endpoints/0/since_ms"), "90000");
}

TEST(Status, ShowsWhatChecksSaidWithoutObeyingIt) {
  MadeDoor door;
  MadeDoor::add_check(door.services[0].instances[0]);
  door.build();
  door.state(0, 0).health = pool::Health::down;
  DoorView view = door.view();
  const std::uint32_t id = door.state(0, 0).id;
  view.checks = [id](std::uint32_t asked) -> std::vector<pool::CheckView> {
    if (asked != id) return {};
    return {{"http", "503 \x1b[2J", pool::CheckResult::critical, MadeDoor::wall_ms}};
  };
  const json::value status = status_json(view);
  EXPECT_EQ(at(status, "/services/0/endpoints/0/checks/0/output"), "503 \\x1b[2J");
  EXPECT_EQ(at(status, "/services/0/endpoints/0/checks/0/result"), "critical");
  EXPECT_EQ(at(status, "/services/0/endpoints/0/reason"), "http: 503 \\x1b[2J");
  EXPECT_EQ(status_text(status.as_object(), false).find('\x1b'), std::string::npos);
}

TEST(Status, TellsProblemsOfCertificatesAndOfTheCatalog) {
  MadeDoor door;
  door.findings.push_back(
      {{"services.json", 3, 7}, "web", "two services claim web.example/", conf::Severity::warning});
  door.findings.push_back({{}, "db", "no route leads to it", conf::Severity::note});
  DoorView view = door.view();
  view.certificate_findings = {{{"bank.key"}, "", "others can read it"}};
  const json::value status = status_json(view);
  EXPECT_EQ(at(status, "/problems/0/severity"), "error");
  EXPECT_EQ(at(status, "/problems/0/text"), "bank.key: others can read it");
  EXPECT_EQ(at(status, "/problems/1/severity"), "warning");
  EXPECT_EQ(at(status, "/problems/1/text"), "services.json:3:7: warning: web: two services claim web.example/");
  EXPECT_EQ(at(status, "/problems/2/severity"), "note");
  EXPECT_EQ(at(status, "/problems/2/text"), "note: db: no route leads to it");
}

TEST(StatusText, ShowsADoorOnOneScreen) {
  MadeDoor door;
  MadeDoor::add_check(door.services[0].instances[1]);
  MadeDoor::add_route(door.services[0], "old.example", "/").refused = "auth is not carried yet";
  door.build();
  door.state(0, 0).requests_total = 1204;
  door.state(0, 1).health = pool::Health::down;
  door.state(0, 1).last_failure = pool::Failure::refused;
  door.state(0, 1).since_ms = MadeDoor::steady_ms - 45'000;
  EXPECT_EQ(status_text(status_json(door.view()), false),
            "gatehouse " GATEHOUSE_VERSION R"( on fd1  ready  up 1 h  pid 4711
12 of 1,000 connections, 0 requests, 3.0 MiB of 512 MiB memory

listeners
  http   [::]:8080
  https  [::]:8443  tls

web  least_request
  web.example/
  old.example/  refused: auth is not carried yet
    n1/web-1  10.0.0.1:8000  up    0 ms  0 now  1,204 requests
    n1/web-2  10.0.0.2:8000  down  45 s  0 now  0 requests      refused

certificates
  web  90 days left  web.example
)");
}

TEST(StatusText, TellsHowOldIsWhatConsulSaid) {
  MadeDoor door;
  DoorView view = door.view();
  catalog::ConsulSource::View& consul = view.consuls.emplace_back();
  consul.address = "http://127.0.0.1:8500";
  EXPECT_NE(status_text(status_json(view), false).find("not heard yet"), std::string::npos);
  consul.good_at_ms = MadeDoor::wall_ms - 5000;
  EXPECT_NE(status_text(status_json(view), false).find("of unknown age"), std::string::npos);
  consul.canary.fresh_ms = MadeDoor::wall_ms - 2000;
  EXPECT_NE(status_text(status_json(view), false).find("as of 2 s ago"), std::string::npos);
}

TEST(StatusText, TellsOfAFrozenCatalogAndWhatWaits) {
  MadeDoor door;
  DoorView view = door.view();
  view.table = 12;
  EXPECT_EQ(status_json(view).at("routing").at("table").to_number<int>(), 12);
  EXPECT_FALSE(status_json(view).at("routing").as_object().contains("frozen"));
  view.frozen = Frozen{MadeDoor::wall_ms, "uid 0 (pid 7)", 9, {}};
  view.degraded = "consul: refused";
  EXPECT_NE(status_text(status_json(view), false).find("; nothing would change\n"), std::string::npos);
  for (int n = 0; n < 51; ++n) view.waiting.push_back("change " + std::to_string(n));
  const std::string text = status_text(status_json(view), false);
  EXPECT_NE(text.find("degraded: consul: refused\n"), std::string::npos);
  EXPECT_NE(
      text.find("catalog frozen at table 9 since 2027-01-15T08:00:00.000Z by uid 0 (pid 7); 51 changes waiting:\n"
                "    change 0\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("    change 49\n    and 1 more\n"), std::string::npos);
}

TEST(StatusText, ColoursOnlyWhenAsked) {
  MadeDoor door;
  const json::object status = status_json(door.view());
  EXPECT_EQ(status_text(status, false).find('\x1b'), std::string::npos);
  EXPECT_NE(status_text(status, true).find("\x1b[32mready\x1b[0m"), std::string::npos);
}

TEST(StatusText, BearsAnAnswerThatLacksEverything) {
  EXPECT_NO_THROW(status_text(json::object(), false));
  const json::object odd{{"services", json::array{1, "x", json::object{{"endpoints", "none"}}}}, {"ready", "yes"}};
  EXPECT_NO_THROW(status_text(odd, false));
}

}  // namespace
}  // namespace gatehouse::cli
