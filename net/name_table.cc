#include "net/name_table.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

void NameTable::want(const std::set<std::string>& names, TimePoint now) {
  std::erase_if(entries_, [&](const auto& entry) { return !names.count(entry.first); });
  for (const std::string& name : names) entries_.try_emplace(name, Entry{.due = now});
}

std::vector<std::string> NameTable::take_due(TimePoint now, std::size_t max) {
  std::vector<std::string> out;
  for (auto& [name, entry] : entries_) {
    if (out.size() >= max) break;
    if (entry.asking || entry.due > now) continue;
    entry.asking = true;
    out.push_back(name);
  }
  return out;
}

std::optional<TimePoint> NameTable::next_due() const {
  std::optional<TimePoint> out;
  for (const auto& [name, entry] : entries_)
    if (!entry.asking && (!out || entry.due < *out)) out = entry.due;
  return out;
}

bool NameTable::answer(const std::string& name, std::vector<IpAddress> addresses, Seconds ttl, TimePoint now) {
  if (addresses.empty()) return failure(name, "no address", now);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return false;  // no longer wanted
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  addresses.resize(std::min(addresses.size(), addresses_max));
  Entry& entry = it->second;
  entry.failures = 0;
  entry.confirmed = now;
  entry.due = now + std::clamp(ttl, ttl_min, ttl_max);
  return entry.learn({std::move(addresses), ""});
}

bool NameTable::failure(const std::string& name, std::string error, TimePoint now) {
  const auto it = entries_.find(name);
  if (it == entries_.end()) return false;
  Entry& entry = it->second;
  entry.due = now + std::min(retry_max, Seconds(1 << std::min(entry.failures, 8u)));
  ++entry.failures;
  const bool held = now - entry.confirmed < hold;
  return entry.learn({held ? entry.known.addresses : std::vector<IpAddress>(), std::move(error)});
}

bool NameTable::Entry::learn(ResolvedName fresh) {
  asking = false;
  const bool first = !std::exchange(answered, true);
  const bool changed = known != fresh;
  known = std::move(fresh);
  return first || changed;
}

ResolvedNames NameTable::snapshot() const {
  ResolvedNames out;
  for (const auto& [name, entry] : entries_)
    if (entry.answered) out.emplace(name, entry.known);
  return out;
}

}  // namespace gatehouse
