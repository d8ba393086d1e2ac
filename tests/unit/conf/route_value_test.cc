#include "conf/route_value.h"

#include <gtest/gtest.h>

#include "conf/claims.h"
#include "conf/host_pattern.h"

namespace gatehouse::conf {
namespace {

TEST(RouteValue, SplitsHostPortPathAndConditions) {
  const auto route =
      parse_route("*.Off.Example.:8080/cgi/%7euser if.method=POST,GET,POST if.header=X-B:2 if.header=X-A strip=/cgi");
  ASSERT_TRUE(route);
  EXPECT_EQ(route->match.host, "*.off.example");
  EXPECT_EQ(route->match.port, 8080);
  EXPECT_EQ(route->match.path, "/cgi/~user");
  EXPECT_EQ(route->match.methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(route->match.headers, (std::vector<HeaderMatch>{{"x-a", ""}, {"x-b", "2"}}));
  EXPECT_EQ(route->options, (std::vector<Option>{{"strip", "/cgi"}}));
  EXPECT_EQ(route->match.text(), "*.off.example:8080/cgi/~user if.method=GET,POST if.header=x-a if.header=x-b:2");
}

TEST(RouteValue, PathsAreNormalisedAsRequestsAre) {
  struct Row {
    const char *said, *path;
  };
  for (const Row& row : std::vector<Row>{{"/", "/"},
                                         {"/a%2fb", "/a%2Fb"},
                                         {"/%41%7E%2d", "/A~-"},
                                         {"//a//b/", "/a/b"},
                                         {"/a;v=1,2@x:y", "/a;v=1,2@x:y"},
                                         {"/...", "/..."}})
    EXPECT_EQ(*parse_route_path(row.said), row.path);
}

TEST(RouteValue, TheSameClaimInOtherWordsIsTheSame) {
  const auto key = [](const char* text) { return claim_key(parse_route(text)->match); };
  EXPECT_EQ(key("A.example"), key("a.example/"));
  EXPECT_EQ(key("a.example/%7Ex if.method=GET,PUT"), key("a.example/~x if.method=PUT,GET strip=/y"));
  EXPECT_EQ(key("a.example if.header=b if.header=a"), key("a.example if.header=a if.header=b"));
  EXPECT_EQ(key("a.example/x/"), key("a.example/x"));
  EXPECT_NE(key("a.example"), key("a.example:80"));
  EXPECT_NE(key("a.example"), key("a.example if.method=GET"));
  EXPECT_NE(key("a.example if.header=a"), key("a.example if.header=b"));
  EXPECT_NE(key("a.example/x"), key("a.example/X"));
  EXPECT_NE(key("a.example/x"), key("a.example/x if.path=exact"));
}

TEST(RouteValue, ConditionsMayAskParametersAndExpressions) {
  const auto route = parse_route(
      R"(a.example/x if.query=b:1 if.query=a if.header_regex=X-A:"^v 1:" if.query_regex=c:. if.path_regex=/x(/|$))");
  ASSERT_TRUE(route) << route.error().what;
  EXPECT_TRUE(route->options.empty());
  EXPECT_EQ(route->match.text(),
            "a.example/x if.header_regex=x-a:^v 1: if.query=a if.query=b:1 if.query_regex=c:. if.path_regex=/x(/|$)");
  for (const char* wrong : {"if.query=", "if.query=:1", "if.query=a:", "if.query_regex=a", "if.query_regex=a:(",
                            "if.header_regex=a b:.", "if.path_regex=", "if.path_regex=("})
    EXPECT_FALSE(parse_route("a.example " + std::string(wrong))) << wrong;
  const auto of_bytes = [](std::size_t size) {
    return parse_route("a.example if.path_regex=" + std::string(size, 'a'));
  };
  EXPECT_TRUE(of_bytes(TextPattern::bytes_most));
  EXPECT_FALSE(of_bytes(TextPattern::bytes_most + 1));
  EXPECT_FALSE(parse_route("a.example if.path_regex=((a{1,100}){1,100}){1,100}")) << "takes too much room";
}

TEST(RouteValue, AFieldMayBeAskedNotToBeSo) {
  const auto route = parse_route("a.example if.header_not=X-A if.header_not=X-B:1 if.header_not_regex=X-C:^2");
  ASSERT_TRUE(route) << route.error().what;
  EXPECT_EQ(route->match.text(), "a.example/ if.header_not=x-a if.header_not=x-b:1 if.header_not_regex=x-c:^2");
  const auto excluded = [](std::string_view a, std::string_view b) {
    const auto one = parse_route("a.example " + std::string(a)), other = parse_route("a.example " + std::string(b));
    return exclude(one->match.headers.at(0), other->match.headers.at(0)) &&
           exclude(other->match.headers.at(0), one->match.headers.at(0));
  };
  EXPECT_TRUE(excluded("if.header=x", "if.header_not=x"));
  EXPECT_TRUE(excluded("if.header=x:1", "if.header_not=x"));
  EXPECT_TRUE(excluded("if.header=x:1", "if.header_not=x:1"));
  EXPECT_TRUE(excluded("if.header_not=x:1", "if.header_not=x"));
  EXPECT_TRUE(excluded("if.header_regex=x:1", "if.header_not_regex=x:1"));
  EXPECT_FALSE(excluded("if.header=x:1", "if.header_not=x:2"));
  EXPECT_FALSE(excluded("if.header=x", "if.header_not=x:1"));
  EXPECT_FALSE(excluded("if.header_not=x:1", "if.header_not=x:2"));
  EXPECT_FALSE(excluded("if.header_not=x", "if.header_not=x"));
  EXPECT_NE(claim_key(parse_route("a if.header=x:1")->match), claim_key(parse_route("a if.header_not=x:1")->match));
  for (const char* wrong : {"if.header_not=", "if.header_not=X:", "if.header_not_regex=X"})
    EXPECT_FALSE(parse_route("a.example " + std::string(wrong))) << wrong;
}

TEST(RouteValue, APathMayBeExact) {
  const auto route = parse_route("a.example/x if.path=exact");
  ASSERT_TRUE(route);
  EXPECT_TRUE(route->match.exact_path);
  EXPECT_EQ(route->match.text(), "a.example/x if.path=exact");
  EXPECT_FALSE(parse_route("a.example/x if.path=prefix"));
}

TEST(Permit, OneStarIsOneLabelTwoAreOneOrMore) {
  struct Row {
    const char *pattern, *host;
    bool permitted;
  };
  for (const Row& row : std::vector<Row>{{"**.opencraft.example", "learn.campus.opencraft.example", true},
                                         {"**.opencraft.example", "campus.opencraft.example", true},
                                         {"**.opencraft.example", "opencraft.example", false},
                                         {"**.opencraft.example", "evil-opencraft.example", false},
                                         {"**.opencraft.example", "opencraft.example.evil.example", false},
                                         {"**.opencraft.example", "*.campus.opencraft.example", true},
                                         {"**.opencraft.example", "**.opencraft.example", true},
                                         {"**.opencraft.example", "*.example", false},
                                         {"*.opencraft.example", "a.opencraft.example", true},
                                         {"*.opencraft.example", "a.b.opencraft.example", false},
                                         {"*.opencraft.example", "*.opencraft.example", true},
                                         {"*.opencraft.example", "**.opencraft.example", false},
                                         {"*.*.opencraft.example", "a.b.opencraft.example", true},
                                         {"*.*.opencraft.example", "b.opencraft.example", false},
                                         {"learn.**.example", "learn.a.b.example", true},
                                         {"learn.bank.example", "learn.bank.example", true},
                                         {"learn.bank.example", "bank.example", false},
                                         {"**", "a.example", true},
                                         {"**", "", false}})
    EXPECT_EQ(permits(row.pattern, row.host), row.permitted) << row.pattern << " " << row.host;
}

TEST(Permit, PatternsAreCheckedAndNormalised) {
  EXPECT_EQ(*parse_permit_pattern("**.OpenCraft.example."), "**.opencraft.example");
  EXPECT_EQ(*parse_permit_pattern("*.*.x.example"), "*.*.x.example");
  EXPECT_EQ(parse_permit_pattern("**.a.**.example").error().what, "**.a.**.example: write ** once");
  for (const char* text : {"", "a b", "a*.example", "***.example", "-a.example"})
    EXPECT_FALSE(parse_permit_pattern(text)) << text;
}

}  // namespace
}  // namespace gatehouse::conf
