#include "conf/catalog/snapshot_entries.h"

#include <algorithm>

#include <boost/json.hpp>

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;

// A line end stands between values alone: within texts it is escaped.
constexpr std::string_view beginning = ",\n\"config_entries\":{\"bootstrap\":[\n", end = "\n]}", between = ",\n";
constexpr const char* source_key = "gatehouse_source";

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string source_of(const json::object& entry) {
  const json::value* meta = entry.if_contains("Meta");
  return meta != nullptr && meta->is_object() ? text_in(meta->get_object(), source_key) : std::string();
}

SourceInstances& find_or_add(const std::string& source, std::vector<SourceInstances>& sources) {
  const auto found =
      std::find_if(sources.begin(), sources.end(), [&](const auto& each) { return each.source == source; });
  if (found != sources.end()) return *found;
  sources.push_back({source, {}});
  return sources.back();
}

void add(const std::string& entry, std::string& out) {
  if (!out.empty()) out += between;
  out += entry;
}

}  // namespace

std::string entries_to_keep(std::string_view body, const std::string& source) {
  json::value value = json::parse(body);
  std::string out;
  if (!value.is_array()) return out;
  for (json::value& each : value.get_array()) {
    json::object& entry = each.get_object();
    for (const char* name : {"CreateIndex", "ModifyIndex", "Hash"}) entry.erase(name);
    entry["Meta"] = {{source_key, source}};
    add(json::serialize(entry), out);
  }
  return out;
}

std::string entries_text(const std::vector<SourceInstances>& sources) {
  std::string out;
  for (const SourceInstances& source : sources)
    for (const auto& [kind, entries] : source.entries) add(entries, out);
  return out.empty() ? out : std::string(beginning) + out + std::string(end);
}

Status read_entries(std::string_view text, std::vector<SourceInstances>& sources) {
  const std::size_t begins = text.find(beginning);
  if (begins == text.npos) return Done{};
  const std::string_view rest = text.substr(begins + beginning.size());
  boost::system::error_code failed;
  const json::value list = json::parse("[" + std::string(rest.substr(0, rest.rfind(end))) + "]", failed);
  if (failed) return invalid("config_entries: " + failed.message());
  for (const json::value& each : list.get_array()) {
    if (!each.is_object()) return invalid("config_entries: not only objects");
    const json::object& entry = each.get_object();
    add(json::serialize(entry), find_or_add(source_of(entry), sources).entries[text_in(entry, "Kind")]);
  }
  return Done{};
}

}  // namespace gatehouse::catalog
