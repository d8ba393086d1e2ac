#include "proxy/http/chunked.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

using namespace std::string_literals;
using Mode = ChunkedBody::Mode;

struct Outcome {
  std::string kept;
  std::string rest;  // behind the body's end
  bool done = false;
  bool faulty = false;
  std::uint64_t payload = 0;
  bool operator==(const Outcome&) const = default;
};

// A piece of the text, with the room in front that feed() wants.
class Piece {
 public:
  explicit Piece(std::string_view text) : bytes_(trailer_name_bytes_max, '#') { bytes_.append(text); }
  ChunkedBody::Fed feed_to(ChunkedBody& body) {
    return fed_ = body.feed(bytes_.data() + trailer_name_bytes_max, size());
  }
  std::string kept() const { return bytes_.substr(trailer_name_bytes_max - fed_.before, fed_.kept); }
  std::size_t size() const { return bytes_.size() - trailer_name_bytes_max; }

 private:
  std::string bytes_;
  ChunkedBody::Fed fed_;
};

// Feeds the text in pieces that end at `ends`.
Outcome feed(const std::string& text, Mode mode, const std::vector<std::size_t>& ends, TrailerGuard guard = {}) {
  ChunkedBody body(mode, guard);
  Outcome out;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    Piece piece(std::string_view(text).substr(begin, end - begin));
    const auto fed = piece.feed_to(body);
    EXPECT_LE(fed.kept, fed.consumed + fed.before);
    EXPECT_TRUE(fed.before == 0 || begin > 0);
    EXPECT_TRUE(fed.consumed == piece.size() || fed.done || fed.fault);
    if (fed.fault) {
      out.faulty = true;
      break;
    }
    out.kept += piece.kept();
    if (fed.done) {
      out.rest = text.substr(begin + fed.consumed);
      break;
    }
    begin = end;
  }
  if (out.faulty) out.kept.clear();  // how much of a faulty body was kept depends on its pieces
  out.done = body.done();
  out.payload = out.faulty ? 0 : body.payload_bytes();
  return out;
}
Outcome feed(const std::string& text, Mode mode = Mode::pass) { return feed(text, mode, {text.size()}); }

TEST(ChunkedBody, SplitKeepsPayloadAndTrailersApart) {
  const std::string text = "5;x=y\r\nhello\r\n0\r\nA: b\r\nC:d\r\n\r\nrest";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ChunkedBody body(Mode::split);
    std::string payload, trailers;
    for (std::size_t at = 0; at < text.size() && !body.done(); at += piece) {
      Piece some(std::string_view(text).substr(at, piece));
      const auto fed = some.feed_to(body);
      ASSERT_EQ(fed.fault, nullptr);
      payload += some.kept().substr(0, fed.kept - fed.trailer);
      trailers += some.kept().substr(fed.kept - fed.trailer);
    }
    EXPECT_EQ(payload, "hello");
    EXPECT_EQ(trailers, "A: b\r\nC:d\r\n");
    EXPECT_TRUE(body.done());
  }
}

TEST(ChunkedBody, PassKeepsFramingAndTrailersAndDropsExtensions) {
  struct Row {
    const char* what;
    std::string body, pass, decoded;
  };
  const std::vector<Row> rows = {
      {"plain", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"empty", "0\r\n\r\n", "0\r\n\r\n", ""},
      {"two chunks", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"},
      {"C23 hex in both cases, zeros, a quoted extension",
       "000A;n=\"x;y\"\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n",
       "000A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789"},
      {"16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
      {"white space before an extension", "5 \t; a=b ;c\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"an extension of the last chunk", "0;a\r\n\r\n", "0\r\n\r\n", ""},
      {"CRLF in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"},
      {"trailers", "1\r\na\r\n0\r\nX-Sum: 1\r\nServer-Timing: db\r\n\r\n",
       "1\r\na\r\n0\r\nX-Sum: 1\r\nServer-Timing: db\r\n\r\n", "a"},
      {"an empty trailer", "0\r\nX-A:\r\n\r\n", "0\r\nX-A:\r\n\r\n", ""},
  };
  for (const Row& row : rows) {
    const auto passed = feed(row.body + "GET /b", Mode::pass), decoded = feed(row.body + "GET /b", Mode::decode);
    EXPECT_TRUE(passed.done && decoded.done) << row.what;
    EXPECT_EQ(passed.kept, row.pass) << row.what;
    EXPECT_EQ(decoded.kept, row.decoded) << row.what;
    EXPECT_EQ(passed.rest, "GET /b") << row.what;
    EXPECT_EQ(passed.payload, row.decoded.size()) << row.what;
  }
}

const std::vector<std::pair<const char*, std::string>> faults = {
    {"C01 0x5", "0x5\r\nhello\r\n0\r\n\r\n"},
    {"C02 +5", "+5\r\nhello\r\n0\r\n\r\n"},
    {"-5", "-5\r\nhello\r\n0\r\n\r\n"},
    {"C05 space behind the size", "5 \r\nhello\r\n0\r\n\r\n"},
    {"space before the size", " 5\r\nhello\r\n0\r\n\r\n"},
    {"C07 sixteen Fs", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"},
    {"2^62 + 1", "4000000000000001\r\nhello"},
    {"17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"},
    {"C08 0_5", "0_5\r\nhello\r\n0\r\n\r\n"},
    {"5h", "5h\r\nhello\r\n0\r\n\r\n"},
    {"C09 LF behind the size", "5\nhello\r\n0\r\n\r\n"},
    {"CR alone behind the size", "5\rhello\r\n0\r\n\r\n"},
    {"C13 longer than its size", "5\r\nhelloXX0\r\n\r\n"},
    {"shorter than its size", "7\r\nhello\r\n0\r\n\r\n"},
    {"LF behind the data", "5\r\nhello\n0\r\n\r\n"},
    {"CR alone behind the data", "5\r\nhello\r0\r\n\r\n"},
    {"C21 no size", "\r\nhello\r\n0\r\n\r\n"},
    {"an extension and no size", ";a\r\nhello\r\n0\r\n\r\n"},
    {"an extension without a name", "5;\r\nhello\r\n0\r\n\r\n"},
    {"LF ends an extension", "5;a\nhello\r\n0\r\n\r\n"},
    {"CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"},
    {"NUL in an extension", "5;a\0\r\nhello\r\n0\r\n\r\n"s},
    {"C18 framing in the trailers", "0\r\nContent-Length: 99\r\n\r\n"},
    {"routing in the trailers", "0\r\nX-A: b\r\nhost: evil.test\r\n\r\n"},
    {"a cookie in the trailers", "0\r\nSet-Cookie: a=b\r\n\r\n"},
    {"a client's address in the trailers", "0\r\nX-Forwarded-Anything-That-Is-Longer-Than-All: 1\r\n\r\n"},
    {"a trailer folded", "0\r\nX-A: b\r\n c\r\n\r\n"},
    {"a trailer without a colon", "0\r\nX-A\r\n\r\n"},
    {"a trailer without a name", "0\r\n: a\r\n\r\n"},
    {"space before a trailer's colon", "0\r\nX-A : b\r\n\r\n"},
    {"LF ends a trailer", "0\r\nX-A: b\n\r\n"},
    {"CR in a trailer", "0\r\nX-A: b\rc\r\n\r\n"},
    {"NUL in a trailer", "0\r\nX-A: b\0c\r\n\r\n"s},
    {"LF ends the body", "0\r\n\n"},
    {"CR alone ends the body", "0\r\n\rX"},
};

TEST(ChunkedBody, WhatIsNotExactlyAChunkedBodyIsAFault) {
  for (const auto& [what, text] : faults)
    for (const Mode mode : {Mode::pass, Mode::decode}) {
      EXPECT_TRUE(feed(text, mode).faulty) << what;
      EXPECT_FALSE(feed(text, mode).done) << what;
    }
}

TEST(ChunkedBody, AFaultyBodyStaysFaulty) {
  ChunkedBody body;
  std::string text = "x0\r\n\r\n";
  EXPECT_TRUE(body.feed(text.data(), 1).fault);
  const auto fed = body.feed(text.data() + 1, text.size() - 1);
  EXPECT_TRUE(fed.fault);
  EXPECT_EQ(fed.consumed, 0u);
}

TEST(ChunkedBody, HowTheBytesComeNeverMatters) {
  std::vector<std::string> texts = {
      "5;a=b\r\nhello\r\n00a ;c=\"d;e\"\r\n0123456789\r\n0;x\r\nX-Sum: 1\r\nX-B:\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      "3\r\nabc\r\n0\r\n\r\nrest",
  };
  for (const auto& [what, text] : faults) texts.push_back(text);
  for (const std::string& text : texts)
    for (const Mode mode : {Mode::pass, Mode::decode}) {
      const auto whole = feed(text, mode);
      std::vector<std::size_t> bytes;
      for (std::size_t first = 1; first <= text.size(); ++first) {
        bytes.push_back(first);
        for (std::size_t second = first; second <= text.size(); ++second)
          ASSERT_EQ(feed(text, mode, {first, second, text.size()}), whole)
              << text << " at " << first << ", " << second;
      }
      ASSERT_EQ(feed(text, mode, bytes), whole) << text;
    }
}

TEST(ChunkedBody, ACutBodyIsNeverDone) {
  const std::string text = "5;a\r\nhello\r\n0\r\nX-A: b\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(feed(text.substr(0, size)).done) << size;
}

TEST(ChunkedBody, AnExtensionOfTheLimitPassesAndOneByteMoreDoesNot) {
  const auto body = [](std::size_t size) { return "5;" + std::string(size, 'a') + "\r\nhello\r\n0\r\n\r\n"; };
  EXPECT_TRUE(feed(body(chunk_extension_bytes_max - 1)).done);  // with its CR
  EXPECT_TRUE(feed(body(chunk_extension_bytes_max)).faulty);
  EXPECT_TRUE(feed(body(65536)).faulty);  // C24
  const std::string each = "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  EXPECT_TRUE(feed(each + each + each + "0\r\n\r\n").done);  // the limit is a chunk's, not the body's
}

TEST(ChunkedBody, TrailersOfTheLimitPassAndOneByteMoreDoNot) {
  const auto body = [](std::size_t size) { return "0\r\nX-A: " + std::string(size - 7, 'b') + "\r\n\r\n"; };
  EXPECT_TRUE(feed(body(trailer_bytes_max)).done);
  EXPECT_TRUE(feed(body(trailer_bytes_max + 1)).faulty);
  std::string many;
  while (many.size() <= trailer_bytes_max) many += "X-A: b\r\n";
  EXPECT_TRUE(feed("0\r\n" + many + "\r\n").faulty);
}

TEST(ChunkedBody, TrailersThatTheHeadMayNotSayAreLeftOutHoweverTheyCome) {
  conf::HeaderRules rules;
  ASSERT_TRUE(conf::add_field_rule(rules, "request remove X-Debug"));
  ASSERT_TRUE(conf::add_field_rule(rules, "request set X-Door a"));
  ASSERT_TRUE(conf::add_field_rule(rules, "request add X-More b"));
  const std::vector<std::string> names{"X-User"};
  const std::string text =
      "1\r\na\r\n0\r\nX-Sum: 1\r\nx-user: root\r\nX-Debug:\r\nX_User: root\r\nX-Userx: 1\r\nx-door: 2\r\n"
      "x.user: 3\r\nX-More: 4\r\n\r\nrest";
  const std::string clean = "1\r\na\r\n0\r\nX-Sum: 1\r\nX-Userx: 1\r\nX-More: 4\r\n\r\n";
  const TrailerGuard guard{&rules.request, &names, true};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    std::vector<std::size_t> ends;
    for (std::size_t at = piece; at < text.size() + piece; at += piece) ends.push_back(std::min(at, text.size()));
    const Outcome out = feed(text, Mode::pass, ends, guard);
    EXPECT_TRUE(out.done);
    EXPECT_EQ(out.kept, clean) << piece;
  }
  EXPECT_EQ(feed(text, Mode::pass, {text.size()}).kept, text.substr(0, text.size() - 4)) << "without a guard";
  EXPECT_EQ(feed(text, Mode::split, {text.size()}, guard).kept, "aX-Sum: 1\r\nX-Userx: 1\r\nX-More: 4\r\n");
}

TEST(ChunkedBody, ATrailersNameOfTheLimitPassesAndOneByteMoreDoesNot) {
  const auto body = [](std::size_t size) { return "0\r\n" + std::string(size, 'x') + ": a\r\n\r\n"; };
  const std::string text = body(trailer_name_bytes_max);
  for (std::size_t cut = 1; cut < text.size(); ++cut)
    EXPECT_EQ(feed(text, Mode::pass, {cut, text.size()}).kept, text) << cut;
  EXPECT_TRUE(feed(body(trailer_name_bytes_max + 1)).faulty);
}

TEST(ChunkedBody, WhatWeEncodeDecodesAgain) {
  for (const std::uint64_t size : {1ull, 9ull, 10ull, 15ull, 16ull, 255ull, 4096ull, 65535ull}) {
    std::string buffer(chunk_head_bytes_max + size, 'x');
    char* const data = buffer.data() + chunk_head_bytes_max;
    char* const begin = write_chunk_head(size, data);
    std::string body(begin, data + size);
    body.append(chunk_tail).append(last_chunk);
    const auto out = feed(body, Mode::decode);
    EXPECT_TRUE(out.done) << size;
    EXPECT_EQ(out.kept, std::string(size, 'x'));
  }
  std::string room(chunk_head_bytes_max, 0);
  EXPECT_EQ(write_chunk_head(~0ull, room.data() + room.size()), room.data());
  EXPECT_EQ(room, "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace gatehouse::http
