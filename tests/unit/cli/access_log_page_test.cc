// The page about the access log follows the code.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "cli/json.h"
#include "proxy/http/access_log.h"

namespace gatehouse::cli {
namespace {

std::string page() {
  std::ostringstream out;
  out << std::ifstream(GATEHOUSE_SOURCE "/docs/access-log.md").rdbuf();
  return out.str();
}

TEST(AccessLogPage, TellsEveryField) {
  http::AccessLineWriter writer;
  std::string line(http::access_line_bytes_max, ' ');
  line.resize(writer.write({}, line));
  const json::value value = json::parse(line);
  const std::string text = page();
  for (const auto& field : value.as_object())
    EXPECT_NE(text.find("`" + std::string(field.key()) + "`"), std::string::npos) << field.key();
}

TEST(AccessLogPage, TellsEveryTermination) {
  const std::string text = page();
  for (std::size_t i = 0; i < http::termination_count; ++i) {
    const std::string name(http::termination_text(static_cast<http::Termination>(i)));
    EXPECT_NE(text.find("| `" + name + "` |"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace gatehouse::cli
