#include "cli/event_log.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

std::string content(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

TEST(EventText, ValuesAreQuotedWhereABlankOrAQuoteWouldBlurThem) {
  EXPECT_EQ(event_text("endpoint is down", {{"service", "web"}, {"output", "connection refused"}}),
            "endpoint is down service=web output=\"connection refused\"");
  EXPECT_EQ(event_text("x", {{"a", "say \"no\""}, {"b", ""}, {"c", "k=v"}}),
            "x a=\"say \\\"no\\\"\" b=\"\" c=\"k=v\"");
}

TEST(EventText, StrangersCannotBeginALineOfTheirOwn) {
  EXPECT_EQ(event_text("check", {{"output", "ok\n2026-01-01 error forged"}}),
            "check output=\"ok\\x0a2026-01-01 error forged\"");
}

TEST(EventLog, OffMakesNoFile) {
  const ScratchFolder folder;
  auto log = EventLog::open({"off", "debug"});
  ASSERT_TRUE(log) << log.error().what;
  (*log)->error("an error");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_FALSE(std::filesystem::exists("off"));
}

TEST(EventLog, WritesTimeLevelAndTextAndLeavesOutWhatIsBelowTheLevel) {
  const ScratchFolder folder;
  const std::string file = folder.path("events.log");
  auto log = EventLog::open({file, "warning"});
  ASSERT_TRUE(log) << log.error().what;
  (*log)->info("quiet");
  (*log)->warning("a warning", {{"key", "value"}});
  (*log)->error("an error");
  EXPECT_TRUE(
      std::regex_match(content(file), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning a warning key=value
\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error an error
)"))) << content(file);
}

TEST(EventLog, ReopensUnderItsNameAfterTheFileWasMovedAway) {
  const ScratchFolder folder;
  const std::string file = folder.path("events.log");
  auto log = EventLog::open({file, "info"});
  ASSERT_TRUE(log) << log.error().what;
  (*log)->info("before");
  std::filesystem::rename(file, file + ".1");
  (*log)->info("still the old one");
  ASSERT_TRUE((*log)->reopen());
  (*log)->info("after");
  EXPECT_NE(content(file + ".1").find("still the old one"), std::string::npos);
  EXPECT_NE(content(file).find("after"), std::string::npos);
  EXPECT_EQ(content(file).find("before"), std::string::npos);
}

TEST(EventLog, AFileThatCannotBeOpenedLeavesTheOldOneInUse) {
  const ScratchFolder folder;
  const std::string file = folder.path("events.log");
  auto log = EventLog::open({file, "info"});
  ASSERT_TRUE(log) << log.error().what;
  const Status changed = (*log)->change({folder.path() + "/events.log/below-a-file", "debug"});
  ASSERT_FALSE(changed);
  EXPECT_NE(changed.error().what.find("below-a-file"), std::string::npos);
  (*log)->debug("not yet");
  (*log)->info("goes on");
  EXPECT_EQ(content(file).find("not yet"), std::string::npos);
  EXPECT_NE(content(file).find("goes on"), std::string::npos);
  EXPECT_FALSE(EventLog::open({folder.path() + "/events.log/x", "info"}));
}

}  // namespace
}  // namespace gatehouse::cli
