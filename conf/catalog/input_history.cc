#include "conf/catalog/input_history.h"

#include <map>
#include <tuple>
#include <utility>

namespace gatehouse::catalog {
namespace {

using Key = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;
using EntriesOf = std::map<std::pair<std::string_view, std::string_view>, std::string_view>;  // by source and kind

Key key_of(std::string_view source, const conf::Instance& instance) {
  return {instance.service, source, instance.node, instance.id};
}

std::map<Key, const conf::Instance*> by_key(const std::vector<SourceInstances>& input) {
  std::map<Key, const conf::Instance*> out;
  for (const SourceInstances& source : input)
    for (const conf::Instance& instance : source.instances) out.emplace(key_of(source.source, instance), &instance);
  return out;
}

EntriesOf entries_of(const std::vector<SourceInstances>& input) {
  EntriesOf out;
  for (const SourceInstances& source : input)
    for (const auto& [kind, text] : source.entries) out.emplace(EntriesOf::key_type(source.source, kind), text);
  return out;
}

std::string sentence(const conf::Instance& instance, const char* what) {
  return "service " + instance.service + ": " + instance.node + "/" + instance.id + " would be " + what + " (" +
         instance.address + ":" + std::to_string(instance.port) + ")";
}

}  // namespace

InputHistory::Kept InputHistory::share(const SourceInstances& source) const {
  std::map<Key, std::shared_ptr<const conf::Instance>> before;
  Kept out{source.source, {}, nullptr};
  if (!entries_.empty())
    for (const Kept& kept : entries_.back().sources) {
      for (const auto& instance : kept.instances) before.emplace(key_of(kept.source, *instance), instance);
      if (kept.source == source.source && *kept.entries == source.entries) out.entries = kept.entries;
    }
  if (!out.entries) out.entries = std::make_shared<const std::map<std::string, std::string>>(source.entries);
  for (const conf::Instance& instance : source.instances) {
    const auto known = before.find(key_of(source.source, instance));
    const bool same = known != before.end() && *known->second == instance;
    out.instances.push_back(same ? known->second : std::make_shared<const conf::Instance>(instance));
  }
  return out;
}

void InputHistory::add(std::uint64_t number, const std::vector<SourceInstances>& input) {
  Entry entry{number, {}};
  for (const SourceInstances& source : input) entry.sources.push_back(share(source));
  entries_.push_back(std::move(entry));
  if (entries_.size() > most) entries_.pop_front();
}

std::optional<std::vector<SourceInstances>> InputHistory::find(std::uint64_t number) const {
  for (const Entry& entry : entries_) {
    if (entry.number != number) continue;
    std::vector<SourceInstances> out;
    for (const Kept& kept : entry.sources) {
      out.push_back({kept.source, {}, *kept.entries});
      for (const auto& instance : kept.instances) out.back().instances.push_back(*instance);
    }
    return out;
  }
  return std::nullopt;
}

std::vector<std::uint64_t> InputHistory::numbers() const {
  std::vector<std::uint64_t> out;
  for (const Entry& entry : entries_) out.push_back(entry.number);
  return out;
}

std::vector<std::string> differences(const std::vector<SourceInstances>& now,
                                     const std::vector<SourceInstances>& then) {
  const auto before = by_key(now), after = by_key(then);
  std::vector<std::string> out;
  for (const auto& [key, instance] : before)
    if (!after.contains(key)) out.push_back(sentence(*instance, "removed"));
  for (const auto& [key, instance] : after) {
    const auto known = before.find(key);
    if (known == before.end())
      out.push_back(sentence(*instance, "added"));
    else if (*known->second != *instance)
      out.push_back(sentence(*instance, "changed"));
  }
  EntriesOf entries = entries_of(then);
  for (const auto& [kind, text] : entries_of(now)) {
    const auto same = entries.find(kind);
    if (same != entries.end() && same->second == text)
      entries.erase(same);
    else
      entries.try_emplace(kind);
  }
  for (const auto& [kind, text] : entries)
    out.push_back(std::string(kind.first) + ": config entries would be changed (" + std::string(kind.second) + ")");
  return out;
}

}  // namespace gatehouse::catalog
