#include "proxy/files/range.h"

#include <gtest/gtest.h>

namespace gatehouse::files {
namespace {

using List = std::vector<ByteRange>;

List some(std::string_view value, std::uint64_t size = 10000) {
  const Ranges ranges = parse_ranges(value, size);
  EXPECT_EQ(ranges.kind, Ranges::Kind::some) << value;
  return {ranges.list().begin(), ranges.list().end()};
}

// The examples of RFC 9110 14.1.2.
TEST(Range, WhatTheRfcShows) {
  EXPECT_EQ(some("bytes=0-499"), (List{{0, 500}}));
  EXPECT_EQ(some("bytes=500-999"), (List{{500, 500}}));
  EXPECT_EQ(some("bytes=-500"), (List{{9500, 500}}));
  EXPECT_EQ(some("bytes=9500-"), (List{{9500, 500}}));
  EXPECT_EQ(some("bytes=0-0,-1"), (List{{0, 1}, {9999, 1}}));
  EXPECT_EQ(some("bytes= 0-0, 4500-5499, -1000"), (List{{0, 1}, {4500, 1000}, {9000, 1000}}));
  EXPECT_EQ(some("bytes=500-600,601-999"), (List{{500, 101}, {601, 399}}));
}

TEST(Range, WhatGoesBeyondTheEndIsCutThere) {
  EXPECT_EQ(some("bytes=9999-20000"), (List{{9999, 1}}));
  EXPECT_EQ(some("bytes=-20000"), (List{{0, 10000}}));
  EXPECT_EQ(some("BYTES=0-99999999999999999999999"), (List{{0, 10000}}));
  EXPECT_EQ(some("bytes=20000-,0-1"), (List{{0, 2}}));
}

TEST(Range, OfWhatIsNotThereNothingCanBeSent) {
  for (const char* value : {"bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999999999999-"})
    EXPECT_EQ(parse_ranges(value, 10000).kind, Ranges::Kind::none) << value;
}

TEST(Range, WhatIsMalformedIsIgnored) {
  for (const char* value :
       {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=5", "bytes=5-3", "bytes=a-b", "bytes=0-1;2-3",
        "bytes=+1-2", "lines=0-1", "bytes=0-1,x", "bytes=0x1-2", "bytes=1 2-3", "bytes=--5"})
    EXPECT_EQ(parse_ranges(value, 10000).kind, Ranges::Kind::whole) << value;
  EXPECT_EQ(parse_ranges("bytes=0-", 0).kind, Ranges::Kind::whole);
}

TEST(Range, SoManyAndNoMore) {
  std::string value = "bytes=0-0";
  for (std::size_t i = 1; i < ranges_max; ++i) value += "," + std::to_string(i) + "-" + std::to_string(i);
  EXPECT_EQ(some(value).size(), ranges_max);
  EXPECT_EQ(parse_ranges(value + ",100-100", 10000).kind, Ranges::Kind::whole);
}

TEST(Range, OverlappingOnesThatWouldBeMoreThanTheWholeGetTheWhole) {
  EXPECT_EQ(parse_ranges("bytes=0-,0-,0-", 10000).kind, Ranges::Kind::whole);
  EXPECT_EQ(parse_ranges("bytes=0-,-1", 10000).kind, Ranges::Kind::whole);
  EXPECT_EQ(some("bytes=0-10,5-20"), (List{{0, 11}, {5, 16}}));
}

TEST(Range, SeveralPartsAreAsLongAsIsTold) {
  const Byteranges parts(0x1234567890abcdef, "text/plain; charset=utf-8", 10000);
  const Ranges ranges = parse_ranges("bytes=0-9,100-199,-1", 10000);
  std::array<char, Byteranges::part_head_max> room;
  std::string body;
  for (const ByteRange& range : ranges.list()) {
    body += parts.head(range, body.empty(), room);
    body += std::string(range.size, 'x');
  }
  body += parts.tail(room);
  EXPECT_EQ(body.size(), parts.length(ranges.list()));
  const std::string boundary(parts.boundary());
  EXPECT_EQ(boundary.size(), Byteranges::boundary_size);
  EXPECT_TRUE(body.starts_with("--" + boundary +
                               "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                               "Content-Range: bytes 0-9/10000\r\n\r\nxxxxxxxxxx\r\n--" +
                               boundary));
  EXPECT_TRUE(body.ends_with("x\r\n--" + boundary + "--\r\n"));
  EXPECT_NE(Byteranges(1, "", 1).boundary(), Byteranges(2, "", 1).boundary());
}

}  // namespace
}  // namespace gatehouse::files
