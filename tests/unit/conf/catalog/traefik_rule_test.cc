#include "conf/catalog/traefik_rule.h"

#include <gtest/gtest.h>

#include "conf/catalog/traefik_match.h"

namespace gatehouse::catalog {
namespace {

// "host=a path=/x | !method=GET"; what can't be read is "wrong".
std::string read(std::string_view rule) {
  const auto alternatives = parse_traefik_rule(rule);
  if (!alternatives) return "wrong";
  std::string out;
  for (const RuleAlternative& alternative : *alternatives) {
    out += out.empty() ? "" : " | ";
    for (const RuleTerm& term : alternative) {
      out +=
          (out.empty() || out.ends_with(' ') ? "" : " ") + std::string(term.negated ? "!" : "") + term.matcher + "=";
      for (const std::string& value : term.values) out += (out.ends_with('=') ? "" : ",") + value;
    }
  }
  return out;
}

TEST(TraefikRule, AndBindsTighterThanOr) {
  EXPECT_EQ(read("Host(`a`)"), "host=a");
  EXPECT_EQ(read(" host( `a` )&&PathPrefix(\"/x\") "), "host=a pathprefix=/x");
  EXPECT_EQ(read("Host(`a`) || Host(`b`) && Path(`/x`)"), "host=a | host=b path=/x");
  EXPECT_EQ(read("(Host(`a`) || Host(`b`)) && Path(`/x`)"), "host=a path=/x | host=b path=/x");
}

TEST(TraefikRule, NotReachesIntoBrackets) {
  EXPECT_EQ(read("!Host(`a`)"), "!host=a");
  EXPECT_EQ(read("!!Host(`a`)"), "host=a");
  EXPECT_EQ(read("!(Host(`a`) || Path(`/x`))"), "!host=a !path=/x");
  EXPECT_EQ(read("!(Host(`a`) && Path(`/x`))"), "!host=a | !path=/x");
}

TEST(TraefikRule, SeveralValuesAreAnyOfThemAsInV2) {
  EXPECT_EQ(read("Host(`a`, `b`) && PathPrefix(`/x`)"), "host=a pathprefix=/x | host=b pathprefix=/x");
  EXPECT_EQ(read("!Host(`a`, `b`)"), "!host=a !host=b");
  EXPECT_EQ(read("Headers(`X-A`, `1`)"), "headers=X-A,1");
}

TEST(TraefikRule, TextsHaveTwoKindsOfQuotes) {
  EXPECT_EQ(read(R"(Header(`X`, "a \"b\" \\"))"), R"(header=X,a "b" \)");
  EXPECT_EQ(read(R"(PathRegexp(`^/a\d`))"), R"(pathregexp=^/a\d)");
}

TEST(TraefikRule, WhatCannotBeReadIsAnError) {
  for (const char* rule : {"", "Host", "Host(`a`", "Host(a)", "Host(`a`) &&", "Host(`a`) & Host(`b`)", "(Host(`a`)",
                           "Host(`a`))", "Host(`a`,)", "&& Host(`a`)", "Host(`a`) Host(`b`)", "!", "Host(\"a)"})
    EXPECT_EQ(read(rule), "wrong") << rule;
}

TEST(TraefikRule, AlternativesAreBounded) {
  std::string rule = "Host(`h`)";
  for (int i = 1; i < 64; ++i) rule += " || Host(`h`)";
  EXPECT_NE(read(rule), "wrong");
  EXPECT_EQ(read(rule + " || Host(`h`)"), "wrong");
  EXPECT_EQ(read("(" + rule + ") && (" + rule + ")"), "wrong");
  EXPECT_EQ(read(std::string(40, '(') + "Host(`h`)" + std::string(40, ')')), "wrong");
  EXPECT_EQ(read(std::string(100'000, '(')), "wrong");
  EXPECT_EQ(read(std::string(100'000, '!') + "Host(`h`)"), "host=h");
}

std::string match(const std::string& rule) {
  const auto alternatives = parse_traefik_rule(rule);
  if (!alternatives || alternatives->size() != 1) return "wrong";
  const TraefikMatch match = traefik_match((*alternatives)[0]);
  if (match.never) return "never";
  if (!match.failure.empty()) return "failure";
  std::string out = match.host + match.path;
  for (const std::string& condition : match.conditions) out += " " + condition;
  const auto add = [&](const char* name, const std::vector<IpPrefix>& networks) {
    for (const IpPrefix& network : networks) out += std::string(" ") + name + "=" + network.text();
  };
  if (match.allow) add("allow", *match.allow);
  add("deny", match.deny);
  return out;
}

TEST(TraefikMatch, IsAMatchOfOurs) {
  struct Case {
    const char *rule, *match;
  };
  for (const Case& c :
       {Case{"Host(`A.example`)", "a.example/"},
        Case{"Host(`*.example`)", "*.example/"},
        Case{"Host(`*`)", "/"},
        Case{"PathPrefix(`/x`)", "/x"},
        Case{"Host(`a`) && PathPrefix(`/x/`)", "a/x"},
        Case{"Host(`a`) && PathPrefix(`/`)", "a/"},
        Case{"Host(`a`) && Path(`/x`)", "a/x if.path=exact"},
        Case{"Host(`a`) && PathPrefix(`/x`) && Path(`/x/y`)", "a/x/y if.path=exact"},
        Case{"Host(`a`) && PathPrefix(`/x/y`) && PathPrefix(`/x`)", "a/x/y"},
        Case{"Host(`a`) && Method(`POST`)", "a/ if.method=POST"},
        Case{"Host(`a`) && Header(`X-B`, `2`)", "a/ if.header=X-B:2"},
        Case{"Host(`a`) && Headers(`X-B`, `2`)", "a/ if.header=X-B:2"},
        Case{"Host(`a`) && HeaderRegexp(`X-B`, `^2 3`)", "a/ \"if.header_regex=X-B:^2 3\""},
        Case{"Host(`a`) && HeadersRegexp(`X-B`, `2|3`)", "a/ if.header_regex=X-B:2|3"},
        Case{"Host(`a`) && PathRegexp(`[.](png|gif)$`)", "a/ if.path_regex=[.](png|gif)$"},
        Case{"Host(`a`) && Query(`x`, `1`)", "a/ if.query=x:1"},
        Case{"Host(`a`) && Query(`x`)", "a/ if.query_regex=x:^$"},
        Case{"Host(`a`) && Query(`x=1`, `y=2`)", "a/ if.query=x:1 if.query=y:2"},
        Case{"Host(`a`) && QueryRegexp(`x`, `^(true|yes)$`)", "a/ if.query_regex=x:^(true|yes)$"},
        Case{"Host(`a`) && ClientIP(`10.0.0.0/8`)", "a/ allow=10.0.0.0/8"},
        Case{"Host(`a`) && ClientIP(`10.0.0.0/8`) && ClientIP(`10.1.0.0/16`)", "a/ allow=10.1.0.0/16"},
        Case{"Host(`a`) && !ClientIP(`10.0.0.1`)", "a/ deny=10.0.0.1/32"}})
    EXPECT_EQ(match(c.rule), c.match) << c.rule;
}

TEST(TraefikMatch, AHostRegexpOfALabelIsAStar) {
  struct Case {
    const char *regexp, *match;
  };
  for (const Case& c :
       {Case{"^[^.]+\\.a\\.example$", "*.a.example/"}, Case{"[a-z0-9-]+\\.a\\.example", "*.a.example/"},
        Case{"^.+\\.a\\.example$", "**.a.example/"}, Case{"^(.+)\\.a\\.example$", "**.a.example/"},
        Case{"{sub:[a-z]+}.a.example", "*.a.example/"}, Case{"{sub:.+}.a.example", "**.a.example/"},
        Case{"{sub}.a.example", "*.a.example/"}, Case{"^a\\.example$", "a.example/"},
        Case{"^(a|b)\\.example$", "failure"}, Case{"^a+\\.example$", "failure"}, Case{".+", "/"}, Case{"^.*$", "/"},
        Case{"{any:.+}", "/"}, Case{"^www[0-9]\\.example$", "failure"}, Case{"{sub:[a-z]+", "failure"},
        Case{"[a-z", "failure"}})
    EXPECT_EQ(match("HostRegexp(`" + std::string(c.regexp) + "`)"), c.match) << c.regexp;
}

TEST(TraefikMatch, WhatCannotHoldNeverDoes) {
  EXPECT_EQ(match("Host(`a`) && Host(`b`)"), "never");
  EXPECT_EQ(match("Path(`/x`) && Path(`/y`)"), "never");
  EXPECT_EQ(match("PathPrefix(`/x`) && PathPrefix(`/y`)"), "never");
  EXPECT_EQ(match("Method(`GET`) && Method(`PUT`)"), "never");
  EXPECT_EQ(match("ClientIP(`10.0.0.1`) && ClientIP(`10.0.0.2`)"), "never");
}

TEST(TraefikMatch, WhatOursCannotSayIsAFailure) {
  for (const char* rule :
       {"Host(`a`) && PathRegexp(`^/x(`)", "Host(`a`) && !Query(`a`, `b`)", "Host(`a`) && !PathPrefix(`/admin`)",
        "Host(`a`) && HeaderRegexp(`X`, `(`)", "Host(`a`) && Query(`a:b`)", "Host(`a`) && Query(`a`, `b`, `c`)",
        "Host(`a`) && Query()", "Host(`a..b`)", "PathPrefix(`/x/{id}`)", "PathPrefix(`x`)", "ClientIP(`ten`)",
        "Frob(`x`)", "Host()"})
    EXPECT_EQ(match(rule), "failure") << rule;
}

}  // namespace
}  // namespace gatehouse::catalog
