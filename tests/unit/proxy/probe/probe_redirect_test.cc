#include "proxy/probe/probe_redirect.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

std::string led(std::string_view location, bool tls = false) {
  return redirected_path(location, "/app/health?deep=1", "10.0.0.1:8080", tls).value_or("(nowhere)");
}

TEST(Redirects, StayWithinThePlaceThatIsAsked) {
  EXPECT_EQ(led("/up?x=1#part"), "/up?x=1");
  EXPECT_EQ(led("up"), "/app/up");
  EXPECT_EQ(led("?x"), "/app/health?x");
  EXPECT_EQ(led("//10.0.0.1:8080/up"), "/up");
  EXPECT_EQ(led("http://10.0.0.1:8080?x"), "/?x");
  EXPECT_EQ(led("http://10.0.0.1:8080"), "/");
  EXPECT_EQ(led("https://10.0.0.1:8080/up", true), "/up");
  EXPECT_EQ(redirected_path("http://a.test/b", "/", "A.test:80", false), "/b");
}

TEST(Redirects, LeadNowhereElse) {
  for (const char* elsewhere :
       {"", "#part", "http://10.0.0.2:8080/", "http://10.0.0.1/", "//other/", "https://10.0.0.1:8080/",
        "ftp://10.0.0.1:8080/", "http:up", "/a b", "/\xc3\xa9", "http://10.0.0.1:x/"})
    EXPECT_EQ(led(elsewhere), "(nowhere)") << elsewhere;
}

TEST(Redirects, AreTheseStatuses) {
  for (const int status : {301, 302, 303, 307, 308}) EXPECT_TRUE(is_redirect(status));
  for (const int status : {200, 300, 304, 404}) EXPECT_FALSE(is_redirect(status));
}

}  // namespace
}  // namespace gatehouse::pool
