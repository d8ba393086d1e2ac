#include "proxy/http/target.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

struct Normal {
  std::string path, query, forward;
  bool operator==(const Normal&) const = default;
};
const Normal refused{"(refused)", "", ""};

Normal normal(const std::string& text) {
  std::vector<char> buffer(text.size() + 1);
  const auto target = normalise_target(text, buffer);
  if (!target) return refused;
  return {std::string(target->path), std::string(target->query), std::string(target->forward)};
}

TEST(Target, MatchingSeesTheNormalFormAndTheBackendTheBytesAsSent) {
  struct Row {
    std::string sent, path, query, forward;
  };
  const std::vector<Row> rows = {
      {"/", "/", "", "/"},
      {"/a/b?c=d/../e", "/a/b", "?c=d/../e", "/a/b?c=d/../e"},
      {"/a.b/.c/..d/...", "/a.b/.c/..d/...", "", "/a.b/.c/..d/..."},
      {"/a//b/", "/a//b/", "", "/a//b/"},
      {"/%61%2D%7e%5f?%61", "/a-~_", "?%61", "/%61%2D%7e%5f?%61"},
      {"/a%2fb%5cc%20", "/a%2Fb%5Cc%20", "", "/a%2fb%5cc%20"},
      {"/%252e%252e/", "/%252e%252e/", "", "/%252e%252e/"},
      {"/a/./b", "/a/b", "", "/a/b"},
      {"/a/../b?c", "/b", "?c", "/b?c"},
      {"/a/%2e%2E/b", "/b", "", "/b"},
      {"/a/b/..", "/a/", "", "/a/"},
      {"/a/b/.", "/a/b/", "", "/a/b/"},
      {"/..", "/", "", "/"},
      {"/../../a", "/a", "", "/a"},
      {"/a/b/../../../c", "/c", "", "/c"},
      {"/%7Ea/../b%2f", "/b%2F", "", "/b%2F"},
      {"/a;b=c/d", "/a;b=c/d", "", "/a;b=c/d"},
      {"/a..;/b", "/a..;/b", "", "/a..;/b"},
      {"/a?%zz%00\\", "/a", "?%zz%00\\", "/a?%zz%00\\"},
      {"/a?", "/a", "?", "/a?"},
      {"", "/", "", "/"},
      {"?q", "/", "?q", "/?q"},
      {"*", "*", "", "*"},
      {"/aaaaaaaaaaaaaa/../b", "/b", "", "/b"},
      {"/aaaaaaaaaaaaa/.b/c", "/aaaaaaaaaaaaa/.b/c", "", "/aaaaaaaaaaaaa/.b/c"},
  };
  for (const Row& row : rows) {
    const Normal got = normal(row.sent);
    EXPECT_EQ(got.path, row.path) << row.sent;
    EXPECT_EQ(got.query, row.query) << row.sent;
    EXPECT_EQ(got.forward, row.forward) << row.sent;
  }
}

TEST(Target, WhatABackendMightReadOtherwiseIsRefused) {
  for (const char* bad :
       {"/%00",      "/a%0",       "/a%",      "/%zz",      "/%4",        "/a\\b",      "/a/..\\b",
        "/a/..%2fb", "/a/..%5Cb",  "/a%2f..",  "/a%2F../b", "/a%2f.%2fb", "/a/..;/b",   "/a/..;x=y/b",
        "/a/.;/b",   "/%2e%2e;/b", "/..%2f",   "a",         "a/b",        "/a/..%3b/b", "/a/%2e%2e%3B/b",
        "/a/.%3b",   "/a;b%2fc",   "/a%2fb;c", "/a%3b%5c"})
    EXPECT_EQ(normal(bad), refused) << bad;
}

TEST(Target, TheOtherReadingHasNoParametersAndNoEscapedSlashes) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a%20b", "/a%20b"},
      {"/admin;x", "/admin"},
      {"/admin%3Bx/y", "/admin/y"},
      {"/;/admin", "//admin"},
      {"/%2Fadmin", "//admin"},
      {"/%5Cadmin%2Fx", "//admin/x"},
      {"/a;b=c;d/e;", "/a/e"},
  };
  for (const auto& [path, other] : rows) {
    std::vector<char> buffer(path.size());
    EXPECT_EQ(other_reading(path, buffer), other) << path;
  }
}

TEST(Target, NormalisingTwiceChangesNothing) {
  for (const char* sent : {"/a/%2e./b//..%41", "/%61/./..?x", "/a/b/../%2Fc", "?q", "/%25%32%65"}) {
    const Normal once = normal(sent);
    ASSERT_NE(once, refused) << sent;
    EXPECT_EQ(normal(once.path).path, once.path) << sent;
    EXPECT_EQ(normal(once.forward).path, once.path) << sent;
  }
}

TEST(Target, ABufferTooSmallIsARefusalNotAnOverflow) {
  std::vector<char> buffer(6);
  EXPECT_FALSE(normalise_target("/a/../", buffer));
  buffer.resize(7);
  EXPECT_TRUE(normalise_target("/a/../", buffer));
}

std::string rewritten(const std::string& sent, const std::string& strip, const std::string& prepend) {
  std::vector<char> one(sent.size() + 1), other(200);
  const auto target = normalise_target(sent, one);
  const auto out = rewrite_target(*target, strip, prepend, other);
  return out ? std::string(*out) : "(no room)";
}

TEST(Target, PrefixesAreTakenOffAndPutOnAtSegmentBoundaries) {
  EXPECT_EQ(rewritten("/api/x?q", "/api", ""), "/x?q");
  EXPECT_EQ(rewritten("/api", "/api", ""), "/");
  EXPECT_EQ(rewritten("/api?q", "/api", ""), "/?q");
  EXPECT_EQ(rewritten("/api/", "/api/", ""), "/");
  EXPECT_EQ(rewritten("/apix", "/api", ""), "/apix");
  EXPECT_EQ(rewritten("/x", "/api", ""), "/x");
  EXPECT_EQ(rewritten("/x?q", "", "/base/"), "/base/x?q");
  EXPECT_EQ(rewritten("/api/x", "/api", "/v2"), "/v2/x");
  EXPECT_EQ(rewritten("/api", "/api", "/v2"), "/v2/");
  EXPECT_EQ(rewritten("/x", "/", ""), "/x");
  EXPECT_EQ(rewritten("/a%2Fb", "", ""), "/a%2Fb");
  EXPECT_EQ(rewritten("*", "/api", "/v2"), "*");
}

TEST(Target, APrefixSpeltInEscapesIsTakenOffToo) {
  EXPECT_EQ(rewritten("/%61pi/%62%20?q", "/api", ""), "/b%20?q");
  EXPECT_EQ(rewritten("/api/%62", "/api", ""), "/%62");  // the rest stays as sent where that can be
  EXPECT_EQ(rewritten("/x/../api/y", "/api", ""), "/y");
}

TEST(Target, ARewriteThatDoesNotFitIsToldSo) {
  std::vector<char> one(20), other(6);
  const auto target = normalise_target("/a/b?c", one);
  EXPECT_TRUE(rewrite_target(*target, "/a", "/xy", std::span(other).first(6)).has_value() == false);
  other.resize(7);
  EXPECT_EQ(rewrite_target(*target, "/a", "/xy", other), "/xy/b?c");
}

TEST(Target, PrefixesHoldAtSegmentBoundaries) {
  EXPECT_TRUE(within_prefix("/a/b", "/a") && within_prefix("/a", "/a") && within_prefix("/a/b", "/a/"));
  EXPECT_TRUE(within_prefix("/a", "/") && within_prefix("/a", "") && within_prefix("/a", "/a/"));
  EXPECT_FALSE(within_prefix("/ab", "/a") || within_prefix("/", "/a"));
}

}  // namespace
}  // namespace gatehouse::http
