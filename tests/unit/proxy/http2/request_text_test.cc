#include "proxy/http2/request_text.h"

#include <gtest/gtest.h>

namespace gatehouse::http2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Outcome {
  bool good = false;
  int refusal = 0;
  bool chunked = false;
  std::string text;
};

Outcome text_of(const Fields& fields, bool ends = true, unsigned fields_max = 100) {
  static BufferPool pool;
  RequestText text(pool, fields_max);
  Outcome out;
  for (const auto& [name, value] : fields)
    if (!text.add(name, value)) return out;
  out.good = text.finish(ends, "a2V5a2V5a2V5a2V5a2V5aw==");
  out.refusal = text.refusal();
  out.chunked = text.chunked();
  Buffer bytes = text.take();
  out.text = bytes ? std::string(bytes.view()) : "";
  return out;
}

const Fields usual{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/a?b"}};

Fields with(Fields more, Fields base = usual) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

TEST(RequestText, ARequestBecomesAHeadOfHttp1) {
  const Outcome out = text_of(with({{"accept", "*/*"}, {"x-a", ""}}));
  EXPECT_TRUE(out.good);
  EXPECT_EQ(out.text, "GET /a?b HTTP/1.1\r\nHost: a.test\r\naccept: */*\r\nx-a: \r\n\r\n");
}

TEST(RequestText, ABodyOfUnknownLengthIsChunked) {
  EXPECT_TRUE(text_of(usual, false).chunked);
  EXPECT_NE(text_of(usual, false).text.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_FALSE(text_of(with({{"content-length", "3"}}), false).chunked);
  EXPECT_FALSE(text_of(usual, true).chunked);
}

TEST(RequestText, CrumbsOfCookieArePutTogetherAtTheEnd) {
  const Outcome out = text_of(with({{"cookie", "a=1"}, {"x-a", "b"}, {"cookie", "c=2"}}));
  EXPECT_EQ(out.text, "GET /a?b HTTP/1.1\r\nHost: a.test\r\nx-a: b\r\nCookie: a=1; c=2\r\n\r\n");
}

TEST(RequestText, AnExtendedConnectBecomesAnUpgrade) {
  const Outcome out = text_of({{":method", "CONNECT"},
                               {":protocol", "websocket"},
                               {":scheme", "https"},
                               {":path", "/chat"},
                               {":authority", "a.test"},
                               {"sec-websocket-key", "theirs"},
                               {"sec-websocket-version", "13"}},
                              false);
  EXPECT_EQ(out.text,
            "GET /chat HTTP/1.1\r\nHost: a.test\r\nsec-websocket-version: 13\r\nConnection: Upgrade\r\nUpgrade: "
            "websocket\r\nSec-WebSocket-Key: a2V5a2V5a2V5a2V5a2V5aw==\r\n\r\n");
}

TEST(RequestText, WhatIsNoRequestIsMalformed) {
  const Fields wrong[] = {
      with({{"X-A", "b"}}),
      with({{"x a", "b"}}),
      with({{"", "b"}}),
      with({{"x-a", "b\r\nx-b: c"}}),
      with({{"x-a", " b"}}),
      with({{"x-a", "b\t"}}),
      with({{"connection", "close"}}),
      with({{"transfer-encoding", "chunked"}}),
      with({{"upgrade", "h2c"}}),
      with({{"te", "gzip"}}),
      with({{"host", "b.test"}}),
      with({{":path", "/b"}}),
      with({{"x-a", "b"}, {":path", "/b"}}),
      with({{":foo", "b"}}),
      with({{":protocol", "websocket"}}),
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}},
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "http://b.test/"}},
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/a b"}},
      {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a.test"}, {":path", "/"}},
      {{":method", "G T"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/"}},
      {{":scheme", "https"}, {":authority", "a.test"}, {":path", "/"}},
      {},
  };
  for (const Fields& fields : wrong)
    EXPECT_FALSE(text_of(fields).good) << (fields.empty() ? "" : fields.back().first);
}

TEST(RequestText, AHostThatSaysTheSameIsSaidOnce) {
  EXPECT_EQ(text_of(with({{"host", "A.test"}})).text, "GET /a?b HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

TEST(RequestText, AsManyFieldsAsMayPassAndOneMoreIs431) {
  EXPECT_EQ(text_of(with(Fields(10, {"x-a", "b"})), true, 10).refusal, 0);
  EXPECT_EQ(text_of(with(Fields(11, {"x-a", "b"})), true, 10).refusal, 431);
  EXPECT_EQ(text_of(with(Fields(11, {"cookie", "b"})), true, 10).refusal, 431);
}

TEST(RequestText, MoreThanASlabHoldsIs431) {
  EXPECT_EQ(text_of(with(Fields(6, {"x-a", std::string(10'000, 'b')}))).refusal, 0);
  EXPECT_EQ(text_of(with(Fields(7, {"x-a", std::string(10'000, 'b')}))).refusal, 431);
  EXPECT_EQ(text_of(with(Fields(7, {"cookie", std::string(10'000, 'b')}))).refusal, 431);
}

}  // namespace
}  // namespace gatehouse::http2
