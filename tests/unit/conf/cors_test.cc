#include "conf/cors.h"

#include <gtest/gtest.h>

namespace gatehouse::conf {
namespace {

std::string wrong(std::string_view text) {
  const Result<Cors> cors = parse_cors(text);
  return cors ? "" : cors.error().what;
}

TEST(Cors, AdmitsTheOriginsThatItNames) {
  const Result<Cors> cors = parse_cors("https://a.example,https://*.b.example,http://C.example:8080");
  ASSERT_TRUE(cors);
  for (const char* good :
       {"https://a.example", "https://x.b.example", "https://x-1.b.example", "http://c.example:8080"})
    EXPECT_TRUE(cors->admits(good)) << good;
  for (const char* bad :
       {"", "null", "http://a.example", "https://a.example:443", "https://b.example", "https://.b.example",
        "https://x.y.b.example", "https://x..b.example", "https://a.example.evil", "https://evil/.b.example",
        "https://x:1.b.example", "https://u@x.b.example", "https://xb.example", "*"})
    EXPECT_FALSE(cors->admits(bad)) << bad;
}

TEST(Cors, AnOriginThatIsTooLongToBeGivenBackIsNone) {
  const Cors cors = *parse_cors("https://*.shop.example");
  const std::string around = "https://.shop.example";
  const auto origin = [&](std::size_t size) {
    return "https://" + std::string(size - around.size(), 'a') + ".shop.example";
  };
  EXPECT_TRUE(cors.admits(origin(Cors::origin_bytes_max)));
  EXPECT_FALSE(cors.admits(origin(Cors::origin_bytes_max + 1)));
}

TEST(Cors, ReadsItsOptions) {
  const Result<Cors> cors =
      parse_cors("https://a.example methods=GET,PUT fields=X-A,X-B expose=X-C credentials=true max_age=2h");
  ASSERT_TRUE(cors);
  EXPECT_EQ(cors->methods, "GET, PUT");
  EXPECT_EQ(cors->fields, "X-A, X-B");
  EXPECT_EQ(cors->expose, "X-C");
  EXPECT_TRUE(cors->credentials);
  EXPECT_EQ(cors->max_age, 2h);
}

TEST(Cors, RefusesWhatWouldOpenADoor) {
  EXPECT_NE(wrong("* credentials=true"), "");
  EXPECT_NE(wrong("*,https://a.example"), "");
  EXPECT_NE(wrong("null"), "");
  EXPECT_NE(wrong("https://a.example/"), "");
  EXPECT_NE(wrong("https://*"), "");
  EXPECT_NE(wrong("https://a*.example"), "");
  EXPECT_NE(wrong("a.example"), "");
  EXPECT_NE(wrong("https://a.example methods=G(T"), "");
  EXPECT_EQ(wrong("https://a.example method=GET"), "method=unknown option; did you mean methods?");
  EXPECT_EQ(wrong("* fields=*"), "");
}

TEST(Cors, IsBounded) {
  std::string origins = "https://a0.example";
  for (std::size_t i = 1; i < Cors::origins_max; ++i) origins += ",https://a" + std::to_string(i) + ".example";
  EXPECT_EQ(wrong(origins), "");
  EXPECT_NE(wrong(origins + ",https://more.example"), "");
  EXPECT_NE(wrong("* fields=" + std::string(1025, 'x')), "");
  EXPECT_EQ(wrong("* fields=" + std::string(1024, 'x')), "");
}

}  // namespace
}  // namespace gatehouse::conf
