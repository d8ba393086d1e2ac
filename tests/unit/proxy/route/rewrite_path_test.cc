#include "proxy/route/rewrite_path.h"

#include <memory>

#include <gtest/gtest.h>

namespace gatehouse::route {
namespace {

using Outcome = Rewritten::Outcome;

struct Rooms {
  std::array<char, 1024> path, buffer, scratch;
};

std::string rewritten(std::vector<const char*> rules, std::string_view asked) {
  static const auto rooms = std::make_unique<Rooms>();
  std::vector<conf::Rewrite> parsed;
  for (const char* rule : rules) {
    Result<conf::Rewrite> one = conf::parse_rewrite(rule);
    if (!one) return one.error().what;
    parsed.push_back(std::move(*one));
  }
  const auto target = http::normalise_target(asked, rooms->path);
  if (!target) return "400";
  const Rewritten out = rewrite_path(parsed, *target, rooms->buffer, rooms->scratch);
  switch (out.outcome) {
    case Outcome::untouched: return "untouched";
    case Outcome::rewritten: return std::string(out.target.forward);
    case Outcome::redirected: return std::to_string(out.code) + " " + out.location;
    case Outcome::refused: return "refused";
    case Outcome::too_long: return "too long";
  }
  return "?";
}

TEST(RewritePath, TheFirstThatFindsSomethingReplacesThePath) {
  const std::vector<const char*> rules{R"(^/old/(.*) /new/\1)", "/find/ /found", "^/(a+)(b*)$ /$2/$1/$0"};
  EXPECT_EQ(rewritten(rules, "/old/x/y"), "/new/x/y");
  EXPECT_EQ(rewritten(rules, "/old/"), "/new/");
  EXPECT_EQ(rewritten(rules, "/old"), "untouched");
  EXPECT_EQ(rewritten(rules, "/x/find/y"), "/found");
  EXPECT_EQ(rewritten(rules, "/aabb"), "/bb/aa//aabb");
  EXPECT_EQ(rewritten(rules, "*"), "untouched");
}

TEST(RewritePath, TheQueryIsKeptBehindTheTargetsOwn) {
  EXPECT_EQ(rewritten({"^/a /b"}, "/a?x=1"), "/b?x=1");
  EXPECT_EQ(rewritten({"^/a /b?y=2"}, "/a?x=1"), "/b?y=2&x=1");
  EXPECT_EQ(rewritten({"^/a /b?y=2"}, "/a?"), "/b?y=2");
  EXPECT_EQ(rewritten({"^/f/(.*) /get?file=$1"}, "/f/a&admin=1"), "/get?file=a%26admin%3D1");
}

TEST(RewritePath, SeesThePathAsRoutesDo) {
  EXPECT_EQ(rewritten({"^/b/(.*) /c/$1"}, "/a/../b/%41"), "/c/A");
  EXPECT_EQ(rewritten({"^/%2e/ /x"}, "/x"), "untouched");
}

TEST(RewritePath, NothingClimbsOut) {
  EXPECT_EQ(rewritten({"^/(.)x(.)/(.*) /in/$1$2/$3"}, "/.x./admin"), "refused");
  EXPECT_EQ(rewritten({"^/(.)x(.)/(.*) /in/$1$2/$3"}, "/ax./admin"), "/in/a./admin");
  EXPECT_EQ(rewritten({"^/(.*)x(.*) /in/$1$2"}, "/..%2x2F"), "400");
  EXPECT_EQ(rewritten({"^/(.*)x(.*) /in/$1$2"}, "/.x./.x."), "refused");
  EXPECT_EQ(rewritten({"^/(.*)! /in/%2$1"}, "/e!"), "refused");
}

TEST(RewritePath, ARedirectStaysAtItsHost) {
  EXPECT_EQ(rewritten({"^/(.*) /$1 302"}, "//evil.example/x"), "302 /evil.example/x");
  EXPECT_EQ(rewritten({"^/(.*) https://a.example/$1 301"}, "/x?y"), "301 https://a.example/x?y");
  EXPECT_NE(rewritten({"^/(.*) https://a.example$1 301"}, "/.evil.test").find("behind the host"), std::string::npos);
}

TEST(RewritePath, WhatIsTooLongIsToldSo) {
  EXPECT_EQ(rewritten({"^/(.*) /$1/$1"}, "/" + std::string(500, 'a')).size(), 1002u);
  EXPECT_EQ(rewritten({"^/(.*) /$1/$1/"}, "/" + std::string(600, 'a')), "too long");
}

TEST(Rewrite, RefusesWhatCanNotBe) {
  for (const char* text : {"^/a", "^/a /b 304", "^/a b", "( /b", "^/a /$1", "^/a /b\\x", "^/a https://x/", "^/a /b#c",
                           "(((((((((()))))))))) /b"})
    EXPECT_FALSE(conf::parse_rewrite(text)) << text;
  EXPECT_TRUE(conf::parse_rewrite("^" + std::string(500, 'a') + " /b"));
  EXPECT_FALSE(conf::parse_rewrite("^" + std::string(512, 'a') + " /b"));
  EXPECT_FALSE(conf::parse_rewrite("^((a{100}){100}){100} /b"));
}

}  // namespace
}  // namespace gatehouse::route
