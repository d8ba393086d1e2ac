#include "proxy/http/accept_encoding.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

using enum conf::ContentCoding;
using Codings = std::vector<conf::ContentCoding>;

Codings ranked(std::string_view accepted, Codings ours = {zstd, brotli, gzip}) {
  const CodingList list = rank_codings(parse_accept_encoding(accepted), ours);
  return {list.list().begin(), list.list().end()};
}

TEST(AcceptEncoding, TheClientsFavouriteComesFirstAndOursWhereItLikesThemAlike) {
  EXPECT_EQ(ranked("gzip, deflate, br, zstd"), (Codings{zstd, brotli, gzip}));
  EXPECT_EQ(ranked("br;q=0.5, gzip;q=0.9"), (Codings{gzip, brotli}));
  EXPECT_EQ(ranked("gzip, br", {gzip}), Codings{gzip});
  EXPECT_EQ(ranked("GZIP"), Codings{gzip});
  EXPECT_EQ(ranked("x-gzip"), Codings{gzip});
}

TEST(AcceptEncoding, AStarStandsForWhatIsNotNamed) {
  EXPECT_EQ(ranked("*"), (Codings{zstd, brotli, gzip}));
  EXPECT_EQ(ranked("*;q=0.1, gzip"), (Codings{gzip, zstd, brotli}));
  EXPECT_EQ(ranked("*, br;q=0"), (Codings{zstd, gzip}));
  EXPECT_EQ(ranked("*;q=0"), Codings{});
}

TEST(AcceptEncoding, IdentityMayBeLikedBetter) {
  EXPECT_EQ(ranked("gzip;q=0.5, identity"), Codings{});
  EXPECT_EQ(ranked("gzip, identity;q=0.5"), Codings{gzip});
  EXPECT_EQ(ranked("gzip;q=0.001"), Codings{gzip});
  EXPECT_EQ(parse_accept_encoding("identity;q=0").identity, 0u);
  EXPECT_EQ(parse_accept_encoding("*;q=0").identity, 0u);
}

TEST(AcceptEncoding, WhatIsMalformedCountsAsNotSaid) {
  for (const char* text : {"", ",", "gzip;q=2", "gzip;q=0.1234", "gzip;q", "gzip;q=", "gzip;level=9", "gzip q=1",
                           "gzip;q=0.000", "deflate", "gz"})
    EXPECT_EQ(ranked(text), Codings{}) << text;
  EXPECT_EQ(ranked("gzip ; q=1.000"), Codings{gzip});
}

TEST(AcceptEncoding, AllFieldsCountAndOnlySoManyElements) {
  const auto parsed = request("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n");
  const AcceptedCodings accepted = accepted_codings(parsed.head);
  EXPECT_GT(accepted.of(brotli), 0u);
  EXPECT_GT(accepted.of(gzip), 0u);
  std::string many;
  for (int i = 0; i < 63; ++i) many += "a,";
  EXPECT_EQ(ranked(many + "gzip"), Codings{gzip});
  EXPECT_EQ(ranked(many + "a,gzip"), Codings{});
}

TEST(AcceptEncoding, AWeightHasThreeDigitsAtMost) {
  EXPECT_EQ(parse_weight("1"), 1000u);
  EXPECT_EQ(parse_weight("0.5"), 500u);
  EXPECT_EQ(parse_weight("0.055"), 55u);
  EXPECT_EQ(parse_weight("0."), 0u);
  for (const char* text : {"", "1.001", "2", "0.0000", "-1", ".5", "0,5"}) EXPECT_FALSE(parse_weight(text)) << text;
}

}  // namespace
}  // namespace gatehouse::http
