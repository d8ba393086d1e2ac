#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "cli/log_file_io.h"
#include "cli/log_filter.h"
#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

constexpr std::string_view line = R"({"status":502,"service":"web","request_id":"abc"})";

bool wants(const std::string& service, const std::string& status, const std::string& id,
           std::string_view text = line) {
  const Result<LogFilter> filter = LogFilter::make(service, status, id);
  EXPECT_TRUE(filter) << filter.error().what;
  return filter && filter->wants(text);
}

TEST(LogFilter, WantsLinesThatFitEverythingAsked) {
  EXPECT_TRUE(wants("", "", ""));
  EXPECT_TRUE(wants("web", "5xx", "abc"));
  EXPECT_TRUE(wants("", "4xx,5xx", ""));
  EXPECT_TRUE(wants("", "502", ""));
  EXPECT_FALSE(wants("web2", "", ""));
  EXPECT_FALSE(wants("we", "", ""));
  EXPECT_FALSE(wants("", "503", ""));
  EXPECT_FALSE(wants("web", "5xx", "abcd"));
}

TEST(LogFilter, WhatIsNoJsonPassesOnlyUnfiltered) {
  for (const char* text : {"", "nonsense", "{\"status\":5", "[502]", "{\"status\":\"502\"}", "{}"}) {
    EXPECT_TRUE(wants("", "", "", text)) << text;
    EXPECT_FALSE(wants("", "502", "", text)) << text;
  }
}

TEST(LogFilter, RefusesAStatusThatIsNone) { EXPECT_FALSE(LogFilter::make("", "6000", "")); }

std::vector<std::string> all(LogFile& log) {
  std::vector<std::string> lines;
  while (log.read(lines)) {
  }
  return lines;
}

void append(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::app) << text; }

using Lines = std::vector<std::string>;

TEST(LogFile, ReadsWholeLinesAndWaitsForTheRest) {
  const ScratchFolder folder;
  const std::string path = folder.write("access.log", "one\ntwo\nthr");
  Result<LogFile> log = LogFile::open(path);
  ASSERT_TRUE(log);
  EXPECT_EQ(all(*log), Lines({"one", "two"}));
  EXPECT_EQ(all(*log), Lines());
  append(path, "ee\n");
  EXPECT_EQ(all(*log), Lines({"three"}));
}

TEST(LogFile, ReadsTheOldFileToItsEndBeforeTheNewOne) {
  const ScratchFolder folder;
  const std::string path = folder.write("access.log", "one\n");
  Result<LogFile> log = LogFile::open(path);
  ASSERT_TRUE(log);
  EXPECT_EQ(all(*log), Lines({"one"}));
  std::filesystem::rename(path, path + ".1");
  append(path + ".1", "two\n");  // as the writer does until it is told
  EXPECT_EQ(all(*log), Lines({"two"}));
  folder.write("access.log", "");  // as logrotate's `create` does, before the writer is told
  EXPECT_EQ(all(*log), Lines());
  append(path + ".1", "three\n");
  append(path, "four\n");
  EXPECT_EQ(all(*log), Lines({"three", "four"}));
}

TEST(LogFile, ATruncatedFileIsReadFromItsStart) {
  const ScratchFolder folder;
  const std::string path = folder.write("access.log", "one\ntwo\n");
  Result<LogFile> log = LogFile::open(path);
  ASSERT_TRUE(log);
  EXPECT_EQ(all(*log), Lines({"one", "two"}));
  std::filesystem::resize_file(path, 0);
  append(path, "x\n");
  EXPECT_EQ(all(*log), Lines({"x"}));
}

TEST(LogFile, BeginsWithTheLastWholeLines) {
  const ScratchFolder folder;
  const std::string path = folder.write("access.log", "one\ntwo\nthree\n");
  const std::vector<std::pair<std::size_t, Lines>> rows = {
      {0, {}},
      {5, {}},
      {6, {"three"}},
      {7, {"three"}},
      {10, {"two", "three"}},
      {14, {"one", "two", "three"}},
      {99, {"one", "two", "three"}},
  };
  for (const auto& [back, lines] : rows) {
    Result<LogFile> log = LogFile::open(path, back);
    ASSERT_TRUE(log);
    EXPECT_EQ(all(*log), lines) << back;
  }
}

TEST(LogFile, ALineThatIsTooLongIsLeftOut) {
  const ScratchFolder folder;
  const std::string most(LogFile::line_bytes_max, 'a');
  const std::string path = folder.write("access.log", most + "\n" + most + "b\nlast\n");
  Result<LogFile> log = LogFile::open(path);
  ASSERT_TRUE(log);
  EXPECT_EQ(all(*log), Lines({most, "last"}));
}

TEST(LogFile, WhatIsNoFileIsRefused) {
  const ScratchFolder folder;
  EXPECT_FALSE(LogFile::open(folder.path()));
  EXPECT_FALSE(LogFile::open(folder.path("missing")));
}

}  // namespace
}  // namespace gatehouse::cli
