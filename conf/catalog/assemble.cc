#include "conf/catalog/assemble.h"

#include <algorithm>
#include <map>
#include <set>

namespace gatehouse::catalog {
namespace {

std::string place(const conf::Position& at) { return at.file + ":" + std::to_string(at.line); }

class Assembly {
 public:
  explicit Assembly(const Home& home) : home_(home) {}

  void add(const ServiceFile& file) {
    for (const ServiceDefinition& definition : file.services) add_service(definition);
    for (const LooseCheck& check : file.checks) loose_.push_back(&check);
  }

  NodeInstances finish() {
    for (const LooseCheck* check : loose_) attach(*check);
    std::vector<std::vector<conf::HealthCheck>> from_aliases;
    for (const Entry& entry : entries_) {
      std::set<std::string> seen{entry.definition->instance.id};
      from_aliases.push_back(checks_behind(entry, seen));
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      conf::Instance instance = entries_[i].definition->instance;
      for (std::vector<conf::HealthCheck>* more : {&entries_[i].attached, &from_aliases[i], &of_node_})
        instance.checks.insert(instance.checks.end(), more->begin(), more->end());
      if (entries_[i].stands) out_.instances.push_back(std::move(instance));
    }
    return std::move(out_);
  }

 private:
  struct Entry {
    const ServiceDefinition* definition = nullptr;
    std::vector<conf::HealthCheck> attached;
    bool stands = true;
  };

  void warn(const conf::Position& at, const std::string& path, std::string what) {
    out_.findings.push_back({at, path, std::move(what), conf::Severity::warning});
  }

  void add_service(const ServiceDefinition& definition) {
    const conf::Instance& instance = definition.instance;
    const auto [known, fresh] = by_id_.emplace(instance.id, entries_.size());
    if (!fresh) {
      Entry& before = entries_[known->second];
      out_.findings.push_back({instance.at, instance.service,
                               "the id " + instance.id + " is also at " + place(before.definition->instance.at) +
                                   "; this one stands, give each its own"});
      before.stands = false;
      known->second = entries_.size();
    }
    entries_.push_back({.definition = &definition});
  }

  void attach(const LooseCheck& loose) {
    const CheckDefinition& said = loose.check;
    if (said.is_alias()) return warn(loose.at, said.check.id, "an alias outside a service is not carried; left out");
    if (said.service_id.empty()) return of_node_.push_back(said.check);
    const auto service = by_id_.find(said.service_id);
    if (service == by_id_.end())
      return warn(loose.at, said.check.id, "no service has the id " + said.service_id + "; left out");
    entries_[service->second].attached.push_back(said.check);
  }

  // The checks that an entry's aliases stand for. seen: the ids on the way, so that aliases in a circle end.
  std::vector<conf::HealthCheck> checks_behind(const Entry& entry, std::set<std::string>& seen) {
    std::vector<conf::HealthCheck> checks;
    for (const AliasCheck& alias : entry.definition->aliases) {
      const conf::Instance& instance = entry.definition->instance;
      if (!alias.node.empty() && !same_key(alias.node, home_.node)) {
        warn(instance.at, instance.id, "alias_node " + alias.node + ": another node is not known here; left out");
        continue;
      }
      if (alias.service.empty()) continue;  // of this node: its checks are everybody's anyway
      const auto target = by_id_.find(alias.service);
      if (target == by_id_.end()) {
        warn(instance.at, instance.id, "alias_service: no service has the id " + alias.service + "; left out");
        continue;
      }
      if (!seen.insert(alias.service).second) continue;
      const Entry& behind = entries_[target->second];
      std::vector<conf::HealthCheck> found = checks_behind(behind, seen);
      for (const std::vector<conf::HealthCheck>* more : {&behind.definition->instance.checks, &behind.attached})
        found.insert(found.end(), more->begin(), more->end());
      for (conf::HealthCheck& check : found) {
        check.id = alias.id + "/" + check.id;
        checks.push_back(std::move(check));
      }
    }
    return checks;
  }

  const Home& home_;
  NodeInstances out_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> by_id_;
  std::vector<const LooseCheck*> loose_;
  std::vector<conf::HealthCheck> of_node_;
};

}  // namespace

NodeInstances assemble(std::span<const ServiceFile* const> files, const Home& home) {
  Assembly assembly(home);
  for (const ServiceFile* file : files) assembly.add(*file);
  return assembly.finish();
}

}  // namespace gatehouse::catalog
