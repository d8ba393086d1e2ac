#include "cli/history.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli/json.h"
#include "net/atomic_file.h"

namespace gatehouse::cli {
namespace {

constexpr std::uintmax_t file_bytes_most = 8 << 20;

json::object table_json(const AppliedTable& table) {
  json::object indexes;
  for (const auto& [source, index] : table.indexes) indexes[source] = index;
  return {{"number", table.number},
          {"cause", table.cause},
          {"indexes", std::move(indexes)},
          {"lines", json::value_from(table.lines)},
          {"lines_more", table.lines_more}};
}

std::uint64_t number_in(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_int64() ? static_cast<std::uint64_t>(found->as_int64()) : 0;
}

AppliedTable parse_table(const json::object& object) {
  AppliedTable out;
  out.number = number_in(object, "number");
  out.lines_more = number_in(object, "lines_more");
  if (const json::value* cause = object.if_contains("cause"); cause != nullptr && cause->is_string())
    out.cause = cause->as_string();
  if (const json::value* indexes = object.if_contains("indexes"); indexes != nullptr && indexes->is_object())
    for (const auto& [source, index] : indexes->as_object())
      if (index.is_int64()) out.indexes.emplace(source, static_cast<std::uint64_t>(index.as_int64()));
  if (const json::value* lines = object.if_contains("lines"); lines != nullptr && lines->is_array())
    for (const json::value& line : lines->as_array())
      if (line.is_string()) out.lines.emplace_back(line.as_string());
  return out;
}

}  // namespace

std::string table_words(const AppliedTable& table) {
  std::string out = "table " + std::to_string(table.number) + ": " + table.cause, at;
  for (const auto& [source, index] : table.indexes)
    at += (at.empty() ? " (" : ", ") + source + " at index " + std::to_string(index);
  return out + at + (at.empty() ? "" : ")");
}

std::string to_json_line(const HistoryEntry& entry) {
  json::object line{{"time_ms", entry.time_ms}, {"what", entry.what}, {"text", entry.text}};
  if (!entry.by.empty()) line["by"] = entry.by;
  if (entry.table.number != 0) line["table"] = table_json(entry.table);
  return json::serialize(line) + "\n";
}

std::optional<HistoryEntry> parse_history_line(std::string_view line) {
  boost::system::error_code failed;
  const json::value value = json::parse({line.data(), line.size()}, failed);
  if (failed || !value.is_object()) return std::nullopt;
  const json::object& object = value.as_object();
  const auto text = [&](const char* name) {
    const json::value* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
  };
  const json::value* time = object.if_contains("time_ms");
  const std::int64_t time_ms = time != nullptr && time->is_int64() ? time->as_int64() : 0;
  HistoryEntry entry{time_ms, text("what"), text("text"), text("by")};
  if (const json::value* table = object.if_contains("table"); table != nullptr && table->is_object())
    entry.table = parse_table(table->as_object());
  return entry;
}

void History::load() {
  if (file_.empty()) return;
  std::ifstream in(file_);
  for (std::string line; std::getline(in, line);) {
    std::optional<HistoryEntry> entry = parse_history_line(line);
    if (!entry) continue;  // a line cut by a crash
    last_table_ = std::max(last_table_, entry->table.number);
    entries_.push_back(std::move(*entry));
    if (entries_.size() > most) entries_.pop_front();
  }
}

void History::add(HistoryEntry entry) {
  append_to_file(entry);
  last_table_ = std::max(last_table_, entry.table.number);
  entries_.push_back(std::move(entry));
  if (entries_.size() > most) entries_.pop_front();
}

void History::append_to_file(const HistoryEntry& entry) {
  if (file_.empty()) return;
  std::error_code error;
  if (std::filesystem::file_size(file_, error) > file_bytes_most && !error) {
    std::string newer;
    for (std::size_t i = entries_.size() / 2; i < entries_.size(); ++i) newer += to_json_line(entries_[i]);
    [[maybe_unused]] const Status cut = write_file_atomically(file_, newer, 0640);
  }
  std::ofstream(file_, std::ios::app) << to_json_line(entry);
}

std::vector<HistoryEntry> History::last(std::size_t count) const {
  count = std::min(count, entries_.size());
  return {entries_.rbegin(), entries_.rbegin() + static_cast<std::ptrdiff_t>(count)};
}

std::vector<HistoryEntry> History::since(std::int64_t time_ms) const {
  std::vector<HistoryEntry> out;
  for (const HistoryEntry& entry : entries_)
    if (entry.time_ms >= time_ms) out.push_back(entry);
  return out;
}

}  // namespace gatehouse::cli
