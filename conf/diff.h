// diff.h: what is different between two configurations, key by key: for `check --diff`, reload and history.
//   Positions in the file and the order of keys and listeners do not count, nor how a value was written (60s is 1m).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "conf/config.h"
#include "conf/form.h"

namespace gatehouse::conf {

struct Difference {
  std::string path;           // "limits.header_time", "listen[https].tls", "services.off"
  std::string before, after;  // as on one line of YAML; empty: not there
  bool at_start = false;      // takes a restart
  std::string text() const;   // "limits.header_time: 10s -> 5s"
};

struct ConfigDiff {
  std::vector<Difference> lines;
  std::set<std::string> sections;  // the top-level keys that changed
};

ConfigDiff diff_config(const Config& before, const Config& after);

// Of two mappings whose keys are these.
ConfigDiff diff_nodes(const Yaml& before, const Yaml& after, const std::vector<KeyRow>& rows);

}  // namespace gatehouse::conf
