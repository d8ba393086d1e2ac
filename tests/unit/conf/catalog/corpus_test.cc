// The corpus is held to the real Consul by tests/tools/consul_conformance.py, and we are held to the corpus here.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "conf/catalog/service_file.h"

namespace gatehouse::catalog {
namespace {

namespace fs = std::filesystem;

const fs::path corpus = fs::path(GATEHOUSE_SOURCE) / "tests/unit/conf/catalog/corpus";

std::vector<fs::path> files_of(const char* folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(corpus / folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

ServiceFile parse(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return parse_service_file(text.str(), path.filename().string(), Home{.node = "fd1"});
}

std::string told(const ServiceFile& file) {
  std::string out;
  for (const conf::Finding& finding : file.findings) out += finding.text() + "\n";
  return out;
}

TEST(Corpus, WhatConsulAcceptsIsAccepted) {
  const auto files = files_of("accepted");
  ASSERT_GT(files.size(), 70u);
  for (const fs::path& path : files) {
    const ServiceFile file = parse(path);
    EXPECT_TRUE(file.accepted) << path.filename() << ": " << told(file);
  }
}

TEST(Corpus, WhatConsulRefusesIsRefusedWithLineAndColumn) {
  const auto files = files_of("refused");
  ASSERT_GT(files.size(), 80u);
  for (const fs::path& path : files) {
    const ServiceFile file = parse(path);
    EXPECT_FALSE(file.accepted) << path.filename();
    EXPECT_TRUE(file.services.empty()) << path.filename();
    ASSERT_FALSE(file.findings.empty()) << path.filename();
    for (const conf::Finding& finding : file.findings) {
      EXPECT_EQ(finding.at.file, path.filename().string());
      EXPECT_GT(finding.at.line, 0u) << path.filename();
      EXPECT_GT(finding.at.column, 0u) << path.filename();
      EXPECT_FALSE(finding.what.empty());
    }
  }
}

TEST(Corpus, WhereWeAreStricterThanConsulIsRefused) {
  for (const fs::path& path : files_of("stricter")) EXPECT_FALSE(parse(path).accepted) << path.filename();
}

TEST(Corpus, WhereWeAreLaxerThanConsulIsAcceptedWithAWarning) {
  for (const fs::path& path : files_of("laxer")) {
    const ServiceFile file = parse(path);
    EXPECT_TRUE(file.accepted) << path.filename() << ": " << told(file);
    EXPECT_FALSE(file.findings.empty()) << path.filename();
  }
}

}  // namespace
}  // namespace gatehouse::catalog
