#include "ratelimit/log_event.h"

#include <gtest/gtest.h>

namespace gatehouse::ratelimit {
namespace {

constexpr const char* own =
    R"({"time":"2026-07-28T12:03:04.123Z","event":"request","node":"n","client_address":"203.0.113.7",)"
    R"("peer_address":"10.0.0.1","method":"GET","host":"a.test","path":"/x?q=\u0001","status":404,"attempts":1,)"
    R"("termination":"ok","service":"web","request_id":"r1","user_agent":"agent","referer":"http://r/"})";

TEST(LogEvent, OurOwnLineIsRead) {
  const auto read = read_logged_event(own);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->form, LoggedEvent::Form::own);
  EXPECT_EQ(read->wall_ms, 1785240184123);
  const Event event = read->event();
  EXPECT_EQ(event.client.text(), "203.0.113.7");
  EXPECT_EQ(event.event, "request");
  EXPECT_EQ(event.method, "GET");
  EXPECT_EQ(event.host, "a.test");
  EXPECT_EQ(event.path, "/x");
  EXPECT_EQ(event.query, "q=\x01");
  EXPECT_EQ(event.status, 404);
  EXPECT_EQ(event.by, "backend");
  EXPECT_EQ(event.termination, "ok");
  EXPECT_EQ(event.service, "web");
  EXPECT_EQ(event.request_id, "r1");
  EXPECT_EQ(event.user_agent, "agent");
  EXPECT_EQ(event.referer, "http://r/");
}

TEST(LogEvent, ACombinedLineIsRead) {
  const auto read = read_logged_event(
      R"(2001:db8::7 - ann [28/Jul/2026:14:03:04 +0200] "POST /login?a=b HTTP/1.1" 401 153 "-" "a \"quoted\" \x22agent\x22" "more")");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->form, LoggedEvent::Form::combined);
  EXPECT_EQ(read->wall_ms, 1785240184000);
  EXPECT_EQ(read->client.text(), "2001:db8::7");
  EXPECT_EQ(read->method, "POST");
  EXPECT_EQ(read->path, "/login");
  EXPECT_EQ(read->query, "a=b");
  EXPECT_EQ(read->status, 401);
  EXPECT_EQ(read->referer, "");
  EXPECT_EQ(read->user_agent, "a \"quoted\" \"agent\"");
  EXPECT_EQ(read->by, "");
}

TEST(LogEvent, ARequestThatWasNoneHasItsStatusAlone) {
  const auto read =
      read_logged_event(R"(192.0.2.1 - - [28/Jul/2026:12:03:04 +0000] "\x16\x03\x01\x00" 400 157 "-" "-")");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, 400);
  EXPECT_EQ(read->method + read->path, "");
}

// fail2ban's oldest trouble: text that a client chose stands where a filter looks for an address or a status.
TEST(LogEvent, WhatAClientWroteStaysInItsPlace) {
  const auto read = read_logged_event(
      R"(192.0.2.1 - - [28/Jul/2026:12:03:04 +0000] "GET /\x22 401 0 \x22198.51.100.9 HTTP/1.1" 200 1 "-" "198.51.100.9 - - [28/Jul/2026:12:03:04 +0000] \"GET /wp-login.php HTTP/1.1\" 404 1")");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client.text(), "192.0.2.1");
  EXPECT_EQ(read->status, 200);
}

TEST(LogEvent, OtherLinesAreNone) {
  const std::string good = own;
  const auto without = [&](std::string_view what, std::string_view with) {
    std::string out = good;
    return out.replace(out.find(what), what.size(), with);
  };
  for (const std::string& each :
       {std::string(), std::string("{"), std::string("{}"), std::string("[1]"), std::string("nothing of the kind"),
        without("\"request\"", "\"tcp\""), without("203.0.113.7", "-"), without("12:03:04.123Z", "12:03:04.123"),
        without("12:03:04.123Z", "noon"), without("404", "4040"), without("404", "-1"), good + "x",
        good + std::string(1, '\0'),
        std::string(R"(192.0.2.1 - - [28/Jul/2026:12:03:04] "GET / HTTP/1.1" 200 1 "-" "-")"),
        std::string(R"(a.example - - [28/Jul/2026:12:03:04 +0000] "GET / HTTP/1.1" 200 1 "-" "-")"),
        std::string(R"(192.0.2.1 - - [28/Jul/2026:12:03:04 +0000] "GET / HTTP/1.1" 2x0 1 "-" "-")"),
        std::string(R"(192.0.2.1 - - [28/Jul/2026:12:03:04 +0000] "GET / HTTP/1.1)"),
        std::string(R"(192.0.2.1 - - [28/Jul/2026:12:03:04 +0000] "GET / HTTP/1.1" 200 1)")})
    EXPECT_FALSE(read_logged_event(each)) << each;
}

TEST(LogEvent, OneByteBeyondItsLimitIsNone) {
  std::string line = own;
  line.insert(line.size() - 1, LoggedEvent::line_bytes_max - line.size(), ' ');
  EXPECT_TRUE(read_logged_event(line));
  line.insert(line.size() - 1, " ");
  EXPECT_FALSE(read_logged_event(line));
}

TEST(LogEvent, LogsLackFieldsThatAJailMayLookAt) {
  using Form = LoggedEvent::Form;
  EXPECT_TRUE(is_logged(Form::own, "host") && is_logged(Form::own, "termination") && is_logged(Form::own, "path"));
  EXPECT_TRUE(is_logged(Form::combined, "path") && is_logged(Form::combined, "user_agent"));
  EXPECT_FALSE(is_logged(Form::combined, "host") || is_logged(Form::combined, "service"));
  EXPECT_FALSE(is_logged(Form::own, "headers") || is_logged(Form::own, "header:X-A") || is_logged(Form::own, "user"));
}

}  // namespace
}  // namespace gatehouse::ratelimit
