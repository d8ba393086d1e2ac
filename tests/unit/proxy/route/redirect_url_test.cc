#include "proxy/route/redirect_url.h"

#include <gtest/gtest.h>

namespace gatehouse::route {
namespace {

constexpr RedirectRequest asked{.scheme = "http", .host = "old.example:8080", .path = "/a/b", .query = "x=1&y=%20"};

TEST(RedirectUrl, FillsInHostPathAndQuery) {
  struct Row {
    std::string url, location;
  };
  const Row rows[] = {
      {"https://new.example/", "https://new.example/?x=1&y=%20"},
      {"https://new.example$path", "https://new.example/a/b?x=1&y=%20"},
      {"https://$host$path", "https://old.example/a/b?x=1&y=%20"},
      {"https://$host$path?$query", "https://old.example/a/b?x=1&y=%20"},
      {"https://$host/?from=$path", "https://old.example/?from=/a/b"},
      {"https://new.example/fixed?only=this", "https://new.example/fixed?only=this"},
      {"/new$path", "/new/a/b?x=1&y=%20"},
      {"/price/$5$", "/price/$5$?x=1&y=%20"},
  };
  for (const auto& row : rows) {
    const auto location = expand_redirect(row.url, asked);
    ASSERT_TRUE(location) << row.url;
    EXPECT_EQ(*location, row.location);
  }
}

TEST(RedirectUrl, DropsAQuestionMarkWithNothingBehindIt) {
  EXPECT_EQ(*expand_redirect("https://n$path?$query", {.host = "h", .path = "/p"}), "https://n/p");
  EXPECT_EQ(*expand_redirect("https://n$path", {.host = "h", .path = "/p"}), "https://n/p");
}

TEST(RedirectUrl, KeepsTheBracketsOfAnAddressAndDropsItsPort) {
  EXPECT_EQ(*expand_redirect("https://$host/", {.host = "[2001:db8::1]:8080"}), "https://[2001:db8::1]/");
  EXPECT_EQ(*expand_redirect("https://$host/", {.host = "[2001:db8::1]"}), "https://[2001:db8::1]/");
}

TEST(RedirectUrl, RefusesWhatWouldSplitTheField) {
  for (const std::string bad : {"/a\r\nset-cookie: x", "/a\nb", "/a\rb", "/a b", "/a\tb", "/a\x7f"}) {
    EXPECT_FALSE(expand_redirect("https://n$path", {.host = "h", .path = bad})) << bad;
    EXPECT_FALSE(expand_redirect("https://n/", {.host = "h", .query = bad})) << bad;
    EXPECT_FALSE(expand_redirect("https://$host/", {.host = bad})) << bad;
  }
  EXPECT_FALSE(expand_redirect("https://n$path", {.host = "h", .path = std::string_view("/a\0b", 4)}));
}

TEST(RedirectUrl, NeverLetsAPathNameAnotherHost) {
  EXPECT_EQ(*expand_redirect("$path", {.host = "h", .path = "//evil.example/x", .query = "q"}), "/evil.example/x?q");
  EXPECT_EQ(*expand_redirect("$path/", {.host = "h", .path = "/\\evil.example"}), "/evil.example/");
  EXPECT_EQ(*expand_redirect("$path/y", {.host = "h", .path = "//"}), "/y");
  EXPECT_FALSE(expand_redirect("https://n$path", {.host = "h", .path = "@evil.example"}));
  EXPECT_FALSE(expand_redirect("https://n$path", {.host = "h", .path = "*"}));
}

TEST(RedirectUrl, RefusesALoop) {
  EXPECT_FALSE(expand_redirect("http://old.example:8080$path", asked));
  EXPECT_FALSE(expand_redirect("$path", asked));
  EXPECT_FALSE(expand_redirect("http://$host$path", {.host = "h", .path = "/p"}));
  EXPECT_TRUE(expand_redirect("https://$host$path", {.host = "h", .path = "/p"}));
}

}  // namespace
}  // namespace gatehouse::route
