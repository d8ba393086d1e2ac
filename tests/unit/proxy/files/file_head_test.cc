#include "proxy/files/file_head.h"

#include <gtest/gtest.h>

#include "proxy/files/media_type.h"
#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::files {
namespace {

constexpr std::int64_t now = 1'796'000'000, second = 1'000'000'000;

FileFacts facts() {
  FileFacts out;
  out.name = "a/index.html";
  out.size = 1000;
  out.modified_ns = 784111777 * second + 5;
  return out;
}

std::string etag(const FileFacts& file) {
  std::array<char, etag_bytes_max> room;
  return std::string(make_etag(file, room));
}

std::string told(std::string_view fields, const FileFacts& file = facts(), const char* method = "GET") {
  const auto parsed =
      http::request(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
  const FileAnswer answer = judge_file(parsed.head, file, now);
  const Byteranges parts(7, answer.type, file.size);
  return std::to_string(answer.status) + "\n" +
         http::written([&](http::HeadWriter& out) { write_file_fields(answer, file, parts, out); });
}

TEST(FileHead, AFileIsToldWithAllThatIsKnownOfIt) {
  EXPECT_EQ(told(""),
            "200\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 1000\r\n"
            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nAccept-Ranges: bytes\r\nETag: " +
                etag(facts()) + "\r\n");
}

TEST(FileHead, APartIsToldWithItsPlace) {
  const std::string text = told("Range: bytes=0-9\r\n");
  EXPECT_TRUE(text.starts_with("206\n")) << text;
  EXPECT_NE(text.find("Content-Range: bytes 0-9/1000\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Content-Length: 10\r\n"), std::string::npos) << text;
  EXPECT_NE(told("Range: bytes=0-9,20-29\r\n").find("multipart/byteranges; boundary="), std::string::npos);
  EXPECT_TRUE(told("Range: bytes=1000-\r\n").starts_with("416\n"));
  EXPECT_TRUE(told("Range: bytes=0-9\r\n", facts(), "HEAD").starts_with("200\n"));
  EXPECT_TRUE(told("Range: bytes=0-9\r\nIf-Range: \"other\"\r\n").starts_with("200\n"));
  EXPECT_TRUE(told("Range: bytes=0-9\r\nIf-Range: " + etag(facts()) + "\r\n").starts_with("206\n"));
}

TEST(FileHead, WhatTheClientHasIsNotSentAgain) {
  FileFacts file = facts();
  file.control = "max-age=60";
  file.varies = true;
  EXPECT_EQ(told("If-None-Match: " + etag(file) + "\r\nRange: bytes=0-9\r\n", file),
            "304\nETag: " + etag(file) + "\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\n");
  EXPECT_TRUE(told("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").starts_with("304\n"));
  EXPECT_TRUE(told("If-Match: \"other\"\r\n").starts_with("412\n"));
}

TEST(FileHead, EachFormOfAFileHasItsOwnTag) {
  FileFacts coded = facts(), compressed = facts(), newer = facts(), larger = facts();
  coded.coding = conf::ContentCoding::brotli;
  compressed.compressed = conf::ContentCoding::gzip;
  newer.modified_ns += 1;
  larger.size += 1;
  const std::set<std::string> tags{etag(facts()), etag(coded), etag(compressed), etag(newer), etag(larger)};
  EXPECT_EQ(tags.size(), 5u);
  EXPECT_EQ(etag(compressed), "W/" + etag(facts()));
}

TEST(FileHead, WhatIsCompressedAsItGoesHasNoLengthAndNoRanges) {
  FileFacts file = facts();
  file.compressed = conf::ContentCoding::zstd;
  const std::string text = told("Range: bytes=0-9\r\n", file);
  EXPECT_TRUE(text.starts_with("200\n")) << text;
  EXPECT_EQ(text.find("Content-Length"), std::string::npos) << text;
  EXPECT_EQ(text.find("Accept-Ranges"), std::string::npos) << text;
  EXPECT_NE(text.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Content-Encoding: zstd\r\n"), std::string::npos) << text;
}

TEST(FileHead, TheFirstPatternThatFitsSaysHowLongItMayBeKept) {
  conf::Files files;
  files.cache = {{"/a/*.css", "one"}, {"*.css", "two"}, {"b/*", "three"}, {"index.*", "four"}};
  EXPECT_EQ(cache_control(files, "a/x.css"), "one");
  EXPECT_EQ(cache_control(files, "c/x.css"), "two");
  EXPECT_EQ(cache_control(files, "b/x.js"), "three");
  EXPECT_EQ(cache_control(files, "q/index.html"), "four");
  EXPECT_EQ(cache_control(files, "q/x.js"), "");
}

TEST(MediaType, TheEndOfTheNameSaysIt) {
  EXPECT_EQ(media_type("a/INDEX.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type("x.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(media_type("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type("x.7z"), "application/x-7z-compressed");
  EXPECT_EQ(media_type("site.webmanifest"), "application/manifest+json");
  for (const char* name : {"x", "x.", "x.html/y", "x.unknownending", "x.nope"})
    EXPECT_EQ(media_type(name), "application/octet-stream") << name;
}

}  // namespace
}  // namespace gatehouse::files
