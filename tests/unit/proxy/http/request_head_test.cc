#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

// Rows that begin with a letter and two digits are of the byte battery in tests/system.

namespace gatehouse::http {
namespace {

using namespace std::string_literals;

struct Row {
  const char* what;
  std::string bytes;
  int verdict;  // 0: accepted
};

void expect_verdicts(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto parsed = request(row.bytes);
    EXPECT_EQ(parsed.verdict(), row.verdict) << row.what << ": " << parsed.head.refusal.reason;
  }
}

// A request of that first line, with a Host.
std::string line(const std::string& text) { return text + "\r\nHost: front.test\r\n\r\n"; }
// A GET with these field lines behind Host.
std::string get(const std::string& fields) { return "GET /a HTTP/1.1\r\nHost: front.test\r\n" + fields + "\r\n"; }
std::string post(const std::string& fields) { return "POST /a HTTP/1.1\r\nHost: front.test\r\n" + fields + "\r\n"; }
std::string host(const std::string& value) { return "GET /a HTTP/1.1\r\nHost: " + value + "\r\n\r\n"; }

TEST(RequestHead, RequestLineIsJudgedByRfc9112) {
  expect_verdicts({
      {"plain", line("GET /a HTTP/1.1"), 0},
      {"any token is a method", line("M-SEARCH /a HTTP/1.1"), 0},
      {"methods know case", line("get /a HTTP/1.1"), 0},
      {"D01 two spaces before the target", line("GET  /a HTTP/1.1"), 400},
      {"two spaces behind the target", line("GET /a  HTTP/1.1"), 400},
      {"space behind the version", line("GET /a HTTP/1.1 "), 400},
      {"space before the method", line(" GET /a HTTP/1.1"), 400},
      {"D04 tabs", line("GET\t/a\tHTTP/1.1"), 400},
      {"D05 no token", line("GE(T /a HTTP/1.1"), 400},
      {"D06 NUL in the target", line("GET /a\0b HTTP/1.1"s), 400},
      {"D09 HTTP/0.9", "GET /a\r\n", 400},
      {"D10 HTTP/2.0", line("GET /a HTTP/2.0"), 505},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/0.9 in full", line("GET /a HTTP/0.9"), 505},
      {"D12 small letters", line("GET /a http/1.1"), 400},
      {"D13 HTTP/1.2", line("GET /a HTTP/1.2"), 0},
      {"HTTP/1.10", line("GET /a HTTP/1.10"), 400},
      {"HTTP/1", line("GET /a HTTP/1"), 400},
      {"HTTP/+1.1", line("GET /a HTTP/+1.1"), 400},
      {"D14 one CRLF before", "\r\n" + line("GET /a HTTP/1.1"), 0},
      {"two CRLFs before", "\r\n\r\n" + line("GET /a HTTP/1.1"), 400},
      {"LF before", "\n" + line("GET /a HTTP/1.1"), 400},
      {"CR before", "\r" + line("GET /a HTTP/1.1"), 400},
      {"LF ends the line", "GET /a HTTP/1.1\nHost: front.test\r\n\r\n", 400},
      {"CR CR LF ends the line", "GET /a HTTP/1.1\r\r\nHost: front.test\r\n\r\n", 400},
      {"CR in the line", line("GET /a\rb HTTP/1.1"), 400},
      {"no target", line("GET HTTP/1.1"), 400},
      {"no method", line("/a HTTP/1.1"), 400},
      {"method alone", "GET\r\n\r\n", 400},
      {"empty target", line("GET  HTTP/1.1"), 400},
      {"space in the target", line("GET /a b HTTP/1.1"), 400},
      {"DEL in the target", line("GET /a\x7f HTTP/1.1"), 400},
      {"raw UTF-8 in the target", line("GET /\xc3\xa9 HTTP/1.1"), 400},
      {"fragment", line("GET /a#b HTTP/1.1"), 400},
      {"what browsers send in queries", line("GET /a?b=|^{}[]`\"<>\\' HTTP/1.1"), 0},
      {"D20 CONNECT", "CONNECT inner.test:443 HTTP/1.1\r\nHost: inner.test:443\r\n\r\n", 405},
      {"TRACE", line("TRACE /a HTTP/1.1"), 405},
      {"OPTIONS *", line("OPTIONS * HTTP/1.1"), 0},
      {"GET *", line("GET * HTTP/1.1"), 400},
      {"* and more", line("OPTIONS *a HTTP/1.1"), 400},
      {"a target without its slash", line("GET a HTTP/1.1"), 400},
      {"authority form", line("GET front.test:80 HTTP/1.1"), 400},
      {"TLS on the plain port", "\x16\x03\x01\x02", 400},
  });
}

TEST(RequestHead, AbsoluteFormMustAgreeWithHost) {
  expect_verdicts({
      {"D17 agrees", line("GET http://front.test/a HTTP/1.1"), 0},
      {"agrees but for case and the default port", line("GET HTTP://Front.TEST:80/a HTTP/1.1"), 0},
      {"https has its own default port", line("GET https://front.test:443/a HTTP/1.1"), 0},
      {"http's port is not 443", line("GET http://front.test:443/a HTTP/1.1"), 400},
      {"another host", line("GET http://inner.test/a HTTP/1.1"), 400},
      {"another port", line("GET http://front.test:8080/a HTTP/1.1"), 400},
      {"user information", line("GET http://me@front.test/a HTTP/1.1"), 400},
      {"no host", line("GET http:///a HTTP/1.1"), 400},
      {"another scheme", line("GET ftp://front.test/a HTTP/1.1"), 400},
      {"no authority", line("GET http:/a HTTP/1.1"), 400},
      {"no path", line("GET http://front.test HTTP/1.1"), 0},
      {"a query alone", line("GET http://front.test?q HTTP/1.1"), 0},
      {"HTTP/1.1 without Host", "GET http://front.test/a HTTP/1.1\r\n\r\n", 400},
      {"HTTP/1.0 without Host", "GET http://front.test/a HTTP/1.0\r\n\r\n", 0},
  });
  const auto parsed = request(line("GET http://Front.test:80?q=/ HTTP/1.1"));
  EXPECT_EQ(parsed.head.path(), "?q=/");
  EXPECT_EQ(parsed.head.host(), "Front.test:80");
  EXPECT_EQ(parsed.head.host_name(), "Front.test");
  EXPECT_EQ(parsed.head.host_port, 80);
}

TEST(RequestHead, HostIsOneValidAuthority) {
  expect_verdicts({
      {"E01 none", "GET /a HTTP/1.1\r\nX-A: b\r\n\r\n", 400},
      {"none in HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", 0},
      {"two in HTTP/1.0", "GET /a HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"E02 two", "GET /a HTTP/1.1\r\nHost: front.test\r\nHost: inner.test\r\n\r\n", 400},
      {"two alike", "GET /a HTTP/1.1\r\nHost: front.test\r\nhost: front.test\r\n\r\n", 400},
      {"empty", host(""), 400},
      {"E06 space", host("front.test inner.test"), 400},
      {"comma and space", host("front.test, inner.test"), 400},
      {"E07 path", host("front.test/inner"), 400},
      {"user information", host("me@front.test"), 400},
      {"a query", host("front.test?"), 400},
      {"a fragment", host("front.test#"), 400},
      {"E09 port out of range", host("front.test:99999"), 400},
      {"the last port", host("front.test:65535"), 0},
      {"one port more", host("front.test:65536"), 400},
      {"port that is none", host("front.test:8o"), 400},
      {"empty port", host("front.test:"), 0},
      {"two ports", host("front.test:80:80"), 400},
      {"no name", host(":80"), 400},
      {"IPv4", host("127.0.0.1:8080"), 0},
      {"IPv6", host("[2001:db8::1]:8080"), 0},
      {"IPv6 without brackets", host("2001:db8::1"), 400},
      {"IPv6 left open", host("[2001:db8::1"), 400},
      {"IPv6 with a zone", host("[fe80::1%25lo]"), 400},
      {"IPv4 in brackets", host("[127.0.0.1]"), 400},
      {"bytes behind the bracket", host("[::1]x"), 400},
      {"raw UTF-8", host("fr\xc3\xb6nt.test"), 400},
      {"a broken escape", host("front%2.test"), 400},
      {"a last dot", host("front.test."), 0},
      {"a dot alone", host("."), 400},
      {"255 bytes", host(std::string(255, 'a')), 0},
      {"256 bytes", host(std::string(256, 'a')), 400},
  });
}

TEST(RequestHead, FramingIsSaidOnceOrNotAtAll) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  expect_verdicts({
      {"A01 both", post("Content-Length: 62\r\n" + chunked), 400},
      {"both, the other way round", post(chunked + "Content-Length: 62\r\n"), 400},
      {"A03 both, mixed case", post("Content-Length: 6\r\nTransfer-Encoding: cHuNkEd\r\n"), 400},
      {"Content-Length: 0 too", post("Content-Length: 0\r\n" + chunked), 400},
      {"A04 xchunked", post("Transfer-Encoding: xchunked\r\n"), 501},
      {"A08 twice", post(chunked + chunked), 400},
      {"A09 chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n"), 501},
      {"identity", post("Transfer-Encoding: identity\r\n"), 501},
      {"empty", post("Transfer-Encoding:\r\n"), 400},
      {"A13 quoted", post("Transfer-Encoding: \"chunked\"\r\n"), 501},
      {"A14 parameter", post("Transfer-Encoding: chunked;q=1\r\n"), 501},
      {"vertical tab before", post("Transfer-Encoding: \x0b"s + "chunked\r\n"), 400},
      {"A17 in HTTP/1.0", "POST /a HTTP/1.0\r\nHost: front.test\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"A20 in capitals", post("TRANSFER-ENCODING: CHUNKED\r\n"), 0},
      {"tabs around", post("Transfer-Encoding:\tchunked\t\r\n"), 0},
      {"A22 tab before the colon", post("Content-Length\t: 5\r\n"), 400},
      {"A24 NUL in the name", post("Transfer-Enc\0oding: chunked\r\n"s), 400},
      {"B01 two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {"B03 two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n"), 400},
      {"B06 +5", post("Content-Length: +5\r\n"), 400},
      {"B07 -5", post("Content-Length: -5\r\n"), 400},
      {"B09 5 5", post("Content-Length: 5 5\r\n"), 400},
      {"B10 1_0", post("Content-Length: 1_0\r\n"), 400},
      {"0x5", post("Content-Length: 0x5\r\n"), 400},
      {"5.0", post("Content-Length: 5.0\r\n"), 400},
      {"empty", post("Content-Length: \r\n"), 400},
      {"B13 2^64 + 5", post("Content-Length: 18446744073709551621\r\n"), 400},
      {"B14 2^63", post("Content-Length: 9223372036854775808\r\n"), 400},
      {"2^62", post("Content-Length: 4611686018427387904\r\n"), 0},
      {"2^62 + 1", post("Content-Length: 4611686018427387905\r\n"), 400},
      {"leading zeros", post("Content-Length: 0005\r\n"), 0},
      {"twenty digits", post("Content-Length: 00000000000000000005\r\n"), 400},
      {"B17 GET with a body", get("Content-Length: 57\r\n"), 0},
      {"a name that only looks like it", post("Content_Length: 5\r\n"), 0},
  });
}

TEST(RequestHead, FieldLinesAreJudgedByRfc9112) {
  expect_verdicts({
      {"E10 white space before the first", "GET /a HTTP/1.1\r\n X-A: b\r\nHost: front.test\r\n\r\n", 400},
      {"E11 folded", get("X-A: b\r\n c\r\n"), 400},
      {"folded with a tab", get("X-A: b\r\n\tc\r\n"), 400},
      {"a line of white space", get(" \r\n"), 400},
      {"E14 empty name", get(": x\r\n"), 400},
      {"E16 no colon", get("X-A b\r\n"), 400},
      {"a name and nothing", get("X-A\r\n"), 400},
      {"space before the colon", get("X-A : b\r\n"), 400},
      {"E18 NUL in a value", get("X-A: b\0c\r\n"s), 400},
      {"a control byte in a value", get("X-A: b\x01\r\n"), 400},
      {"DEL in a value", get("X-A: b\x7f\r\n"), 400},
      {"E22 bytes above 0x7f in a value", get("X-A: \xe9\xff\r\n"), 0},
      {"bytes above 0x7f in a name", get("X-\xe9: b\r\n"), 400},
      {"bracket in a name", get("X[A]: b\r\n"), 400},
      {"tab in a value", get("X-A: b\tc\r\n"), 0},
      {"empty value", get("X-A:\r\nX-B: \t \r\n"), 0},
      {"colon in a value", get("X-A:b:c\r\n"), 0},
      {"bare LF", get("X-A: b\nX-B: c\r\n"), 400},
      {"bare CR", get("X-A: b\rX-B: c\r\n"), 400},
      {"CR CR LF", get("X-A: b\r\r\n"), 400},
      {"LF ends the head", "GET /a HTTP/1.1\r\nHost: front.test\r\n\n", 400},
      {"CR alone ends the head", "GET /a HTTP/1.1\r\nHost: front.test\r\n\rX", 400},
      {"E28 Expect: unknown", post("Expect: 200-maybe\r\nContent-Length: 5\r\n"), 417},
      {"Expect, twice in one", post("Expect: 100-continue, 100-continue\r\nContent-Length: 5\r\n"), 417},
      {"Expect in capitals", post("Expect: 100-CONTINUE\r\nContent-Length: 5\r\n"), 0},
      {"P04 space before Host's colon", "GET /a HTTP/1.1\r\nHost : x\r\n\r\n", 400},
      {"P02 rubbish", "\0\1rubbish\r\n\r\n"s, 400},
      {"W02 WebSocket by POST", post("Content-Length: 5\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), 400},
      {"WebSocket with a body", get("Content-Length: 5\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), 400},
  });
}

TEST(RequestHead, ConnectionMayNotNameWhatFramesOrRoutes) {
  expect_verdicts({
      {"E26 an unknown name", get("Connection: X-Hop\r\nX-Hop: 1\r\n"), 0},
      {"Content-Length", post("Connection: Content-Length\r\nContent-Length: 5\r\n"), 400},
      {"Transfer-Encoding", post("Connection: close, transfer-encoding\r\n"), 400},
      {"Host", get("Connection: Host\r\n"), 400},
      {"X-Forwarded-For", get("Connection: x-forwarded-for\r\n"), 400},
      {"any other of that family", get("Connection: X-Forwarded-Whatever\r\n"), 400},
      {"Authorization", get("Connection: Authorization\r\n"), 400},
      {"Cookie", get("Connection: Cookie\r\n"), 400},
      {"no token", get("Connection: a b\r\n"), 400},
      {"quoted", get("Connection: \"close\"\r\n"), 400},
      {"empty elements", get("Connection: ,close,,\r\n"), 0},
      {"empty", get("Connection:\r\n"), 0},
      {"what upgrades name", get("Connection: Upgrade, HTTP2-Settings, keep-alive, TE, Trailer\r\n"), 0},
      {"16 unknown names", get("Connection: " + repeated("x,", 16) + "\r\n"), 0},
      {"17 unknown names", get("Connection: " + repeated("x,", 16) + "\r\nConnection: y\r\n"), 400},
  });
}

TEST(RequestHead, SaysWhatItHolds) {
  const std::string text =
      "POST /a/b?c=d HTTP/1.1\r\nHost: Front.test.:8080\r\nX-A:  one \r\nx-a: two\r\n"
      "Content-Length: 12\r\nExpect: 100-continue\r\nTE: gzip;q=0.5, trailers\r\n\r\nhello";
  const auto parsed = request(text);
  ASSERT_EQ(parsed.verdict(), 0);
  const RequestHead& head = parsed.head;
  EXPECT_EQ(head.method(), "POST");
  EXPECT_EQ(head.method_id, Method::post);
  EXPECT_EQ(head.target(), "/a/b?c=d");
  EXPECT_EQ(head.path(), "/a/b?c=d");
  EXPECT_EQ(head.host(), "Front.test.:8080");
  EXPECT_EQ(head.host_name(), "Front.test");
  EXPECT_EQ(head.host_port, 8080);
  EXPECT_EQ(head.size, text.size() - 5);
  EXPECT_EQ(head.fields().size(), 6u);
  EXPECT_EQ(head.value(*head.find("X-A")), "one");
  EXPECT_EQ(head.value_of(FieldId::content_length), "12");
  EXPECT_EQ(head.find(FieldId::cookie), nullptr);
  EXPECT_EQ(head.find("x-b"), nullptr);
  EXPECT_EQ(head.body, Framing::length);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.keep_alive && head.expect_continue && head.te_trailers);
}

TEST(RequestHead, KnowsWhetherTheConnectionGoesOn) {
  EXPECT_TRUE(request(get("")).head.keep_alive);
  EXPECT_FALSE(request(get("Connection: Close\r\n")).head.keep_alive);
  EXPECT_FALSE(request(get("Connection: keep-alive\r\nConnection: close\r\n")).head.keep_alive);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n").head.keep_alive);
}

TEST(RequestHead, ExpectationsCountOnlyWithABodyAndInHttp11) {
  EXPECT_TRUE(request(post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")).head.expect_continue);
  EXPECT_FALSE(request(post("Expect: 100-continue\r\nContent-Length: 0\r\n")).head.expect_continue);
  EXPECT_FALSE(request(get("Expect: 100-continue\r\n")).head.expect_continue);
  EXPECT_FALSE(request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").head.expect_continue);
}

TEST(RequestHead, UpgradesTakeBothFieldsHttp11AndNoBody) {
  const auto upgrade = [](const std::string& fields) { return request(get(fields)).head; };
  EXPECT_TRUE(request(get("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n")).head.websocket);
  EXPECT_TRUE(upgrade("Connection: upgrade\r\nUpgrade: foo/2\r\n").is_upgrade);
  EXPECT_FALSE(upgrade("Connection: upgrade\r\nUpgrade: foo/2\r\n").websocket);
  EXPECT_FALSE(upgrade("Upgrade: websocket\r\n").is_upgrade);
  EXPECT_FALSE(upgrade("Connection: upgrade\r\n").is_upgrade);
  EXPECT_FALSE(upgrade("Connection: upgrade\r\nUpgrade:\r\n").is_upgrade);
  EXPECT_FALSE(upgrade("Connection: upgrade\r\nUpgrade: foo, H2C\r\n").is_upgrade);
  EXPECT_FALSE(upgrade("Connection: upgrade\r\nUpgrade: foo\r\nContent-Length: 1\r\n").is_upgrade);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").head.is_upgrade);
}

TEST(RequestHead, NamesThatCgiWouldMistakeAndFieldsOfTheHopAreMarked) {
  const auto parsed = request(get("Connection: x-hop\r\nX-Hop: 1\r\nX_Forwarded_For: 1\r\na.b: 2\r\nX-End: 3\r\n"));
  const auto dropped = [&](std::string_view name) { return parsed.head.find(name)->drop; };
  EXPECT_TRUE(dropped("X-Hop"));
  EXPECT_TRUE(dropped("X_Forwarded_For"));
  EXPECT_TRUE(dropped("a.b"));
  EXPECT_FALSE(dropped("X-End"));
}

TEST(RequestHead, PipelinedRequestsAreReadOneByOne) {
  const std::string text = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\nX-B: 1\r\n\r\n";
  RequestHead head;
  std::string_view rest = text;
  ASSERT_EQ(parse_request_head(rest, {}, head), ParseState::complete);
  EXPECT_EQ(head.path(), "/a");
  rest.remove_prefix(head.size);
  head.clear();
  ASSERT_EQ(parse_request_head(rest, {}, head), ParseState::complete);
  EXPECT_EQ(head.path(), "/b");
  EXPECT_EQ(head.fields().size(), 2u);
  EXPECT_EQ(head.size, rest.size());
}

}  // namespace
}  // namespace gatehouse::http
