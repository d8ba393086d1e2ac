#include "proxy/route/matcher.h"

#include "proxy/route/query_parameter.h"
#include "tests/unit/proxy/route/routes.h"

namespace gatehouse::route {
namespace {

struct Row {
  std::string host, path, service;
  std::uint16_t port = 80;
};

void expect(const Matcher& matcher, const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    const RouteRequest request{.host = row.host, .port = row.port, .path = row.path};
    EXPECT_EQ(taken(matcher.match(request)), row.service) << row.host << ":" << row.port << row.path;
  }
}

TEST(Matcher, AnExactHostComesBeforeTheLongestWildcardBeforeNoHost) {
  expect(matcher_of({{"any", ""},
                     {"all", "**.example"},
                     {"one", "*.bank.example"},
                     {"many", "**.bank.example"},
                     {"exact", "learn.bank.example"}}),
         {{"learn.bank.example", "/", "exact"},
          {"other.bank.example", "/", "one"},
          {"a.b.bank.example", "/", "many"},
          {"a.learn.bank.example", "/", "many"},
          {"bank.example", "/", "all"},  // a wildcard needs a label more than its suffix
          {"x.y.z.example", "/", "all"},
          {"example", "/", "any"},
          {"example.org", "/", "any"},
          {"", "/", "any"},
          {"127.0.0.1", "/", "any"}});
}

TEST(Matcher, OneLabelIsExactlyOne) {
  expect(matcher_of({{"one", "*.x"}, {"deep", "*.y.z"}}), {{"a.x", "/", "one"},
                                                           {"a.b.x", "/", ""},
                                                           {"x", "/", ""},
                                                           {".x", "/", ""},
                                                           {"a.y.z", "/", "deep"},
                                                           {"y.z", "/", ""}});
}

TEST(Matcher, HostsAreComparedWithoutCaseAndFinalDot) {
  expect(matcher_of({{"a", "Learn.Bank.example"}, {"b", "*.WIDE.example."}}), {{"LEARN.bank.EXAMPLE", "/", "a"},
                                                                               {"learn.bank.example.", "/", "a"},
                                                                               {"X.wide.example.", "/", "b"},
                                                                               {"learn.bank.example..", "/", ""},
                                                                               {".", "/", ""}});
}

TEST(Matcher, AHostLongerThanDnsAllowsIsNobodys) {
  const std::string label(61, 'a');
  const std::string host = label + "." + label + "." + label + "." + label + ".example";  // 255
  const auto matcher = matcher_of({{"wide", "**.example"}, {"any", ""}});
  expect(matcher, {{host, "/", "wide"}, {"a" + host, "/", "any"}});
  EXPECT_FALSE(matcher.match({.host = "a" + host}).host_known);
}

TEST(Matcher, TheLongestPathWinsAtASegmentBoundary) {
  const auto matcher = matcher_of({{"root", "a"}, {"x", "a", "/x"}, {"xy", "a", "/x/y"}, {"deep", "a", "/p/q/r"}});
  expect(matcher, {{"a", "/", "root"},
                   {"a", "/x", "x"},
                   {"a", "/x/", "x"},
                   {"a", "/xx", "root"},
                   {"a", "/x-y", "root"},
                   {"a", "/x/y", "xy"},
                   {"a", "/x/yy", "x"},
                   {"a", "/x/y/z/z/z", "xy"},
                   {"a", "/X", "root"},
                   {"a", "/p/q", "root"},
                   {"a", "/p/q/r", "deep"},
                   {"a", "/p/q/s", "root"},
                   {"a", "*", "root"}});
}

TEST(Matcher, EmptySegmentsAndAFinalSlashDontCount) {
  expect(matcher_of({{"root", "a"}, {"admin", "a", "/admin/"}, {"in", "a", "//x//y"}}), {{"a", "/admin", "admin"},
                                                                                         {"a", "//admin", "admin"},
                                                                                         {"a", "/admin//z", "admin"},
                                                                                         {"a", "/x/y", "in"},
                                                                                         {"a", "///x///y//", "in"},
                                                                                         {"a", "//", "root"}});
}

TEST(Matcher, WithoutAPathThatFitsTheNextWiderHostIsAsked) {
  expect(matcher_of({{"exact", "a.b", "/x"}, {"one", "*.b", "/y"}, {"many", "**.b", "/z"}, {"any", "", "/w"}}),
         {{"a.b", "/x", "exact"},
          {"a.b", "/y", "one"},
          {"a.b", "/z", "many"},
          {"a.b", "/w", "any"},
          {"a.b", "/v", ""},
          {"c.b", "/x", ""}});
}

TEST(Matcher, ARouteOfThisPortComesBeforeThoseOfAnyWhateverTheirPaths) {
  expect(
      matcher_of({{"any", "a", "/x/y"}, {"root", "a"}, {"tls", "a", "/", 443}, {"alt", "a", "/x", 8080}}),
      {{"a", "/x/y", "any", 80}, {"a", "/x/y", "tls", 443}, {"a", "/x/y", "alt", 8080}, {"a", "/z", "root", 8080}});
  expect(matcher_of({{"wide", "", "/", 443}, {"a", "a"}}), {{"a", "/", "a", 443}, {"b", "/", "wide", 443}});
}

TEST(Matcher, ConditionsFilterMoreBeforeFewer) {
  const auto matcher = matcher_of({{"plain", "a", "/x"},
                                   {"post", "a", "/x", 0, {"POST", "PUT"}},
                                   {"beta", "a", "/x", 0, {}, {{"x-beta", "1"}}},
                                   {"both", "a", "/x", 0, {"POST"}, {{"x-beta", "1"}}},
                                   {"token", "a", "/x/y", 0, {}, {{"authorization", ""}}}});
  struct Case {
    std::string path, method, field, value, service;
  };
  for (const Case& c :
       {Case{"/x", "GET", "", "", "plain"}, Case{"/x", "POST", "", "", "post"}, Case{"/x", "PUT", "", "", "post"},
        Case{"/x", "GET", "x-beta", "1", "beta"}, Case{"/x", "GET", "x-beta", "2", "plain"},
        Case{"/x", "POST", "x-beta", "1", "both"},
        Case{"/x", "PUT", "x-beta", "1", "post"},  // before `beta`: it comes first in the table
        Case{"/x/y", "GET", "authorization", "whatever", "token"}, Case{"/x/y", "GET", "", "", "plain"}}) {
    const auto has = [&](const conf::HeaderMatch& asked) { return asked.name == c.field && asked.accepts(c.value); };
    RouteRequest request{.host = "a", .path = c.path, .method = c.method};
    request.has_field = has;
    EXPECT_EQ(taken(matcher.match(request)), c.service) << c.method << ' ' << c.path << ' ' << c.field;
  }
}

conf::HeaderMatch condition(conf::HeaderMatch::Of of, const std::string& name, const std::string& value,
                            const std::string& pattern = "") {
  conf::HeaderMatch out{.name = name, .value = value, .of = of};
  if (!pattern.empty()) out.pattern = *conf::TextPattern::parse(pattern);
  return out;
}

TEST(Matcher, ConditionsAskParametersAndPatterns) {
  using enum conf::HeaderMatch::Of;
  const auto matcher = matcher_of({{"plain", "a"},
                                   {"beta", "a", "/beta", 0, {}, {condition(query, "beta", "1 2")}},
                                   {"any", "a", "/any", 0, {}, {condition(query, "x", "")}},
                                   {"like", "a", "/like", 0, {}, {condition(query, "x", "", "^v[0-9]$")}},
                                   {"image", "a", "/image", 0, {}, {condition(path, "", "", "\\.png$")}},
                                   {"bot", "a", "/bot", 0, {}, {condition(field, "user-agent", "", "(?i)bot")}}});
  struct Case {
    std::string path, query, agent, service;
  };
  for (const Case& c :
       {Case{"/beta", "beta=1+2", "", "beta"}, Case{"/beta", "y=0&b%65ta=1%202", "", "beta"},
        Case{"/beta", "beta=1&beta=1+2", "", "beta"}, Case{"/beta", "beta=12", "", "plain"},
        Case{"/beta", "", "", "plain"}, Case{"/beta", "betas=1+2", "", "plain"}, Case{"/any", "x", "", "any"},
        Case{"/any", "&&x=", "", "any"}, Case{"/any", "y=x", "", "plain"}, Case{"/like", "x=v1", "", "like"},
        Case{"/like", "x=v10", "", "plain"}, Case{"/like", "x=" + std::string(value_bytes_max + 1, 'v'), "", "plain"},
        Case{"/image/a.png", "", "", "image"}, Case{"/image/a.png/b", "", "", "plain"},
        Case{"/bot", "", "a Bot", "bot"}, Case{"/bot", "", "human", "plain"}}) {
    const auto has = [&](const conf::HeaderMatch& asked) { return asked.accepts(c.agent); };
    RouteRequest request{.host = "a", .path = c.path, .query = c.query};
    request.has_field = has;
    EXPECT_EQ(taken(matcher.match(request)), c.service) << c.path << '?' << c.query.substr(0, 20) << ' ' << c.agent;
  }
}

// What a router made of a route keeps the router's order, however many conditions each has; what others have of the
// place comes before or after all of it.
TEST(Matcher, WhatARouterMadeKeepsItsOrder) {
  conf::Service service{.name = "web"};
  const auto add = [&](const char* name, std::size_t headers, std::optional<unsigned> order) {
    conf::Route& route = service.routes.emplace_back();
    route.match.host = "a";
    for (std::size_t i = 0; i < headers; ++i) route.match.headers.push_back({"h" + std::to_string(i), ""});
    route.refused = name;
    if (order) route.derived = {"web", *order, 0};
  };
  add("own", 0, {});
  add("third", 3, 3u);
  add("first", 1, 1u);
  add("second", 2, 2u);
  conf::Findings findings;
  const Matcher matcher({std::make_shared<const conf::Service>(service)}, {}, findings);
  const auto has = [](const conf::HeaderMatch&) { return true; };
  RouteRequest request{.host = "a"};
  EXPECT_EQ(matcher.match(request).target->route->refused, "own");
  request.has_field = has;
  EXPECT_EQ(matcher.match(request).target->route->refused, "first");
  std::string order;
  for (const Candidate& each : matcher.explain(request)) order += each.target->route->refused + " ";
  EXPECT_EQ(order, "first second third own ");
}

TEST(Matcher, AnExactPathTakesNothingBelowIt) {
  auto services = services_of({{"root", "a"}, {"hook", "a", "/hook"}, {"start", "b"}});
  const auto exact = [&](std::size_t i) {
    conf::Service service = *services[i];
    service.routes[0].match.exact_path = true;
    services[i] = std::make_shared<const conf::Service>(service);
  };
  exact(1), exact(2);
  conf::Findings findings;
  const Matcher matcher(services, {}, findings);
  expect(matcher, {{"a", "/hook", "hook"},
                   {"a", "//hook/", "hook"},
                   {"a", "/hook/x", "root"},
                   {"a", "/hookx", "root"},
                   {"b", "/", "start"},
                   {"b", "/x", ""},
                   {"b", "*", ""}});
}

TEST(Matcher, ARefusedRouteHoldsItsPlaceButNotAgainstItsEqual) {
  const auto matcher = matcher_of({{"refused", "a", "/x", 0, {}, {}, "auth is not ours"},
                                   {"root", "a"},
                                   {"first", "b", "/", 0, {}, {}, "no"},
                                   {"second", "b"}});
  expect(matcher, {{"a", "/x", "refused"}, {"a", "/", "root"}, {"b", "/", "second"}});
}

TEST(Matcher, TellsAKnownHostFromAnUnknownOne) {
  const auto matcher = matcher_of({{"a", "a.x", "/only"}, {"w", "*.w", "/only"}, {"any", "", "/any"}},
                                  {{"policy.only", {.certificate = "none"}}, {"p.w", {.certificate = "none"}}});
  EXPECT_TRUE(matcher.match({.host = "a.x", .path = "/"}).host_known);
  EXPECT_EQ(matcher.match({.host = "a.x", .path = "/"}).target, nullptr);
  EXPECT_TRUE(matcher.match({.host = "z.w", .path = "/"}).host_known);
  EXPECT_FALSE(matcher.match({.host = "b.x", .path = "/any"}).host_known);
  EXPECT_FALSE(matcher.match({.host = "policy.only", .path = "/"}).host_known);
  EXPECT_TRUE(matcher.match({.host = "p.w", .path = "/"}).host_known);  // by the wildcard
}

TEST(Matcher, NamesTheRouteByServiceAndPlace) {
  const auto matcher = matcher_of({{"a", "a"}, {"b", "b"}, {"b", "c"}});
  const auto match = matcher.match({.host = "c"});
  ASSERT_NE(match.target, nullptr);
  EXPECT_EQ(match.target->service, 1u);
  EXPECT_EQ(match.target->index, 1u);
  EXPECT_EQ(match.target->route->match.host, "c");
  EXPECT_EQ(matcher.targets().size(), 3u);
}

TEST(Matcher, WithoutRoutesMatchesNothing) {
  EXPECT_EQ(Matcher().match({.host = "a", .path = "/a/b"}).target, nullptr);
  EXPECT_EQ(matcher_of({}).match({.host = "a"}).target, nullptr);
  EXPECT_TRUE(Matcher().explain({.host = "a"}).empty());
}

TEST(Matcher, SaysWhatItCannotUse) {
  conf::Findings findings;
  const Matcher matcher(services_of({{"a", "x.*.y"}, {"b", "*"}, {"c", "ok"}, {"d", "ok"}}), {{"*bad", {}}},
                        findings);
  ASSERT_EQ(findings.size(), 4u);
  EXPECT_EQ(findings[0].path, "hosts.*bad");
  EXPECT_EQ(findings[1].path, "a: route x.*.y/");
  EXPECT_EQ(findings[2].path, "b: route */");
  EXPECT_EQ(findings[3].path, "d: route ok/");
  EXPECT_EQ(findings[3].what, "never taken: c has the same route");
  EXPECT_EQ(findings[3].severity, conf::Severity::warning);
  EXPECT_EQ(taken(matcher.match({.host = "ok"})), "c");
  EXPECT_EQ(matcher.targets().size(), 2u);
}

const IpAddress inside = IpAddress::v4(127, 11, 100, 7), outside = IpAddress::v4(192, 0, 2, 1);
const std::vector<IpPrefix> office = {*IpPrefix::parse("127.11.100.0/24")};

TEST(HostPolicy, HoldsForEveryRouteOfTheHostAlsoThroughAWildcard) {
  const auto matcher = matcher_of({{"wild", "*.bank.example"}, {"exact", "learn.bank.example", "/x"}, {"any", ""}},
                                  {{"learn.bank.example", {.allow = office}}});
  for (const auto* path : {"/", "/x"}) {
    const auto match = matcher.match({.host = "learn.bank.example", .path = path});
    EXPECT_TRUE(match.permits(inside));
    EXPECT_FALSE(match.permits(outside));
  }
  EXPECT_TRUE(matcher.match({.host = "other.bank.example"}).permits(outside));
  EXPECT_TRUE(matcher.match({.host = "elsewhere"}).permits(outside));
  EXPECT_FALSE(matcher.match({.host = "LEARN.bank.example."}).permits(outside));
}

TEST(HostPolicy, TheMoreSpecificEntryCountsKeyByKey) {
  const auto matcher =
      matcher_of({{"a", "**.bank.example"}},
                 {{"**.bank.example", {.allow = office, .hsts = 1h, .http = conf::HttpMode::refuse}},
                  {"*.bank.example", {.hsts = 2h}},
                  {"public.bank.example", {.certificate = "file:p", .allow = {*IpPrefix::parse("::/0")}}}});
  const auto deep = matcher.match({.host = "a.b.bank.example"}), one = matcher.match({.host = "a.bank.example"}),
             open = matcher.match({.host = "public.bank.example"});
  EXPECT_EQ(deep.hsts(), 1h);
  EXPECT_EQ(one.hsts(), 2h);
  EXPECT_EQ(open.hsts(), 2h);
  for (const auto& match : {deep, one, open}) EXPECT_EQ(match.http(), conf::HttpMode::refuse);
  EXPECT_FALSE(deep.permits(outside));
  EXPECT_FALSE(one.permits(outside));
  EXPECT_TRUE(open.permits(outside));
  EXPECT_EQ(matcher.host_policy("public.bank.example")->certificate, "file:p");
  EXPECT_EQ(matcher.host_policy("bank.example"), nullptr);
}

TEST(HostPolicy, BothListsMustLetAClientIn) {
  auto services = services_of({{"a", "a"}});
  auto service = std::make_shared<conf::Service>(*services[0]);
  auto& route = service->routes[0].policy;
  route.allow = {*IpPrefix::parse("127.11.0.0/16"), *IpPrefix::parse("192.0.2.0/24")};
  route.deny = {*IpPrefix::parse("127.11.100.7/32")};
  conf::Findings findings;
  const Matcher open({service}, {}, findings);
  EXPECT_TRUE(open.match({.host = "a"}).permits(outside));
  EXPECT_FALSE(open.match({.host = "a"}).permits(inside));  // denied
  EXPECT_FALSE(open.match({.host = "a"}).permits(IpAddress::v4(10, 0, 0, 1)));

  const Matcher narrow({service}, {{"a", {.allow = office, .deny = {*IpPrefix::parse("127.11.100.8/32")}}}},
                       findings);
  const auto match = narrow.match({.host = "a"});
  EXPECT_FALSE(match.permits(outside));
  EXPECT_FALSE(match.permits(inside));
  EXPECT_FALSE(match.permits(IpAddress::v4(127, 11, 100, 8)));
  EXPECT_TRUE(match.permits(IpAddress::v4(127, 11, 100, 9)));
  EXPECT_FALSE(narrow.match({.host = "b"}).permits(inside));  // no route, no way in
}

TEST(HostPolicy, WinsOverTheRouteInHttpAndHsts) {
  auto services = services_of({{"a", "a"}, {"a", "b"}});
  auto service = std::make_shared<conf::Service>(*services[0]);
  for (auto& route : service->routes) {
    route.policy.http = conf::HttpMode::serve;
    route.policy.hsts = 5s;
  }
  conf::Findings findings;
  const Matcher matcher({service}, {{"a", {.hsts = 0ms, .http = conf::HttpMode::redirect}}}, findings);
  EXPECT_EQ(matcher.match({.host = "a"}).http(), conf::HttpMode::redirect);
  EXPECT_EQ(matcher.match({.host = "a"}).hsts(), 0ms);
  EXPECT_EQ(matcher.match({.host = "b"}).http(), conf::HttpMode::serve);
  EXPECT_EQ(matcher.match({.host = "b"}).hsts(), 5s);
}

TEST(Explain, ListsTheCandidatesInTheirOrderAndWhyTheyLost) {
  const auto matcher = matcher_of({{"any", ""},
                                   {"other", "b"},
                                   {"root", "a.x"},
                                   {"deep", "a.x", "/y"},
                                   {"post", "a.x", "/p", 0, {"POST", "PUT"}},
                                   {"beta", "a.x", "/p", 0, {}, {{"x-beta", "1"}, {"x-user", ""}}},
                                   {"tls", "a.x", "/", 443},
                                   {"wild", "*.x", "/p"}});
  const auto has = [](const conf::HeaderMatch& asked) { return asked.name == "x-beta"; };
  RouteRequest request{.host = "a.x", .port = 80, .path = "/p/q"};
  request.has_field = has;
  std::vector<std::pair<std::string, std::string>> told;
  for (const auto& candidate : matcher.explain(request))
    told.emplace_back(candidate.target->owner->name, candidate.verdict);
  EXPECT_EQ(told, (std::vector<std::pair<std::string, std::string>>{
                      {"tls", "only on port 443"},
                      {"deep", "the path is not under /y"},
                      {"beta", "the field x-user is missing"},
                      {"post", "only for the methods POST, PUT"},
                      {"root", "taken"},
                      {"wild", "would fit, but a route before it is taken"},
                      {"any", "would fit, but a route before it is taken"},
                  }));
}

}  // namespace
}  // namespace gatehouse::route
