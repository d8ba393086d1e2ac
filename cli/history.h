// history.h: what changed, when, and by whom: configuration, catalog, certificates, health, commands.
//   Kept in memory for `gatehouse history` (the last `most` entries) and appended to history.jsonl in the state
//   folder, one JSON object a line, read back at start. The file is cut to its newer half when it passes 8 MiB.
//   Threads  control only.  Failure  what the disk does not take stays in memory.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::cli {

// A routing table that came into force.
struct AppliedTable {
  std::uint64_t number = 0;  // 0: the entry is about something else
  std::string cause;
  std::map<std::string, std::uint64_t> indexes;  // of each Consul, as far as it was heard
  std::vector<std::string> lines;                // what became different; the first `lines_most`
  std::size_t lines_more = 0;
  static constexpr std::size_t lines_most = 50;
};

struct HistoryEntry {
  std::int64_t time_ms = 0;  // wall clock
  std::string what;          // "catalog", "configuration", "certificate", "health", "command", "process"
  std::string text;
  std::string by;  // "uid 1000 (pid 4711)" for commands; else empty
  AppliedTable table{};
};

class History {
 public:
  static constexpr std::size_t most = 10'000;

  explicit History(std::string file) : file_(std::move(file)) {}  // empty: memory alone
  void load();
  void add(HistoryEntry entry);
  void leave_file() { file_.clear(); }                      // from now on it is another process's
  std::uint64_t last_table() const { return last_table_; }  // of this run or those before it
  std::vector<HistoryEntry> since(std::int64_t time_ms) const;
  std::vector<HistoryEntry> last(std::size_t count) const;  // the latest first

 private:
  void append_to_file(const HistoryEntry& entry);

  std::string file_;
  std::deque<HistoryEntry> entries_;
  std::uint64_t last_table_ = 0;
};

// "table 12: consul dc1: web (consul dc1 at index 345)"
std::string table_words(const AppliedTable& table);
std::string to_json_line(const HistoryEntry& entry);
std::optional<HistoryEntry> parse_history_line(std::string_view line);

}  // namespace gatehouse::cli
