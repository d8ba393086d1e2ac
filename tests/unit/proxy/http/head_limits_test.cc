#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

const char* const shapes[] = {
    "GET /a HTTP/1.1\r\nHost: front.test\r\nX-A: b\r\n\r\n",
    "\r\nPOST http://front.test/a HTTP/1.1\r\nHost: front.test\r\nContent-Length: 5\r\n\r\nhello",
    "GET /a HTTP/1.0\r\n\r\n",
    "GET  /a HTTP/1.1\r\nHost: front.test\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: front.test\r\nX-A: b\nX-B: c\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: front.test\r\nX-A : b\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: front.test\r\nX-A: b\r\n c\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: front.test\r\nX-A: b\rc\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: front.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: front.test\r\n\rX",
};

// Each piece comes in a buffer of its own, as when a head outgrows one.
template <class Head, class Parse>
Parsed<Head> in_pieces(std::string_view text, const std::vector<std::size_t>& ends, Parse parse) {
  Parsed<Head> out;
  for (const std::size_t end : ends) {
    auto before = std::move(out.bytes);
    out.state = parse(own_bytes(out, text.substr(0, end)), out.head);
    if (out.state != ParseState::incomplete) break;
  }
  return out;
}

ParsedRequest request_in_pieces(std::string_view text, const std::vector<std::size_t>& ends) {
  return in_pieces<RequestHead>(
      text, ends, [](std::string_view bytes, RequestHead& head) { return parse_request_head(bytes, {}, head); });
}

TEST(HeadPieces, AnyTwoPiecesAndSingleBytesGiveWhatTheWholeGives) {
  for (const std::string_view text : shapes) {
    const auto whole = request(text);
    std::vector<std::size_t> bytes;
    for (std::size_t end = 1; end <= text.size(); ++end) {
      bytes.push_back(end);
      const auto pieces = request_in_pieces(text, {end, text.size()});
      ASSERT_EQ(pieces.verdict(), whole.verdict()) << text << " cut at " << end;
      ASSERT_EQ(pieces.head.size, whole.head.size);
      ASSERT_EQ(pieces.head.fields().size(), whole.head.fields().size());
      if (whole.verdict() == 0) {
        ASSERT_EQ(pieces.head.path(), whole.head.path());
        ASSERT_EQ(pieces.head.host(), whole.head.host());
      }
    }
    EXPECT_EQ(request_in_pieces(text, bytes).verdict(), whole.verdict()) << text;
  }
}

TEST(HeadPieces, AnswersToo) {
  for (const std::string_view text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
                                      "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX-A: b\rc\r\n\r\n"})
    for (std::size_t end = 1; end <= text.size(); ++end) {
      const auto pieces = in_pieces<ResponseHead>(
          text, {end, text.size()},
          [](std::string_view bytes, ResponseHead& head) { return parse_response_head(bytes, {}, false, head); });
      ASSERT_EQ(pieces.verdict(), response(text).verdict()) << text << " cut at " << end;
    }
}

TEST(HeadPieces, IncompleteUntilTheLastByte) {
  const std::string_view text = shapes[0];
  for (std::size_t end = 0; end < text.size(); ++end) EXPECT_EQ(request(text.substr(0, end)).verdict(), -1) << end;
  EXPECT_EQ(request(text).verdict(), 0);
}

TEST(HeadLimits, ARequestLineOfTheLimitPassesAndOneByteMoreIs414) {
  const HeadLimits limits;
  const std::string frame = "GET / HTTP/1.1";
  const auto line = [&](std::size_t size) {
    return "GET /" + std::string(size - frame.size(), 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(request(line(limits.line_bytes_max)).verdict(), 0);
  EXPECT_EQ(request(line(limits.line_bytes_max + 1)).verdict(), 414);
  EXPECT_EQ(request("GET /" + std::string(65536, 'a')).verdict(), 414);  // D22, without waiting for its end
  EXPECT_EQ(request("GET /" + std::string(limits.line_bytes_max - 4, 'a')).verdict(), -1);
}

TEST(HeadLimits, FieldsOfTheLimitPassAndOneByteMoreIs431) {
  const HeadLimits limits;
  const std::string host = "Host: a\r\n", frame = "X-A: \r\n";
  const auto fields = [&](std::size_t size) {
    return host + "X-A: " + std::string(size - host.size() - frame.size(), 'b') + "\r\n";
  };
  const std::string first = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(request(first + fields(limits.field_bytes_max) + "\r\n").verdict(), 0);
  EXPECT_EQ(request(first + fields(limits.field_bytes_max) + "\r").verdict(), -1);
  EXPECT_EQ(request(first + fields(limits.field_bytes_max) + "X").verdict(), 431);
  EXPECT_EQ(request(first + fields(limits.field_bytes_max + 1) + "\r\n").verdict(), 431);
  EXPECT_EQ(request(first + host + "X-A: " + std::string(262144, 'b')).verdict(), 431);  // E24
}

TEST(HeadLimits, AHundredFieldsPassAndOneMoreIs431) {
  const std::string first = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(request(first + repeated("X-A: b\r\n", 99) + "\r\n").verdict(), 0);
  EXPECT_EQ(request(first + repeated("X-A: b\r\n", 100) + "\r\n").verdict(), 431);
  EXPECT_EQ(request(first + repeated("X-A: b\r\n", 2000) + "\r\n").verdict(), 431);  // E23
}

TEST(HeadLimits, ALimitOfFieldsBeyondTheCapacityIsTheCapacity) {
  const HeadLimits limits{.fields_max = 1000};
  const std::string first = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(request(first + repeated("X-A: b\r\n", fields_capacity - 1) + "\r\n", limits).verdict(), 0);
  EXPECT_EQ(request(first + repeated("X-A: b\r\n", fields_capacity) + "\r\n", limits).verdict(), 431);
}

TEST(HeadLimits, MethodsAndNamesHaveALength) {
  EXPECT_EQ(request(std::string(32, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n").verdict(), 0);
  EXPECT_EQ(request(std::string(33, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n").verdict(), 501);
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(256, 'n') + ": b\r\n\r\n").verdict(), 0);
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(257, 'n') + ": b\r\n\r\n").verdict(), 431);
}

TEST(HeadLimits, AnAnswerBeyondThemIs502) {
  EXPECT_EQ(response("HTTP/1.1 200 " + std::string(20000, 'a')).verdict(), 502);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n" + repeated("X-A: b\r\n", 101) + "\r\n").verdict(), 502);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n" + repeated("X-A: " + std::string(1017, 'b') + "\r\n", 1024)).verdict(),
            502);  // S08
}

}  // namespace
}  // namespace gatehouse::http
