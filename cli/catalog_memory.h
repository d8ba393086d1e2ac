// catalog_memory.h: what the catalog's sources say, what of it is in force, and what of it outlives the process.
//   In force is what they say, unless the catalog is frozen: then what it said at that moment, or at an earlier
//   table. In the state folder: `catalog.json`, what the Consul sources know (and two generations before it), written
//   after each change by a thread of its own; `entries.json`, the same of Consul's config entries, which a Consul
//   that loads the other must not take for its own; `catalog.frozen.json`, what is in force while frozen, and by
//   whom.
//   Threads  control.
//   Limits   InputHistory::most tables to go back to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/catalog/input_history.h"
#include "conf/catalog/snapshot_io.h"
#include "conf/finding.h"
#include "net/result.h"

namespace gatehouse::cli {

struct Frozen {
  std::int64_t since_ms = 0;  // wall clock
  std::string by;
  std::uint64_t table = 0;  // gone back to; 0: frozen as it was
  std::vector<catalog::SourceInstances> input;
};

class CatalogMemory {
 public:
  static constexpr const char* files = "files";  // the name of the folder as a source

  explicit CatalogMemory(const std::string& folder);

  // What is on disk; gives what is wrong with it.
  std::vector<std::string> load();
  // From now on changes are written.
  void keep(catalog::SnapshotWriter::OnFailure on_failure);
  void stop_keeping();  // the files are another process's now

  // What a source said last, in this run or before it.
  catalog::SourceInstances known_to(std::string_view source) const;
  // What all sources say now; gives what is in force. `heard`: a Consul has answered in this run.
  const std::vector<catalog::SourceInstances>& take(std::vector<catalog::SourceInstances> said, bool heard);
  const std::vector<catalog::SourceInstances>& in_force() const { return frozen_ ? frozen_->input : said_; }
  // A table was made of what is in force.
  void applied(std::uint64_t table) { tables_.add(table, in_force()); }

  const std::optional<Frozen>& frozen() const { return frozen_; }
  std::vector<std::string> waiting() const { return catalog::differences(in_force(), said_); }
  conf::Findings findings() const;

  Status freeze(std::int64_t now_ms, const std::string& by);
  Status unfreeze();
  // `table`: 0 is the one before the present. Gives which one it was.
  Result<std::uint64_t> roll_back(std::uint64_t table, std::int64_t now_ms, const std::string& by);
  Status save_frozen() const;  // that it is, or is not

 private:
  const std::string snapshot_file_, entries_file_, frozen_file_;
  catalog::Snapshot from_before_, entries_from_before_;
  std::unique_ptr<catalog::SnapshotWriter> writer_, entries_writer_;
  std::vector<catalog::SourceInstances> said_;
  std::optional<Frozen> frozen_;
  catalog::InputHistory tables_;
};

}  // namespace gatehouse::cli
