#include "cli/history.h"

#include <filesystem>
#include <fstream>

#include "cli/json.h"

namespace gatehouse::cli {
namespace {

constexpr std::uintmax_t file_bytes_most = 8 << 20;

}  // namespace

std::string to_json_line(const HistoryEntry& entry) {
  json::object line{{"time_ms", entry.time_ms}, {"what", entry.what}, {"text", entry.text}};
  if (!entry.by.empty()) line["by"] = entry.by;
  return json::serialize(line) + "\n";
}

void History::load() {
  if (file_.empty()) return;
  std::ifstream in(file_);
  for (std::string line; std::getline(in, line);) {
    boost::system::error_code failed;
    const json::value value = json::parse(line, failed);
    if (failed || !value.is_object()) continue;  // a line cut by a crash
    const json::object& object = value.as_object();
    const auto text = [&](const char* name) {
      const json::value* found = object.if_contains(name);
      return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
    };
    const json::value* time = object.if_contains("time_ms");
    entries_.push_back(
        {time != nullptr && time->is_int64() ? time->as_int64() : 0, text("what"), text("text"), text("by")});
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
    const std::string older = file_ + ".old";
    std::filesystem::rename(file_, older, error);
    std::ofstream out(file_);
    for (std::size_t i = entries_.size() / 2; i < entries_.size(); ++i) out << to_json_line(entries_[i]);
    std::filesystem::remove(older, error);
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
