#include "proxy/http/head_writer.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

std::string rewritten(const ParsedRequest& parsed, const RequestRewrite& rewrite = {}) {
  EXPECT_EQ(parsed.verdict(), 0) << parsed.head.refusal.reason;
  return written([&](HeadWriter& out) { write_request_head(parsed.head, rewrite, out); });
}
std::string rewritten(std::string_view text, const RequestRewrite& rewrite = {}) {
  return rewritten(request(text), rewrite);
}
std::string rewritten_answer(std::string_view text, const ResponseRewrite& rewrite, bool to_head = false) {
  const auto parsed = response(text, to_head);
  EXPECT_EQ(parsed.verdict(), 0) << parsed.head.refusal.reason;
  return written([&](HeadWriter& out) { write_response_head(parsed.head, rewrite, out); });
}

ClientInfo client(std::initializer_list<const char*> from_peer_outward, bool trusted = false) {
  ClientInfo out;
  for (const char* address : from_peer_outward) out.hop[out.hop_count++] = *IpAddress::parse(address);
  out.peer_trusted = trusted;
  return out;
}

TEST(RequestWriter, KeepsEndToEndFieldsAsTheyAre) {
  EXPECT_EQ(rewritten("GET /a?b HTTP/1.1\r\nHost: front.test:80\r\nAccept: */*\r\nX-A: \xe9\r\nX-A: two\r\n\r\n"),
            "GET /a?b HTTP/1.1\r\nHost: front.test:80\r\nAccept: */*\r\nX-A: \xe9\r\nX-A: two\r\n\r\n");
}

TEST(RequestWriter, WhiteSpaceAroundValuesIsMadeCanonical) {
  EXPECT_EQ(
      rewritten("GET / HTTP/1.1\r\nHost:a\r\nX-A:b\r\nX-B:  c\r\nX-C: d \t\r\nX-D:\te\r\nX-E:\r\nX-F: g\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\nX-B: c\r\nX-C: d\r\nX-D: e\r\nX-E: \r\nX-F: g\r\n\r\n");
}

TEST(RequestWriter, FieldsOfTheHopAreLeftOut) {  // E26
  EXPECT_EQ(
      rewritten("GET /a HTTP/1.1\r\nHost: front.test\r\nX-Begin: 1\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n"
                "Keep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: foo\r\n"
                "HTTP2-Settings: x\r\nProxy: evil\r\nTrailer: X\r\nx_under: 1\r\na.b: 1\r\nX-End: 2\r\n\r\n"),
      "GET /a HTTP/1.1\r\nHost: front.test\r\nX-Begin: 1\r\nX-End: 2\r\n\r\n");
}

TEST(RequestWriter, FramingIsStatedOnceAndCanonically) {
  const std::string host = "Host: a\r\n";
  EXPECT_EQ(rewritten("POST / HTTP/1.1\r\nContent-Length: 0005\r\nHost: a\r\n\r\n"),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(rewritten("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(rewritten("POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: CHUNKED\r\nTrailer: X-Sum\r\n\r\n"),
            "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(RequestWriter, OldAndNewerMinorVersionsLeaveAsHttp11) {
  EXPECT_EQ(rewritten("GET / HTTP/1.0\r\n\r\n"), "GET / HTTP/1.1\r\nHost: \r\n\r\n");
  EXPECT_EQ(rewritten("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(RequestWriter, AbsoluteFormLeavesAsOriginForm) {
  EXPECT_EQ(rewritten("GET http://Front.test/a?b HTTP/1.1\r\nHost: front.test:80\r\n\r\n"),
            "GET /a?b HTTP/1.1\r\nHost: Front.test\r\n\r\n");
  EXPECT_EQ(rewritten("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(rewritten("GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /?b HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(RequestWriter, TargetHostAndExtraFieldsAreTheRoutes) {
  EXPECT_EQ(rewritten("GET /api/x HTTP/1.1\r\nHost: front.test\r\n\r\n",
                      {.target = "/x", .host = "inner.test", .request_id = "id1", .extra = "X-Route: r\r\n"}),
            "GET /x HTTP/1.1\r\nHost: inner.test\r\nX-Request-Id: id1\r\nX-Route: r\r\n\r\n");
}

TEST(RequestWriter, ExpectationAndTrailersGoOnWhereTheyMayBe) {
  const char* const text =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nTE: trailers\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(rewritten(text),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
            "TE: trailers\r\nConnection: TE\r\n\r\n");
}

TEST(RequestWriter, UpgradesPassOnlyWhereTheyAreAllowed) {
  const char* const text =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, x\r\nUpgrade: websocket\r\nX: 1\r\nSec-WebSocket-Key: "
      "k\r\n\r\n";
  EXPECT_EQ(rewritten(text), "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\n\r\n");
  EXPECT_EQ(rewritten(text, {.pass_upgrade = true}),
            "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  EXPECT_EQ(rewritten("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", {.pass_upgrade = true}),
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

const char* const forged =
    "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "
    "evil\r\n"
    "X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nX-Real-IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n"
    "X-Request-Id: evil\r\nX-End: 1\r\n\r\n";

TEST(RequestWriter, WhatAStrangerForgesIsReplacedByWhatWeSaw) {
  const ClientInfo stranger = client({"192.0.2.7"});
  const RequestRewrite rewrite{.client = &stranger, .scheme = "http", .port = 8080, .request_id = "ours"};
  EXPECT_EQ(
      rewritten(forged, rewrite),
      "GET / HTTP/1.1\r\nHost: a.test\r\nX-End: 1\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
      "X-Forwarded-Host: a.test\r\nX-Forwarded-Port: 8080\r\nX-Real-IP: 192.0.2.7\r\nX-Request-Id: ours\r\n\r\n");
}

TEST(RequestWriter, WhatOtherProxiesSayPassesFromTrustedPeersOnly) {
  const std::string names[] = {"X-Client-IP",      "X-Cluster-Client-IP", "True-Client-IP",
                               "CF-Connecting-IP", "X-Original-URL",      "x-rewrite-url"};
  for (const std::string& name : names) {
    const std::string field = name + ": /forged\r\n", begin = "GET / HTTP/1.1\r\nHost: a\r\n";
    const std::string text = begin + field + "\r\n";
    ClientInfo peer = client({"192.0.2.7"});
    const RequestRewrite rewrite{.forwarded = conf::Forwarded::none, .client = &peer};
    EXPECT_EQ(rewritten(text.c_str(), rewrite), begin + "\r\n");
    peer.peer_trusted = true;
    EXPECT_EQ(rewritten(text.c_str(), rewrite), text);
  }
}

TEST(RequestWriter, EachStyleOfForwardingWritesItsFields) {
  const ClientInfo stranger = client({"2001:db8::7"});
  RequestRewrite rewrite{.host = "inner", .client = &stranger, .scheme = "https"};
  const std::string head = "GET / HTTP/1.1\r\nHost: inner\r\nX-End: 1\r\n";
  const std::string x =
      "X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\nX-Real-IP: "
      "2001:db8::7\r\n";
  const std::string rfc = "Forwarded: for=\"[2001:db8::7]\";host=\"a.test\";proto=https\r\n";
  rewrite.forwarded = conf::Forwarded::x;
  EXPECT_EQ(rewritten(forged, rewrite), head + x + "\r\n");
  rewrite.forwarded = conf::Forwarded::rfc7239;
  EXPECT_EQ(rewritten(forged, rewrite), head + rfc + "\r\n");
  rewrite.forwarded = conf::Forwarded::both;
  EXPECT_EQ(rewritten(forged, rewrite), head + x + rfc + "\r\n");
  rewrite.forwarded = conf::Forwarded::none;
  EXPECT_EQ(rewritten(forged, rewrite), head + "\r\n");
}

TEST(RequestWriter, WhatATrustedPeerSaysIsPassedOnWithItsOwnHop) {
  const auto parsed = request(
      "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.2\r\nX-Forwarded-Proto: "
      "https\r\n"
      "X-Forwarded-Host: shop.test\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /p\r\nX-Request-Id: "
      "theirs\r\n\r\n");
  const std::vector<IpPrefix> trusted{*IpPrefix::parse("10.0.0.0/8")};
  const ClientInfo info = client_of(*IpAddress::parse("10.0.0.1"), trusted, parsed.head);
  RequestRewrite rewrite{.client = &info, .port = 80, .request_id = info.request_id};
  EXPECT_EQ(
      rewritten(parsed, rewrite),
      "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Prefix: /p\r\n"
      "X-Forwarded-For: 192.0.2.7, 10.0.0.2, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: shop.test\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 192.0.2.7\r\nX-Request-Id: theirs\r\n\r\n");
  rewrite.forwarded = conf::Forwarded::none;
  EXPECT_EQ(rewritten(parsed, rewrite),
            "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.0.0.2\r\nX-Forwarded-Proto: "
            "https\r\n"
            "X-Forwarded-Host: shop.test\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /p\r\n"
            "X-Request-Id: theirs\r\n\r\n");
}

TEST(RequestWriter, ForwardedHasAnElementForEachHop) {
  const ClientInfo info = client({"10.0.0.1", "2001:db8::2", "192.0.2.7"}, true);
  EXPECT_EQ(
      rewritten("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n", {.forwarded = conf::Forwarded::rfc7239, .client = &info}),
      "GET / HTTP/1.1\r\nHost: a:1\r\n"
      "Forwarded: for=192.0.2.7;host=\"a:1\";proto=http, for=\"[2001:db8::2]\", for=10.0.0.1\r\n\r\n");
}

TEST(ResponseWriter, KeepsEndToEndFieldsAndDropsThoseOfTheHop) {
  EXPECT_EQ(rewritten_answer("HTTP/1.0 200 Fine\r\nServer: s\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
                             "Keep-Alive: timeout=5\r\nx_under: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
                             "Upgrade: h2c\r\nContent-Length: 05\r\n\r\n",
                             {.body = Framing::length}),
            "HTTP/1.1 200 Fine\r\nServer: s\r\nx_under: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: "
            "5\r\n\r\n");
  EXPECT_EQ(rewritten_answer("HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n", {.body = Framing::length}),
            "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseWriter, FramingIsWhatTheClientCanRead) {
  const char* const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n";
  EXPECT_EQ(rewritten_answer(chunked, {.body = Framing::chunked}),
            "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(rewritten_answer(chunked, {.body = Framing::until_close, .close = true, .client_minor = 0}),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(rewritten_answer("HTTP/1.1 200 OK\r\n\r\n", {.body = Framing::chunked}),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(ResponseWriter, LengthsOfBodiesThatDontComeAreToldWhereTheyMayBe) {
  const auto status = [](const std::string& line, bool to_head) {
    return rewritten_answer("HTTP/1.1 " + line + "\r\nContent-Length: 5\r\n\r\n", {}, to_head);
  };
  EXPECT_EQ(status("200 OK", true), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(status("304 Not Modified", false), "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(status("204 No Content", false), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(status("103 Early Hints", false), "HTTP/1.1 103 Early Hints\r\n\r\n");
}

TEST(ResponseWriter, SaysHowTheConnectionGoesOn) {
  const char* const text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  EXPECT_EQ(rewritten_answer(text, {.body = Framing::length}), head + "\r\n");
  EXPECT_EQ(rewritten_answer(text, {.body = Framing::length, .close = true}), head + "Connection: close\r\n\r\n");
  EXPECT_EQ(rewritten_answer(text, {.body = Framing::length, .client_minor = 0}),
            head + "Connection: keep-alive\r\n\r\n");
}

TEST(ResponseWriter, A101StatesItsUpgrade) {
  const char* const text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: "
      "k\r\n\r\n";
  EXPECT_EQ(rewritten_answer(text, {.pass_upgrade = true}),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\n\r\n");
}

TEST(ResponseWriter, PutsTheRequestsIdInThePlaceOfTheBackendsOwn) {
  const char* const text = "HTTP/1.1 304 N\r\nX-Request-Id: theirs\r\n\r\n";
  EXPECT_EQ(rewritten_answer(text, {.request_id = "ours"}), "HTTP/1.1 304 N\r\nX-Request-Id: ours\r\n\r\n");
  EXPECT_EQ(rewritten_answer(text, {}), text);
}

TEST(ResponseWriter, AddsDateHstsAndExtraFieldsToFinalAnswersOnly) {
  const ResponseRewrite rewrite{.date = "D", .hsts = "max-age=1", .extra = "Set-Cookie: s\r\n"};
  EXPECT_EQ(rewritten_answer("HTTP/1.1 304 N\r\nStrict-Transport-Security: max-age=9\r\n\r\n", rewrite),
            "HTTP/1.1 304 N\r\nDate: D\r\nStrict-Transport-Security: max-age=1\r\nSet-Cookie: s\r\n\r\n");
  EXPECT_EQ(rewritten_answer("HTTP/1.1 304 N\r\nDate: theirs\r\nStrict-Transport-Security: max-age=9\r\n\r\n",
                             {.date = "D"}),
            "HTTP/1.1 304 N\r\nDate: theirs\r\nStrict-Transport-Security: max-age=9\r\n\r\n");
  EXPECT_EQ(rewritten_answer("HTTP/1.1 103 E\r\nLink: l\r\n\r\n", rewrite), "HTTP/1.1 103 E\r\nLink: l\r\n\r\n");
}

TEST(HeadWriter, OneByteTooFewIsAnOverflowAndNothingIsWrittenPastTheRoom) {
  const auto parsed = request("GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n");
  const std::size_t size = rewritten(parsed).size();
  for (std::size_t room = 0; room <= size; ++room) {
    const std::string text = written([&](HeadWriter& out) { write_request_head(parsed.head, {}, out); }, room);
    EXPECT_EQ(text == "(overflow)", room < size) << room;
  }
}

TEST(HeadWriter, AfterAnOverflowNothingMoreIsWritten) {
  char room[8];
  HeadWriter out(room);
  out.put("123456789");
  out.put("1");
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.size(), 0u);
}

}  // namespace
}  // namespace gatehouse::http
