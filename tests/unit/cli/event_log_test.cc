#include "cli/event_log.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "net/unique_fd.h"
#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

std::string content(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

// The log's thread writes when it comes to it.
void wait_for(const std::string& file, const std::string& text) {
  while (content(file).find(text) == std::string::npos) std::this_thread::yield();
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
  log->reset();
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
  wait_for(file + ".1", "still the old one");
  ASSERT_TRUE((*log)->reopen());
  (*log)->info("after");
  log->reset();
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
  log->reset();
  EXPECT_EQ(content(file).find("not yet"), std::string::npos);
  EXPECT_NE(content(file).find("goes on"), std::string::npos);
  EXPECT_FALSE(EventLog::open({folder.path() + "/events.log/x", "info"}));
}

TEST(EventLog, AChangeOfTheTargetLosesNoLine) {
  const ScratchFolder folder;
  auto log = EventLog::open({folder.path("one"), "info"});
  ASSERT_TRUE(log) << log.error().what;
  (*log)->info("first");
  ASSERT_TRUE((*log)->change({folder.path("two"), "info"}));
  (*log)->info("second");
  log->reset();
  EXPECT_NE(content(folder.path("one")).find("first"), std::string::npos);
  EXPECT_NE(content(folder.path("two")).find("second"), std::string::npos);
}

TEST(EventLog, APipeThatNobodyReadsDelaysNobodyAndWhatItDropsIsCounted) {
  const ScratchFolder folder;
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK));
  auto log = EventLog::open({pipe, "info"});
  ASSERT_TRUE(log) << log.error().what;
  while ((*log)->dropped() == 0) (*log)->info(std::string(1000, 'x'));
  EXPECT_TRUE((*log)->reopen());
  EXPECT_TRUE((*log)->change({folder.path("file"), "info"}));
}

}  // namespace
}  // namespace gatehouse::cli
