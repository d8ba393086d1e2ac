// snapshot.h: what the sources of the catalog know, as text that outlives the process. Pure.
//   The text is a Consul service-definition file: we read it, `consul validate` accepts it, an agent loads it. What a
//   definition can't say of an instance stands in its `meta` under gatehouse_ (its source, node, health, why it is
//   held …); a meta key of its own that begins so is written as gatehouse_own_…. Who must not be taken for healthy
//   elsewhere (critical, in maintenance, departed) carries a check that says so. Config entries stand under
//   config_entries.bootstrap (snapshot_entries.h). The first line holds a checksum of all that follows it. Left out:
//   what Consul would refuse (names over 255 bytes, meta beyond its 64 pairs).
//   Limits  bytes_most, to be read again.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::catalog {

struct SourceInstances {
  std::string source;  // "files", "consul", "consul dc1"
  std::vector<conf::Instance> instances;
  std::map<std::string, std::string> entries{};  // Consul's config entries, by kind: snapshot_entries.h
  bool operator==(const SourceInstances&) const = default;
};

struct Snapshot {
  static constexpr std::size_t bytes_most = 128 << 20;

  std::map<std::string, std::string> notes;  // about the whole: "by", "since_ms"; names of letters and _
  std::vector<SourceInstances> sources;
  bool operator==(const Snapshot&) const = default;
};

std::string snapshot_text(const Snapshot& snapshot);

// Whether it is as it was written.
bool is_whole(std::string_view text);

// `file` is what findings call it. Refused whole: not as it was written, or not ours.
Result<Snapshot> read_snapshot(std::string_view text, const std::string& file);

// What the source knew; empty: nothing.
SourceInstances known_to(const Snapshot& snapshot, std::string_view source);

}  // namespace gatehouse::catalog
