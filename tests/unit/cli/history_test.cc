#include "cli/history.h"

#include <gtest/gtest.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

TEST(History, IsReadBackAfterARestart) {
  const ScratchFolder folder;
  {
    History history(folder.path("history.jsonl"));
    history.add({1000, "catalog", "service web: endpoint added", ""});
    history.add({2000, "command", "drain web", "uid 0 (pid 1)"});
  }
  History again(folder.path("history.jsonl"));
  again.load();
  const std::vector<HistoryEntry> entries = again.since(0);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].text, "drain web");
  EXPECT_EQ(entries[1].by, "uid 0 (pid 1)");
  EXPECT_EQ(again.since(2000).size(), 1u);
  EXPECT_TRUE(again.since(2001).empty());
}

TEST(History, ALineCutByACrashIsPassedOver) {
  const ScratchFolder folder;
  const std::string good = to_json_line({1, "process", "started", ""});
  folder.write("history.jsonl", good + "{\"time_ms\":2,\"wh\n" + good);
  History history(folder.path("history.jsonl"));
  history.load();
  EXPECT_EQ(history.since(0).size(), 2u);
}

TEST(History, StrangersTextStaysOneLine) {
  const HistoryEntry entry{7, "health", "a\nb \"c\" \x01", "by"};
  const std::string line = to_json_line(entry);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const std::optional<HistoryEntry> back = parse_history_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text, entry.text);
  EXPECT_EQ(back->time_ms, 7);
}

TEST(History, KeepsOnlyTheLastInMemory) {
  History history("");
  for (std::size_t i = 0; i <= History::most; ++i) history.add({static_cast<std::int64_t>(i), "x", "y", ""});
  const std::vector<HistoryEntry> entries = history.since(0);
  EXPECT_EQ(entries.size(), History::most);
  EXPECT_EQ(entries.front().time_ms, 1);
}

TEST(History, AFileThatGrewTooLargeIsCutToItsNewerHalf) {
  const ScratchFolder folder;
  const std::string path = folder.path("history.jsonl");
  History history(path);
  const std::string text(20'000, 'x');
  for (int i = 0; i < 500; ++i) history.add({i, "x", text, ""});
  EXPECT_LT(std::filesystem::file_size(path), 9u << 20);
  History again(path);
  again.load();
  const std::vector<HistoryEntry> entries = again.since(0);
  ASSERT_FALSE(entries.empty());
  EXPECT_EQ(entries.back().time_ms, 499);
  for (std::size_t i = 1; i < entries.size(); ++i) EXPECT_EQ(entries[i].time_ms, entries[i - 1].time_ms + 1);
}

TEST(History, AnAppliedTableIsReadBackWhole) {
  HistoryEntry entry{7, "catalog", "", ""};
  entry.table = {12, "consul dc1: web", {{"consul dc1", 345}}, {"service web: endpoint added"}, 3};
  entry.text = table_words(entry.table);
  EXPECT_EQ(entry.text, "table 12: consul dc1: web (consul dc1 at index 345)");
  std::string line = to_json_line(entry);
  line.pop_back();
  const std::optional<HistoryEntry> back = parse_history_line(line);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->table.number, 12u);
  EXPECT_EQ(back->table.cause, entry.table.cause);
  EXPECT_EQ(back->table.indexes, entry.table.indexes);
  EXPECT_EQ(back->table.lines, entry.table.lines);
  EXPECT_EQ(back->table.lines_more, 3u);
}

TEST(History, TablesAreNumberedOnAfterARestart) {
  const ScratchFolder folder;
  {
    History history(folder.path("history.jsonl"));
    EXPECT_EQ(history.last_table(), 0u);
    history.add({1, "catalog", "table 4", "", {4, "start", {}, {"a line"}}});
    history.add({2, "process", "stopping", ""});
    EXPECT_EQ(history.last_table(), 4u);
  }
  History again(folder.path("history.jsonl"));
  again.load();
  EXPECT_EQ(again.last_table(), 4u);
}

}  // namespace
}  // namespace gatehouse::cli
