#include "conf/reference.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "conf/config_keys.h"
#include "conf/service_keys.h"

namespace gatehouse::conf {
namespace {

const std::string page_file = std::string(GATEHOUSE_SOURCE) + "/docs/reference/configuration.md";

TEST(Reference, ThePageIsWhatTheTablesSay) {
  if (std::getenv("GATEHOUSE_WRITE_REFERENCE") != nullptr) std::ofstream(page_file) << reference_page();
  std::ifstream in(page_file);
  std::ostringstream page;
  page << in.rdbuf();
  EXPECT_TRUE(page.str() == reference_page())
      << "docs/reference/configuration.md is stale; write it anew by\n"
         "  GATEHOUSE_WRITE_REFERENCE=1 unit_tests --gtest_filter='Reference.*'";
}

void expect_documented(const std::vector<KeyRow>& rows, const std::string& path) {
  for (const KeyRow& row : rows) {
    EXPECT_FALSE(row.meaning.empty()) << path << row.name;
    EXPECT_TRUE(row.required || !row.inner.empty() || !row.fallback.empty() || row.name == "services")
        << path << row.name;
    expect_documented(row.inner, path + row.name + ".");
  }
}

TEST(Reference, EveryKeyHasAMeaningAndADefault) { expect_documented(config_form().inner, ""); }

TEST(Reference, NamesEveryKey) {
  const std::string page = reference_page();
  for (const char* key : {"workers", "node.zone", "listen[].proxy_protocol", "catalog.permit.hosts",
                          "hosts.HOST.certificate", "logs.access.redact", "limits.body_rate"})
    EXPECT_NE(page.find("| `" + std::string(key) + "` |"), std::string::npos) << key;
  for (const ServiceKey& key : service_keys())
    EXPECT_NE(page.find("| `" + std::string(key.name) + "` |"), std::string::npos) << key.name;
}

}  // namespace
}  // namespace gatehouse::conf
