#include <gtest/gtest.h>

#include "proxy/http/framing.h"
#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

using namespace std::string_literals;

std::string ok(const std::string& fields) { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n"; }

TEST(ResponseHead, WhatIsNotHttpBecomes502) {
  struct Row {
    const char* what;
    std::string bytes;
    int verdict;
  };
  const std::vector<Row> rows = {
      {"plain", ok("Content-Length: 5\r\n"), 0},
      {"no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 0},
      {"no SP behind the status", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 0},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", 0},
      {"bytes above 0x7f in the reason", "HTTP/1.1 200 \xe9\r\n\r\n", 0},
      {"S04 rubbish", "rubbish rubbish\r\n\r\n", 502},
      {"S10 two digits", "HTTP/1.1 20 OK\r\n\r\n", 502},
      {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", 502},
      {"no digits", "HTTP/1.1 2x0 OK\r\n\r\n", 502},
      {"below 100", "HTTP/1.1 099 OK\r\n\r\n", 502},
      {"a status of none", "HTTP/1.1\r\n\r\n", 502},
      {"two spaces", "HTTP/1.1  200 OK\r\n\r\n", 502},
      {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", 502},
      {"small letters", "http/1.1 200 OK\r\n\r\n", 502},
      {"CRLF before", "\r\nHTTP/1.1 200 OK\r\n\r\n", 502},
      {"LF ends the line", "HTTP/1.1 200 OK\n\r\n", 502},
      {"CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", 502},
      {"NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"s, 502},
      {"S01 two lengths", ok("Content-Length: 5\r\nContent-Length: 6\r\n"), 502},
      {"two equal lengths", ok("Content-Length: 5\r\nContent-Length: 5\r\n"), 0},
      {"a list of lengths", ok("Content-Length: 5, 5\r\n"), 502},
      {"no length", ok("Content-Length: x\r\n"), 502},
      {"a length below zero", ok("Content-Length: -1\r\n"), 502},
      {"both framings", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 502},
      {"gzip, chunked", ok("Transfer-Encoding: gzip, chunked\r\n"), 502},
      {"identity", ok("Transfer-Encoding: identity\r\n"), 502},
      {"chunked twice", ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 502},
      {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 502},
      {"S12 bare CR", ok("X-A: b\rSet-Cookie: evil=1\r\n"), 502},
      {"bare LF", ok("X-A: b\nSet-Cookie: evil=1\r\n"), 502},
      {"NUL in a value", ok("X-A: b\0c\r\n"s), 502},
      {"folded", ok("X-A: b\r\n c\r\n"), 502},
      {"space before the colon", ok("X-A : b\r\n"), 502},
      {"no colon", ok("X-A\r\n"), 502},
      {"Connection names a length", ok("Connection: content-length\r\nContent-Length: 5\r\n"), 502},
      {"101 without Upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", 502},
      {"101 without Connection", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 502},
  };
  for (const Row& row : rows) {
    const auto parsed = response(row.bytes);
    EXPECT_EQ(parsed.verdict(), row.verdict) << row.what << ": " << parsed.head.refusal.reason;
  }
}

TEST(ResponseHead, BodiesEndByRfc9112) {
  struct Row {
    const char* what;
    std::string bytes;
    bool to_head;
    Framing body;
    bool keep_alive;
  };
  const std::vector<Row> rows = {
      {"length", ok("Content-Length: 5\r\n"), false, Framing::length, true},
      {"length 0", ok("Content-Length: 0\r\n"), false, Framing::length, true},
      {"chunked", ok("Transfer-Encoding: Chunked\r\n"), false, Framing::chunked, true},
      {"neither", ok(""), false, Framing::until_close, false},
      {"close", ok("Content-Length: 5\r\nConnection: close\r\n"), false, Framing::length, false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, Framing::length, false},
      {"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", false,
       Framing::length, true},
      {"to HEAD", ok("Content-Length: 5\r\n"), true, Framing::none, true},
      {"to HEAD, chunked", ok("Transfer-Encoding: chunked\r\n"), true, Framing::none, true},
      {"to HEAD, neither", ok(""), true, Framing::none, true},
      {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, Framing::none, true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", false, Framing::none, true},
      {"S13 204 that announces a body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, Framing::none,
       false},
      {"204 chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false, Framing::none, false},
      {"S11 103", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", false, Framing::none, true},
  };
  for (const Row& row : rows) {
    const auto parsed = response(row.bytes, row.to_head);
    ASSERT_EQ(parsed.verdict(), 0) << row.what;
    EXPECT_EQ(parsed.head.body, row.body) << row.what;
    EXPECT_EQ(parsed.head.keep_alive, row.keep_alive) << row.what;
  }
}

TEST(ResponseHead, SaysWhatItHolds) {
  const std::string text =
      "HTTP/1.1 404 Not  Found\r\nContent-Length: 5\r\nKeep-Alive: timeout=15, max=100\r\nConnection: X-Hop\r\n"
      "X-Hop: 1\r\nx_under: 2\r\n\r\nhello";
  const auto parsed = response(text);
  ASSERT_EQ(parsed.verdict(), 0);
  EXPECT_EQ(parsed.head.status, 404);
  EXPECT_EQ(parsed.head.reason(), "Not  Found");
  EXPECT_EQ(parsed.head.size, text.size() - 5);
  EXPECT_EQ(parsed.head.keep_alive_seconds, 15u);
  EXPECT_TRUE(parsed.head.find("x-hop")->drop);
  EXPECT_FALSE(parsed.head.find("x_under")->drop);  // ours to judge in requests only
  EXPECT_FALSE(parsed.head.interim());
  EXPECT_TRUE(response("HTTP/1.1 100 Continue\r\n\r\n").head.interim());
  EXPECT_FALSE(response("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                   .head.interim());
}

TEST(ResponseHead, KeepAliveTimesThatAreNoneAreNotBelieved) {
  EXPECT_EQ(response(ok("Keep-Alive: max=5\r\n")).head.keep_alive_seconds, 0u);
  EXPECT_EQ(response(ok("Keep-Alive: timeout=x\r\n")).head.keep_alive_seconds, 0u);
  EXPECT_GE(response(ok("Keep-Alive: timeout=99999999999999999999\r\n")).head.keep_alive_seconds, 100'000'000u);
}

TEST(Framing, TheClientsVersionDecidesHowABodyOfUnknownLengthTravels) {
  const auto framing = [](const std::string& fields, unsigned minor) {
    return client_framing(response(ok(fields)).head, minor);
  };
  EXPECT_EQ(framing("Transfer-Encoding: chunked\r\n", 1), Framing::chunked);
  EXPECT_EQ(framing("Transfer-Encoding: chunked\r\n", 0), Framing::until_close);
  EXPECT_EQ(framing("", 1), Framing::chunked);
  EXPECT_EQ(framing("", 0), Framing::until_close);
  EXPECT_EQ(framing("Content-Length: 5\r\n", 0), Framing::length);
}

TEST(Framing, OnlyTheUpgradeThatWasAskedForIsGranted) {
  const auto grants = [](const std::string& asked, const std::string& granted) {
    const auto client = request("GET / HTTP/1.1\r\nHost: a\r\n" + asked + "\r\n");
    const auto backend = response("HTTP/1.1 101 Switching Protocols\r\n" + granted + "\r\n");
    return grants_upgrade(client.head, backend.head);
  };
  const std::string connection = "Connection: upgrade\r\n";
  EXPECT_TRUE(grants(connection + "Upgrade: websocket\r\n", connection + "Upgrade: WebSocket\r\n"));
  EXPECT_TRUE(grants(connection + "Upgrade: foo, bar\r\n", connection + "Upgrade: bar\r\n"));
  EXPECT_FALSE(grants(connection + "Upgrade: foo\r\n", connection + "Upgrade: websocket\r\n"));
  EXPECT_FALSE(grants("", connection + "Upgrade: websocket\r\n"));  // S07
  EXPECT_FALSE(grants(connection + "Upgrade: websocket\r\n", ""));
}

TEST(Framing, IdempotentAreThoseOfRfc9110) {
  for (const Method method : {Method::get, Method::head, Method::put, Method::delete_, Method::options})
    EXPECT_TRUE(is_idempotent(method));
  for (const Method method : {Method::post, Method::patch, Method::other}) EXPECT_FALSE(is_idempotent(method));
}

}  // namespace
}  // namespace gatehouse::http
