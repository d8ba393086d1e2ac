#include "proxy/http2/answer_text.h"

#include <gtest/gtest.h>

namespace gatehouse::http2 {
namespace {

using Body = AnswerHead::Body;

struct Read {
  AnswerHead head;
  std::string fields;
};

Read read(std::string_view text, bool to_head = false) {
  static nghttp2_nv table[answer_fields_max];
  Read out;
  out.head = read_answer_head(text, to_head, table);
  for (std::size_t i = 0; out.head.size > 0 && i < out.head.fields; ++i)
    out.fields += std::string(text_of(table[i].name, table[i].namelen)) + "=" +
                  std::string(text_of(table[i].value, table[i].valuelen)) + " ";
  return out;
}

TEST(AnswerText, AHeadBecomesFieldsWithoutThoseOfTheConnection) {
  const Read got = read("HTTP/1.1 200 OK\r\nServer: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(got.fields, ":status=200 Server=a Content-Length=3 ");
  EXPECT_EQ(got.head.body, Body::length);
  EXPECT_EQ(got.head.length, 3u);
  EXPECT_EQ(got.head.size, 68u);
}

TEST(AnswerText, FramingIsReadAsItWasWritten) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").head.body, Body::chunked);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").head.body, Body::none);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true).head.body, Body::none);
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").head.body, Body::none);
  EXPECT_TRUE(read("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").head.interim());
}

TEST(AnswerText, AnUpgradeIsA200OfBytes) {
  const Read got =
      read("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n");
  EXPECT_EQ(got.fields, ":status=200 ");
  EXPECT_EQ(got.head.body, Body::raw);
}

TEST(AnswerText, WhatIsNoHeadIsBroken) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nServer: a\r\n").head.size, 0u);
  EXPECT_EQ(read("").head.size, 0u);
  EXPECT_EQ(read("\r\n\r\n").head.size, 0u);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 1; i < answer_fields_max; ++i) many += "a: b\r\n";
  EXPECT_GT(read(many + "\r\n").head.size, 0u);
  EXPECT_EQ(read(many + "a: b\r\n\r\n").head.size, 0u);
}

std::string payload(ChunkReader& reader, std::string_view text, std::size_t piece) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    std::string_view some = text.substr(at, piece);
    while (!some.empty() && !reader.done() && !reader.broken()) {
      const std::string_view got = reader.next(some, 2);
      out += got;
    }
  }
  return out;
}

TEST(ChunkReader, GivesTheSameInAnyPieces) {
  for (const std::size_t piece : {1, 2, 5, 100}) {
    ChunkReader reader;
    EXPECT_EQ(payload(reader, "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nx-a: b\r\n\r\n", piece),
              "abc0123456789abcdef");
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(reader.trailers(), "x-a: b\r\n");
  }
}

TEST(ChunkReader, WhatIsNoChunkIsBroken) {
  ChunkReader reader;
  payload(reader, "x\r\n", 3);
  EXPECT_TRUE(reader.broken());
}

}  // namespace
}  // namespace gatehouse::http2
