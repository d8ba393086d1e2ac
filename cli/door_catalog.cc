// What the catalog's sources say and what of it is in force; freezing it, going back, and ending what is held.
#include <algorithm>

#include "cli/catalog_input.h"
#include "cli/door.h"
#include "conf/catalog/file_source_io.h"
#include "conf/catalog/holders.h"

namespace gatehouse::cli {
namespace {

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void Door::load_memory() {
  for (const std::string& trouble : memory_.load()) warn("catalog", trouble);
  const auto on_failure = [this](const std::string& what) {
    asio::post(io_, [this, what] { warn("process", what); });
  };
  memory_.keep(on_failure);
  catalog::LoadedSnapshot holders = catalog::load_snapshot(state_file("routes.json"));
  for (const std::string& trouble : holders.troubles) warn("catalog", trouble);
  holders_ = std::move(holders.snapshot);
  holders_writer_ = std::make_unique<catalog::SnapshotWriter>(state_file("routes.json"), on_failure);
}

void Door::read_catalog() {
  from_files_ = {};
  const std::string folder = services_folder(config_, positions_);
  if (!folder.empty()) from_files_ = files_.update(catalog::read_folder(folder, folder));
  gather();
}

void Door::gather() {
  bool heard = false;
  std::vector<catalog::SourceInstances> said{{CatalogMemory::files, from_files_.instances}};
  instances_ = {{}, from_files_.findings};
  entries_ = {};
  for (const auto& consul : consuls_) {
    heard = heard || consul->view().good_at_ms != 0;
    said.push_back({consul->name(), consul->instances(), consul->entries()});
    conf::add_findings(instances_.findings, consul->findings());
  }
  for (const catalog::SourceInstances& each : memory_.take(std::move(said), heard)) {
    instances_.instances.insert(instances_.instances.end(), each.instances.begin(), each.instances.end());
    for (const auto& [kind, entries] : each.entries)
      if (const auto read = catalog::parse_config_entries("[" + entries + "]", {{}, each.source}))
        entries_.add(*read);
  }
  conf::add_findings(instances_.findings, memory_.findings());
}

void Door::note_world(const proxy::World* before, const std::string& cause) {
  if (holders_writer_ && !table_->services.empty())
    holders_writer_->write(catalog::holders_of(*table_, instances_.instances));
  AppliedTable applied;
  applied.lines = proxy::changes(before, *world_);
  if (!applied.lines.empty()) {
    applied.number = history_.last_table() + 1;
    applied.cause = cause;
    if (!memory_.frozen())
      for (const auto& consul : consuls_)
        if (const std::uint64_t index = consul->view().index; index != 0)
          applied.indexes.emplace(consul->name(), index);
    if (applied.lines.size() > AppliedTable::lines_most) {
      applied.lines_more = applied.lines.size() - AppliedTable::lines_most;
      applied.lines.resize(AppliedTable::lines_most);
    }
    const std::string words = table_words(applied), number = std::to_string(applied.number);
    for (const std::string& line : applied.lines)
      events_->info(line + " [" + cause + "]", {{"what", "catalog"}, {"table", number}});
    if (applied.lines_more != 0)
      events_->info("and " + std::to_string(applied.lines_more) + " more changes [" + cause + "]",
                    {{"what", "catalog"}, {"table", number}});
    memory_.applied(applied.number);
    history_.add({wall_ms(), "catalog", words, {}, std::move(applied)});
  }
  for (const conf::Finding& finding : world_->findings()) {
    const bool known =
        before != nullptr && std::any_of(before->findings().begin(), before->findings().end(),
                                         [&](const auto& each) { return each.text() == finding.text(); });
    if (!known) tell("catalog", finding);
  }
}

// What is in force may have become another.
Status Door::apply_memory(const std::string& what, const std::string& by) {
  note("command", "catalog " + what, by);
  gather();
  rebuild(what + " by " + by);
  const Status saved = memory_.save_frozen();
  if (saved) return Done{};
  warn("process", "catalog " + what + " holds until the next start alone: " + saved.error().what);
  return Error{saved.error().code, "done, but it will not outlive a restart: " + saved.error().what};
}

Status Door::freeze_catalog(const std::string& by) {
  if (const Status frozen = memory_.freeze(wall_ms(), by); !frozen) return frozen;
  return apply_memory("freeze", by);
}

Status Door::unfreeze_catalog(const std::string& by) {
  if (const Status unfrozen = memory_.unfreeze(); !unfrozen) return unfrozen;
  return apply_memory("unfreeze", by);
}

Result<std::uint64_t> Door::roll_back_catalog(std::uint64_t table, const std::string& by) {
  const Result<std::uint64_t> to = memory_.roll_back(table, wall_ms(), by);
  if (!to) return to;
  const Status applied = apply_memory("rollback to table " + std::to_string(*to), by);
  return applied ? to : applied.error();
}

Result<std::size_t> Door::approve(const std::string& target, const std::string& by) {
  const std::size_t slash = std::min(target.find('/'), target.size());
  const std::string service = target.substr(0, slash), id = target.substr(std::min(slash + 1, target.size()));
  std::size_t count = 0;
  for (const auto& consul : consuls_) {
    std::set<std::string> services{service};
    if (target.empty()) {
      services.clear();
      for (const auto& held : consul->held()) services.insert(held.service);
    }
    for (const std::string& each : services) count += consul->approve(each, id);
  }
  if (count == 0) return invalid(target.empty() ? "nothing is held" : "nothing of " + target + " is held");
  note("command", "catalog approve" + (target.empty() ? "" : " " + target), by);
  return count;
}

}  // namespace gatehouse::cli
