#include "cli/explain.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/made_door.h"

namespace gatehouse::cli {
namespace {

using testing::Test;

std::string explained(MadeDoor& door, const std::string& url, std::vector<std::string> fields = {},
                      const std::string& method = "GET", const std::string& peer = "203.0.113.7") {
  const Result<std::string> text = explain({method, url, std::move(fields), *IpAddress::parse(peer)}, door.view());
  return text ? *text : "error: " + text.error().what;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Explain, WalksTheWayOfARequest) {
  MadeDoor door;
  MadeDoor::add_check(door.services[0].instances[1]);
  MadeDoor::add_route(door.services[0], "web.example", "/admin");
  door.build();
  door.state(0, 1).health = pool::Health::down;
  door.state(0, 1).last_failure = pool::Failure::refused;
  EXPECT_EQ(explained(door, "https://web.example:8443/a/../b?x=1", {"X-Forwarded-For: 1.2.3.4"}),
            R"(GET https://web.example:8443/a/../b?x=1

listener    https  [::]:8443  tls
client      203.0.113.7: who connects; it is not in trusted_proxies, so what it says of others is not believed
certificate web
host        web.example
path        /b
routes
  web  web.example/admin  the path is not under /admin  services.json:2
  web  web.example/       taken                         services.json:1

sent on
  GET /b?x=1 HTTP/1.1
  Host: web.example:8443
  X-Forwarded-For: 203.0.113.7
  X-Forwarded-Proto: https
  X-Forwarded-Host: web.example:8443
  X-Forwarded-Port: 8443
  X-Real-IP: 203.0.113.7
  X-Request-Id: (made)

endpoints of web (least_request)
  n1/web-1  10.0.0.1:8000  up    weight 1  may get it
  n1/web-2  10.0.0.2:8000  down  weight 1  gets nothing: down  refused
)");
}

TEST(Explain, SaysWhoTheClientIsBehindATrustedProxy) {
  MadeDoor door;
  door.config.trusted_proxies = {*IpPrefix::parse("203.0.113.0/24")};
  const std::string text = explained(door, "http://web.example/", {"X-Forwarded-For: 9.9.9.9, 198.51.100.4"});
  EXPECT_TRUE(holds(text, "client      198.51.100.4: as told by 203.0.113.7\n")) << text;
}

TEST(Explain, SaysWhatIsAnsweredInstead) {
  MadeDoor door;
  door.https_port = 8443;
  MadeDoor::add_route(door.services[0], "refused.example", "/").refused = "auth is not carried yet";
  MadeDoor::add_route(door.services[0], "inside.example", "/").policy.allow = {*IpPrefix::parse("10.0.0.0/8")};
  MadeDoor::add_route(door.services[0], "small.example", "/").policy.max_body = 10;
  const std::vector<std::tuple<std::string, std::vector<std::string>, std::string>> rows = {
      {"http://unknown.example/", {}, "answer      404 Not Found, no_route"},
      {"http://refused.example/", {}, "answer      503 Service Unavailable, route_refused: auth is not carried yet"},
      {"http://inside.example/", {}, "answer      403 Forbidden, denied"},
      {"https://inside.example/", {}, "answer      421 Misdirected Request, misdirected"},
      {"http://web.example/x", {}, "location    https://web.example:8443/x"},
      {"http://small.example/", {"Content-Length: 11"}, "answer      413 Content Too Large"},
      {"http://web.example/", {"Host: a", "Host: b"}, "answer      400 Bad Request"},
      {"http://web.example/", {"Bad Field: x"}, "answer      400 Bad Request"},
      {"http://web.example/%00", {}, "answer      400 Bad Request, client_malformed"},
  };
  for (const auto& [url, fields, answer] : rows) {
    const std::string text = explained(door, url, fields);
    EXPECT_TRUE(holds(text, answer)) << url << "\n" << text;
  }
}

TEST(Explain, NamesTheListThatKeepsAClientOutAndWhereItStands) {
  MadeDoor door;
  const std::vector<IpPrefix> ten = {*IpPrefix::parse("10.0.0.0/8")}, us = {*IpPrefix::parse("203.0.113.0/24")};
  MadeDoor::add_route(door.services[0], "a.example", "/").policy.allow = ten;
  MadeDoor::add_route(door.services[0], "b.example", "/").policy.deny = us;
  MadeDoor::add_route(door.services[0], "c.example", "/");
  MadeDoor::add_route(door.services[0], "d.example", "/");
  door.config.hosts["c.example"] = {.allow = ten, .allow_at = {{{"gatehouse.yaml", 12, 5}}, "hosts.c.example.allow"}};
  door.config.hosts["*.example"] = {.deny = us, .deny_at = {{{"gatehouse.yaml", 14, 5}}, "hosts.*.example.deny"}};
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a", "not in services.json:2 allow of this route, or of service web, or of \"*\""},
      {"b", "in services.json:3 deny of this route, or of service web, or of \"*\""},
      {"c", "in gatehouse.yaml:14 hosts.*.example.deny"},
      {"d", "in gatehouse.yaml:14 hosts.*.example.deny"},
  };
  for (const auto& [host, by] : rows)
    EXPECT_TRUE(holds(explained(door, "http://" + host + ".example/"), "\nby          " + by + "\n")) << host;
  EXPECT_TRUE(holds(explained(door, "http://c.example/", {}, "GET", "198.51.100.1"),
                    "\nby          not in gatehouse.yaml:12 hosts.c.example.allow\n"));
}

TEST(Explain, SaysWhenNoEndpointCanTakeIt) {
  MadeDoor door;
  door.services[0].instances.pop_back();
  door.services[0].instances[0].catalog_health = conf::CatalogHealth::critical;
  EXPECT_TRUE(holds(explained(door, "http://web.example/"), "503 Service Unavailable, no_endpoint"));
  MadeDoor empty;
  empty.services[0].instances.clear();
  EXPECT_TRUE(holds(explained(empty, "http://web.example/"), "503 Service Unavailable, no_endpoint"));
}

TEST(Explain, SaysWhenUnhealthyEndpointsAreTried) {
  MadeDoor door;
  for (conf::Instance& instance : door.services[0].instances) MadeDoor::add_check(instance);
  door.build();
  for (const std::size_t i : {0, 1}) door.state(0, i).health = pool::Health::down;
  const std::string text = explained(door, "http://web.example/");
  EXPECT_TRUE(holds(text, "choice      panic: none is healthy")) << text;
  EXPECT_FALSE(holds(text, "503")) << text;
  EXPECT_FALSE(holds(text, "gets nothing")) << text;
}

TEST(Explain, TakesTheListenerOfThePortAndTheFirstOfItsKindForTheUsualOne) {
  MadeDoor door;
  conf::Listen& third = door.listen("other", "127.0.0.1:9000", false);
  third.only = {"database"};
  EXPECT_TRUE(holds(explained(door, "http://web.example/"), "listener    http "));
  EXPECT_TRUE(holds(explained(door, "https://web.example/"), "listener    https "));
  const std::string text = explained(door, "http://web.example:9000/");
  EXPECT_TRUE(holds(text, "listener    other ")) << text;
  EXPECT_TRUE(holds(text, "this listener carries only other services")) << text;
  EXPECT_TRUE(holds(text, "404 Not Found")) << text;
  EXPECT_EQ(explained(door, "https://web.example:9000/"),
            "error: no listener takes https on port 9000; there are: http [::]:8080, https [::]:8443 (tls), "
            "other 127.0.0.1:9000");
}

TEST(Explain, NamesTheEndpointOfAHash) {
  MadeDoor door;
  door.services[0].balance = conf::Balance::maglev;
  const std::string text = explained(door, "http://web.example/");
  EXPECT_TRUE(holds(text, "choice      n1/web-")) << text;
  EXPECT_EQ(text, explained(door, "http://web.example/"));
}

TEST(Explain, RefusesWhatIsNoUrl) {
  MadeDoor door;
  for (const char* url : {"web.example/", "ftp://web.example/", "http://", "http://a b/", "http://user@web.example/"})
    EXPECT_TRUE(explained(door, url).starts_with("error: ")) << url;
  EXPECT_TRUE(explained(door, "ftp://\x1b[2J").find('\x1b') == std::string::npos);
}

TEST(Explain, AFieldCannotEndTheHeadAndBeginAnother) {
  MadeDoor door;
  const std::string text = explained(door, "http://web.example/", {"A: b\r\n\r\nGET /2 HTTP/1.1"});
  EXPECT_TRUE(text.starts_with("error: ")) << text;
}

TEST(Explain, ShowsStrangersBytesHarmlessly) {
  MadeDoor door;
  MadeDoor::add_route(door.services[0], "", "/");
  const std::string text = explained(door, "http://web.example/", {"X: \xff\xc2\x9b"});
  EXPECT_TRUE(holds(text, "  X: \\xff\\xc2\\x9b\n")) << text;
}

}  // namespace
}  // namespace gatehouse::cli
