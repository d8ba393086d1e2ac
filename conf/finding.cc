#include "conf/finding.h"

namespace gatehouse::conf {

std::string Finding::text() const {
  std::string out = at.file;
  if (at.line != 0) out += ":" + std::to_string(at.line);
  if (at.column != 0) out += ":" + std::to_string(at.column);
  if (!out.empty()) out += ": ";
  if (severity == Severity::warning) out += "warning: ";
  if (!path.empty()) out += path + ": ";
  return out + what;
}

bool has_error(const Findings& findings) {
  for (const Finding& finding : findings)
    if (finding.severity == Severity::error) return true;
  return false;
}

}  // namespace gatehouse::conf
