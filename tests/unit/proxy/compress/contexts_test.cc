#include "proxy/compress/contexts.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace gatehouse::compress {
namespace {

using enum conf::ContentCoding;
using Ask = BodyFilter::Ask;

// All that comes out for an ask, through a small room.
std::string out_of(BodyFilter& filter, std::string_view in, Ask ask, std::size_t room = 64) {
  std::string out, part(room, '\0');
  for (;;) {
    const BodyFilter::Step step = filter.step(in, ask, part);
    EXPECT_FALSE(step.failed);
    in.remove_prefix(step.consumed);
    out += part.substr(0, step.produced);
    if (step.done || step.failed) return out;
  }
}

std::string inflated(std::string_view gzipped) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzipped.data()));
  stream.avail_in = static_cast<uInt>(gzipped.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_SYNC_FLUSH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string text_of(std::size_t lines) {
  std::string out;
  for (std::size_t i = 0; i < lines; ++i) out += "line " + std::to_string(i * i) + " of a page\n";
  return out;
}

TEST(Contexts, WhatWasGzippedIsTheSameAgain) {
  Contexts contexts;
  const std::string text = text_of(5000);
  for (int round = 0; round < 3; ++round) {  // the second has the first one's context
    const BodyFilterPtr filter = contexts.take(gzip, 4, std::nullopt);
    ASSERT_TRUE(filter);
    std::string out = out_of(*filter, std::string_view(text).substr(0, 1000), Ask::more);
    out += out_of(*filter, std::string_view(text).substr(1000), Ask::finish);
    EXPECT_LT(out.size(), text.size() / 2);
    EXPECT_EQ(inflated(out), text);
  }
}

TEST(Contexts, WhatIsFlushedCanBeReadAtOnce) {
  Contexts contexts;
  const BodyFilterPtr filter = contexts.take(gzip, 4, std::nullopt);
  std::string out = out_of(*filter, "data: one\n\n", Ask::flush);
  EXPECT_EQ(inflated(out), "data: one\n\n");
  out += out_of(*filter, "data: two\n\n", Ask::flush);
  EXPECT_EQ(inflated(out), "data: one\n\ndata: two\n\n");
}

TEST(Contexts, ZstdIsTheSameAgainWithItsSizeKnownOrNot) {
  Contexts contexts;
  const std::string text = text_of(5000);
  for (const auto size : {std::optional<std::uint64_t>(text.size()), std::optional<std::uint64_t>()}) {
    const BodyFilterPtr filter = contexts.take(zstd, 4, size);
    const std::string out = out_of(*filter, text, Ask::finish);
    std::string back(text.size(), '\0');
    EXPECT_EQ(ZSTD_decompress(back.data(), back.size(), out.data(), out.size()), text.size());
    EXPECT_EQ(back, text);
  }
}

TEST(Contexts, BeyondTheLimitThereAreNone) {
  Contexts contexts;
  contexts.set_most(2);
  BodyFilterPtr one = contexts.take(gzip, 4, std::nullopt), two = contexts.take(brotli, 4, std::nullopt);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(contexts.out(), 2u);
  EXPECT_FALSE(contexts.take(zstd, 4, std::nullopt));
  two.reset();
  EXPECT_TRUE(contexts.take(zstd, 4, std::nullopt));
}

TEST(Contexts, AllAreCountedInBytesAndOnlySoManyAreKept) {
  Contexts contexts;
  EXPECT_EQ(contexts.bytes(), 0u);
  std::vector<BodyFilterPtr> out;
  for (std::size_t i = 0; i <= Contexts::kept_most; ++i) out.push_back(contexts.take(gzip, 4, std::nullopt));
  const std::size_t each = contexts.bytes() / out.size();
  EXPECT_GT(each, 256u << 10);
  out.clear();
  EXPECT_EQ(contexts.out(), 0u);
  EXPECT_EQ(contexts.bytes(), each * Contexts::kept_most);
}

TEST(Contexts, ACompressorThatCannotBeginAnewIsKeptWithoutItsMemory) {
  Contexts contexts;
  const std::string text = text_of(200'000);
  BodyFilterPtr filter = contexts.take(brotli, 9, std::nullopt);
  out_of(*filter, text, Ask::finish);
  EXPECT_GT(contexts.bytes(), 8u << 20);
  filter.reset();
  EXPECT_EQ(contexts.bytes(), 0u);
}

TEST(Contexts, WhereMemoryIsShortTheKeptAreFreedAndThoseThatAreOutAreNot) {
  Contexts contexts;
  for (const auto coding : {gzip, zstd, brotli}) {
    BodyFilterPtr one = contexts.take(coding, 4, std::nullopt), two = contexts.take(coding, 4, std::nullopt);
  }
  EXPECT_GT(contexts.bytes(), 512u << 10);
  const BodyFilterPtr busy = contexts.take(gzip, 4, std::nullopt);
  contexts.clear_kept();
  const std::size_t of_one = contexts.bytes();
  EXPECT_GT(of_one, 0u);
  EXPECT_LT(of_one, 400u << 10);
  EXPECT_EQ(contexts.out(), 1u);
  EXPECT_TRUE(contexts.take(zstd, 4, std::nullopt));
}

// What limits.memory counts for a compressor when it begins is what it holds when it is busy.
TEST(Contexts, NoneGrowsBeyondWhatItIsCountedFor) {
  const std::string text = text_of(200'000);
  for (auto* make : {&make_gzip, &make_brotli, &make_zstd}) {
    for (const unsigned level : {1u, 4u, 5u, 9u}) {
      for (const auto size : {std::optional<std::uint64_t>(text.size()), std::optional<std::uint64_t>()}) {
        const std::unique_ptr<Context> context = make();
        ASSERT_TRUE(context->begin(level, size));
        const std::size_t counted = context->bytes();
        for (std::size_t at = 0; at < text.size(); at += 64 << 10)
          out_of(*context, std::string_view(text).substr(at, 64 << 10), Ask::more, 16 << 10);
        EXPECT_LE(context->bytes(), counted + counted / 4) << level;
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse::compress
