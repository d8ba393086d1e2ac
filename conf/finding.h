// finding.h: what is wrong (or worth a word) in something an operator wrote, and where.
//   Printed as "gatehouse.yaml:14:7: guard.jails.x: unknown key; did you mean y?". Readers collect all findings of a
//   file and go on, so that one run shows everything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::conf {

struct Position {
  std::string file;     // as the operator named it; empty: not from a file
  unsigned line = 0;    // from 1; 0: unknown
  unsigned column = 0;  // from 1; 0: unknown
  bool operator==(const Position&) const = default;
};

enum class Severity { note, warning, error };  // note: nothing is wrong, but it may not be what was meant
std::string_view name_of(Severity);

struct Finding {
  Position at;
  std::string path;  // the key's path: "listen[1].address", "services[0].checks[1].interval"
  std::string what;  // what is wrong and what to write instead
  Severity severity = Severity::error;
  std::string text() const;
  std::string text_without_severity() const;  // for a log whose lines have a level
};

using Findings = std::vector<Finding>;
bool has_error(const Findings&);
bool has_error_at(const Findings&, std::string_view path);  // at this key or within it, or hiding all keys
void add_findings(Findings& to, const Findings& more);

using Positions =
    std::map<std::string, Position>;  // of the keys that were given: "listen[1].address"; of the file: ""
// Gives what names a key but no place the key's place, or that of the nearest key around it that was given.
void place(Findings&, const Positions&);

}  // namespace gatehouse::conf
