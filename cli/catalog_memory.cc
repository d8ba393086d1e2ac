#include "cli/catalog_memory.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <unistd.h>

#include "cli/text.h"
#include "net/atomic_file.h"

namespace gatehouse::cli {
namespace {

template <class Number>
Number number_in(const catalog::Snapshot& snapshot, const std::string& note) {
  Number out = 0;
  if (const auto found = snapshot.notes.find(note); found != snapshot.notes.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), out);
  return out;
}

std::string numbers_text(const std::vector<std::uint64_t>& numbers) {
  std::string out;
  for (const std::uint64_t number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
  return out.empty() ? "none" : out;
}

catalog::Snapshot take_up(const std::string& file, std::vector<std::string>& troubles) {
  catalog::LoadedSnapshot found = catalog::load_snapshot(file);
  if (!found.troubles.empty())
    found.troubles.back() += found.file.empty() ? "; there is no older one" : "; " + found.file + " is taken instead";
  troubles.insert(troubles.end(), found.troubles.begin(), found.troubles.end());
  return std::move(found.snapshot);
}

}  // namespace

CatalogMemory::CatalogMemory(const std::string& folder)
    : snapshot_file_(folder + "/catalog.json"),
      entries_file_(folder + "/entries.json"),
      frozen_file_(folder + "/catalog.frozen.json") {}

std::vector<std::string> CatalogMemory::load() {
  std::vector<std::string> troubles;
  from_before_ = take_up(snapshot_file_, troubles);
  entries_from_before_ = take_up(entries_file_, troubles);
  catalog::LoadedSnapshot frozen = catalog::load_snapshot(frozen_file_);
  for (const std::string& trouble : frozen.troubles)
    troubles.push_back(trouble + "; the catalog is no longer frozen");
  if (frozen.file.empty()) return troubles;
  frozen_ = Frozen{number_in<std::int64_t>(frozen.snapshot, "since_ms"), frozen.snapshot.notes["by"],
                   number_in<std::uint64_t>(frozen.snapshot, "table"), std::move(frozen.snapshot.sources)};
  return troubles;
}

void CatalogMemory::keep(catalog::SnapshotWriter::OnFailure on_failure) {
  writer_ = std::make_unique<catalog::SnapshotWriter>(snapshot_file_, on_failure);
  entries_writer_ = std::make_unique<catalog::SnapshotWriter>(entries_file_, std::move(on_failure));
}

void CatalogMemory::stop_keeping() {
  writer_.reset();
  entries_writer_.reset();
}

catalog::SourceInstances CatalogMemory::known_to(std::string_view source) const {
  for (const catalog::SourceInstances& each : said_)
    if (each.source == source) return each;
  catalog::SourceInstances known = catalog::known_to(from_before_, source);
  known.entries = catalog::known_to(entries_from_before_, source).entries;
  return known;
}

const std::vector<catalog::SourceInstances>& CatalogMemory::take(std::vector<catalog::SourceInstances> said,
                                                                 bool heard) {
  said_ = std::move(said);
  catalog::Snapshot snapshot, entries;
  bool knows = heard;
  for (const catalog::SourceInstances& each : said_) {
    if (each.source == files) continue;
    knows = knows || !each.instances.empty() || !each.entries.empty();
    snapshot.sources.push_back({each.source, each.instances});
    entries.sources.push_back({each.source, {}, each.entries});
  }
  if (writer_ && knows) {
    writer_->write(std::move(snapshot));
    entries_writer_->write(std::move(entries));
  }
  return in_force();
}

conf::Findings CatalogMemory::findings() const {
  if (!frozen_) return {};
  const std::string of = frozen_->table == 0 ? "" : " at table " + std::to_string(frozen_->table);
  return {{{},
           "catalog",
           "frozen" + of + " since " + utc_text(frozen_->since_ms) + " by " + frozen_->by +
               ": what the catalog says is not applied; `gatehouse catalog unfreeze` ends it",
           conf::Severity::warning}};
}

Status CatalogMemory::freeze(std::int64_t now_ms, const std::string& by) {
  if (frozen_) return invalid("the catalog is frozen since " + utc_text(frozen_->since_ms) + " by " + frozen_->by);
  frozen_ = Frozen{now_ms, by, 0, said_};
  return Done{};
}

Status CatalogMemory::unfreeze() {
  if (!frozen_) return invalid("the catalog is not frozen");
  frozen_.reset();
  return Done{};
}

Result<std::uint64_t> CatalogMemory::roll_back(std::uint64_t table, std::int64_t now_ms, const std::string& by) {
  const std::vector<std::uint64_t> known = tables_.numbers();
  if (table == 0 && known.size() < 2) return invalid("there is no table before the present one in this run");
  if (table == 0) table = known[known.size() - 2];
  std::optional<std::vector<catalog::SourceInstances>> input = tables_.find(table);
  if (!input) return invalid("table " + std::to_string(table) + " is not kept; there are " + numbers_text(known));
  frozen_ = Frozen{now_ms, by, table, std::move(*input)};
  return table;
}

Status CatalogMemory::save_frozen() const {
  if (!frozen_) {
    if (::unlink(frozen_file_.c_str()) == 0 || errno == ENOENT) return Done{};
    return Error{Errc::io, frozen_file_ + ": " + std::strerror(errno)};
  }
  catalog::Snapshot snapshot;
  snapshot.notes = {{"since_ms", std::to_string(frozen_->since_ms)},
                    {"by", frozen_->by},
                    {"table", std::to_string(frozen_->table)}};
  snapshot.sources = frozen_->input;
  return write_file_atomically(frozen_file_, catalog::snapshot_text(snapshot), 0600);
}

}  // namespace gatehouse::cli
