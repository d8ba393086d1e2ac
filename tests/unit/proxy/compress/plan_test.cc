#include "proxy/compress/plan.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::compress {
namespace {

using enum conf::ContentCoding;

conf::Compress wanted() {
  conf::Compress out;
  out.codings = {zstd, brotli, gzip};
  return out;
}

struct Exchange {
  std::string request = "Accept-Encoding: gzip\r\n", answer = "Content-Type: text/html\r\nContent-Length: 5000\r\n";
  int status = 200;
  const char *method = "GET", *version = "1.1";
};

Plan planned(const Exchange& of, const conf::Compress& policy = wanted()) {
  const auto request =
      http::request(std::string(of.method) + " / HTTP/" + of.version + "\r\nHost: a\r\n" + of.request + "\r\n");
  const auto answer = http::response("HTTP/1.1 " + std::to_string(of.status) + " X\r\n" + of.answer + "\r\n",
                                     of.method == std::string("HEAD"));
  return plan_answer(policy, request.head, answer.head);
}

TEST(Plan, TextIsCompressedForAClientThatTakesIt) {
  const Plan plan = planned({});
  EXPECT_TRUE(plan.varies);
  EXPECT_TRUE(plan.weakens);
  EXPECT_EQ(plan.coding, gzip);
  EXPECT_EQ(planned({.request = "Accept-Encoding: gzip, br, zstd\r\n"}).coding, zstd);
  EXPECT_EQ(planned({.answer = "Content-Type: application/ld+json\r\nTransfer-Encoding: chunked\r\n"}).coding, gzip);
  EXPECT_EQ(planned({.status = 404}).coding, gzip);
  EXPECT_EQ(planned({.method = "HEAD"}).coding, gzip);
}

TEST(Plan, ForOthersItGoesAsItIsAndVaries) {
  for (const Exchange& of :
       {Exchange{.request = ""}, Exchange{.request = "Accept-Encoding: gzip;q=0\r\n"}, Exchange{.version = "1.0"},
        Exchange{.request = "Accept-Encoding: gzip\r\nCache-Control: no-transform\r\n"}}) {
    const Plan plan = planned(of);
    EXPECT_TRUE(plan.varies);
    EXPECT_FALSE(plan.coding);
    EXPECT_FALSE(plan.weakens);
  }
}

TEST(Plan, WhatMustNotBeTouchedIsNot) {
  const std::string html = "Content-Type: text/html\r\nContent-Length: 5000\r\n";
  for (const Exchange& of :
       {Exchange{.answer = html + "Content-Encoding: br\r\n"},
        Exchange{.answer = html + "Cache-Control: a, No-Transform\r\n"},
        Exchange{.answer = html + "Content-Range: bytes 0-1/2\r\n", .status = 206},
        Exchange{.answer = html + "Repr-Digest: sha-256=:x:\r\n"}, Exchange{.answer = "", .status = 204},
        Exchange{.answer = "Content-Type: image/png\r\nContent-Length: 5000\r\n"},
        Exchange{.answer = "Content-Length: 5000\r\n"},
        Exchange{.answer = "Content-Type: text/html\r\nContent-Length: 1023\r\n"},
        Exchange{.answer = "Content-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n"}}) {
    const Plan plan = planned(of);
    EXPECT_FALSE(plan.coding) << of.answer;
    EXPECT_FALSE(plan.varies) << of.answer;
  }
  EXPECT_FALSE(planned({}, {}).coding);
  EXPECT_EQ(planned({.answer = html + "Content-Encoding: identity\r\n"}).coding, gzip);
}

TEST(Plan, WhatIsNotModifiedKeepsTheTagThatWasSent) {
  const Plan plan = planned({.answer = "ETag: \"a\"\r\n", .status = 304});
  EXPECT_TRUE(plan.varies && plan.weakens && !plan.coding);
  EXPECT_FALSE(planned({.request = "", .answer = "ETag: \"a\"\r\n", .status = 304}).weakens);
}

TEST(Plan, TypesAreTheRoutesWhereItNamesSome) {
  conf::Compress policy = wanted();
  policy.types = {"image/*", "application/pdf"};
  EXPECT_TRUE(is_compressible(policy, "Image/BMP"));
  EXPECT_TRUE(is_compressible(policy, "application/pdf ; x=y"));
  EXPECT_FALSE(is_compressible(policy, "text/html"));
  EXPECT_TRUE(is_compressible({}, "text/html;charset=utf-8"));
  EXPECT_TRUE(is_compressible({}, "application/atom+xml"));
  EXPECT_FALSE(is_compressible({}, "image/jpeg"));
  EXPECT_FALSE(is_compressible({}, ""));
}

TEST(Plan, StarsAloneAreEveryType) {
  conf::Compress policy = wanted();
  policy.types = {"*/*"};
  for (const char* type : {"text/html", "image/jpeg", "application/x-of-our-own; a=b", ""})
    EXPECT_TRUE(is_compressible(policy, type)) << type;
}

TEST(Plan, ItsFieldsAreWrittenOnce) {
  const auto fields = [](std::string_view answer, Plan plan = {true, true, gzip}) {
    const auto parsed = http::response("HTTP/1.1 200 OK\r\n" + std::string(answer) + "\r\n");
    return http::written([&](http::HeadWriter& out) { write_plan_fields(plan, parsed.head, out); });
  };
  EXPECT_EQ(fields("ETag: \"a\"\r\n"), "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\nETag: W/\"a\"\r\n");
  EXPECT_EQ(fields("ETag: W/\"a\"\r\nVary: Origin, accept-encoding\r\n"),
            "Content-Encoding: gzip\r\nETag: W/\"a\"\r\n");
  EXPECT_EQ(fields("Vary: *\r\n"), "Content-Encoding: gzip\r\n");
  EXPECT_EQ(fields("ETag: \"a\"\r\n", {}), "");
}

TEST(Plan, AFileIsCompressedWholeOrNotAtAll) {
  const auto plan = [](std::string_view fields, std::uint64_t size, std::string_view type = "text/css") {
    const auto parsed =
        http::request("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n" + std::string(fields) + "\r\n");
    return plan_file(wanted(), parsed.head, type, size);
  };
  EXPECT_EQ(plan("", 1024).coding, brotli);
  EXPECT_FALSE(plan("", 1023).varies);
  EXPECT_FALSE(plan("", 5000, "image/png").varies);
  EXPECT_FALSE(plan("Range: bytes=0-1\r\n", 5000).coding);
  EXPECT_TRUE(plan("Range: bytes=0-1\r\n", 5000).varies);
}

}  // namespace
}  // namespace gatehouse::compress
