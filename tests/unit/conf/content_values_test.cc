#include "conf/content_values.h"

#include <gtest/gtest.h>

namespace gatehouse::conf {
namespace {

using Codings = std::vector<ContentCoding>;

std::string fault(std::string_view text, bool files) {
  if (files) {
    const Result<Files> read = parse_files(text);
    return read ? "" : read.error().what;
  }
  const Result<Compress> read = parse_compress(text);
  return read ? "" : read.error().what;
}

TEST(ContentValues, FilesSaysItsFolderAndWhatItSaysOfThem) {
  const Result<Files> files = parse_files(
      R"("/srv/my images" precompressed=br,gzip cache=*.jpg:30d,/app/*:immutable,*:no-cache index=a.html,b.html try=/app/index.html)");
  ASSERT_TRUE(files) << files.error().what;
  EXPECT_EQ(files->folder, "/srv/my images");
  EXPECT_EQ(files->precompressed, (Codings{ContentCoding::brotli, ContentCoding::gzip}));
  EXPECT_EQ(files->cache,
            (std::vector<CacheRule>{
                {"*.jpg", "max-age=2592000"}, {"/app/*", "public, max-age=31536000, immutable"}, {"*", "no-cache"}}));
  EXPECT_EQ(files->index, (std::vector<std::string>{"a.html", "b.html"}));
  EXPECT_EQ(files->fallback, "/app/index.html");
}

TEST(ContentValues, AFolderAloneIsEnough) {
  const Result<Files> files = parse_files("/srv/www");
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (Files{.folder = "/srv/www"}));
}

TEST(ContentValues, WhatIsWrongWithFilesIsToldWithWhatToWrite) {
  EXPECT_EQ(fault("", true), "is empty");
  EXPECT_EQ(fault("/x precompresed=br", true), "precompresed: unknown option; did you mean precompressed?");
  EXPECT_EQ(fault("/x precompressed=deflate", true), "precompressed=deflate: write br, zstd or gzip");
  EXPECT_EQ(fault("/x precompressed=br,br", true), "precompressed=br: is said twice");
  EXPECT_EQ(fault("/x cache=30d", true), "cache=30d: write PATTERN:TIME, as in *.jpg:30d");
  EXPECT_EQ(fault("/x cache=*:soon", true),
            "cache=soon: write a duration up to 3650d, no-cache, no-store or immutable");
  EXPECT_EQ(fault("/x try=../etc/passwd", true),
            "try=../etc/passwd: write a file's path below the folder, as in /index.html");
  EXPECT_EQ(fault("/x try=/../etc/passwd", true),
            "try=/../etc/passwd: write a file's path below the folder, as in /index.html");
  EXPECT_EQ(fault("/x index=sub/a.html", true), "index=sub/a.html: write names of files, as in index.html,index.htm");
}

TEST(ContentValues, PatternsAndNamesAreBoundedInNumber) {
  std::string rules = "*:1s", names = "a";
  for (int i = 1; i < 64; ++i) rules += ",*:1s";
  for (int i = 1; i < 16; ++i) names += ",a";
  EXPECT_EQ(fault("/x cache=" + rules, true), "");
  EXPECT_EQ(fault("/x cache=" + rules + ",*:1s", true), "cache=more than 64 patterns; write fewer");
  EXPECT_EQ(fault("/x index=" + names, true), "");
  EXPECT_EQ(fault("/x index=" + names + ",a", true), "index=more than 16 names; write fewer");
}

TEST(ContentValues, CompressNamesItsCodingsInTheOrderOfPreference) {
  const Result<Compress> compress = parse_compress("zstd br,gzip level=6 types=text/*,Application/JSON min=2KiB");
  ASSERT_TRUE(compress) << compress.error().what;
  EXPECT_EQ(compress->codings, (Codings{ContentCoding::zstd, ContentCoding::brotli, ContentCoding::gzip}));
  EXPECT_EQ(compress->level, 6u);
  EXPECT_EQ(compress->types, (std::vector<std::string>{"text/*", "application/json"}));
  EXPECT_EQ(compress->size_least, 2048u);
  ASSERT_TRUE(parse_compress("off"));
  EXPECT_FALSE(parse_compress("off")->on());
}

TEST(ContentValues, WhatIsWrongWithCompressIsToldWithWhatToWrite) {
  EXPECT_EQ(fault("deflate", false), "deflate: write br, zstd or gzip, as in zstd br gzip, or off");
  EXPECT_EQ(fault("level=3", false), "level=3: write codings, as in zstd br gzip, or off");
  EXPECT_EQ(fault("gzip gzip", false), "gzip: is said twice, as in zstd br gzip, or off");
  EXPECT_EQ(fault("gzip lvel=3", false), "lvel: unknown option; did you mean level?");
  EXPECT_NE(fault("gzip level=10", false), "");
  EXPECT_NE(fault("gzip level=0", false), "");
  EXPECT_EQ(fault("gzip types=text", false), "types=text: write media types as in text/*,application/json");
  for (const std::string type : {"*/json", "te*/*", "text/*ml", "**/*"})
    EXPECT_EQ(fault("gzip types=" + type, false),
              "types=" + type + ": * stands for all of a kind, as in text/*, or for all: */*");
  EXPECT_EQ(fault("gzip types=*/*", false), "");
  EXPECT_NE(fault("gzip min=many", false), "");
}

TEST(ContentValues, StarsAndQuestionMarksFitNames) {
  struct Row {
    const char *name, *pattern;
    bool fits;
  };
  for (const Row& row :
       {Row{"a.jpg", "*.jpg", true}, Row{"a.jpeg", "*.jpg", false}, Row{"", "*", true}, Row{"", "", true},
        Row{"x", "", false}, Row{"app.1f3c.js", "app.????.js", true}, Row{"app.1f3.js", "app.????.js", false},
        Row{"aXbXc", "a*X*c", true}, Row{"aaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*c", false}, Row{"a", "a**", true}})
    EXPECT_EQ(fits_pattern(row.name, row.pattern), row.fits) << row.name << " " << row.pattern;
}

}  // namespace
}  // namespace gatehouse::conf
