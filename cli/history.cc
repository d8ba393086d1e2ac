#include "cli/history.h"

#include <filesystem>
#include <fstream>

#include "cli/json.h"
#include "net/atomic_file.h"

namespace gatehouse::cli {
namespace {

constexpr std::uintmax_t file_bytes_most = 8 << 20;

}  // namespace

std::string to_json_line(const HistoryEntry& entry) {
  json::object line{{"time_ms", entry.time_ms}, {"what", entry.what}, {"text", entry.text}};
  if (!entry.by.empty()) line["by"] = entry.by;
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
  return HistoryEntry{time_ms, text("what"), text("text"), text("by")};
}

void History::load() {
  if (file_.empty()) return;
  std::ifstream in(file_);
  for (std::string line; std::getline(in, line);) {
    std::optional<HistoryEntry> entry = parse_history_line(line);
    if (!entry) continue;  // a line cut by a crash
    entries_.push_back(std::move(*entry));
    if (entries_.size() > most) entries_.pop_front();
  }
}

void History::add(HistoryEntry entry) {
  append_to_file(entry);
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

std::vector<HistoryEntry> History::since(std::int64_t time_ms) const {
  std::vector<HistoryEntry> out;
  for (const HistoryEntry& entry : entries_)
    if (entry.time_ms >= time_ms) out.push_back(entry);
  return out;
}

}  // namespace gatehouse::cli
