// finding.h: what is wrong (or worth a word) in something an operator wrote, and where.
//   Printed as "gatehouse.yaml:14:7: guard.jails.x: unknown key; did you mean y?". Readers collect all findings of a
//   file and go on, so that one run shows everything.
#pragma once

#include <string>
#include <vector>

namespace gatehouse::conf {

struct Position {
  std::string file;     // as the operator named it; empty: not from a file
  unsigned line = 0;    // from 1; 0: unknown
  unsigned column = 0;  // from 1; 0: unknown
  bool operator==(const Position&) const = default;
};

enum class Severity { warning, error };

struct Finding {
  Position at;
  std::string path;  // the key's path: "listen[1].address", "services[0].checks[1].interval"
  std::string what;  // what is wrong and what to write instead
  Severity severity = Severity::error;
  std::string text() const;
};

using Findings = std::vector<Finding>;
bool has_error(const Findings&);

}  // namespace gatehouse::conf
