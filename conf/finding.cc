#include "conf/finding.h"

#include <algorithm>

namespace gatehouse::conf {
namespace {

std::string place_text(const Position& at) {
  std::string out = at.file;
  if (at.line != 0) out += ":" + std::to_string(at.line);
  if (at.column != 0) out += ":" + std::to_string(at.column);
  return out.empty() ? out : out + ": ";
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: break;
  }
  return "error";
}

std::string Finding::text() const {
  const std::string word = severity == Severity::error ? "" : std::string(name_of(severity)) + ": ";
  return place_text(at) + word + (path.empty() ? "" : path + ": ") + what;
}

std::string Finding::text_without_severity() const {
  return place_text(at) + (path.empty() ? "" : path + ": ") + what;
}

bool has_error(const Findings& findings) {
  for (const Finding& finding : findings)
    if (finding.severity == Severity::error) return true;
  return false;
}

bool has_error_at(const Findings& findings, std::string_view path) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    if (finding.severity != Severity::error) return false;
    if (finding.path.empty()) return true;  // the file can't be read
    const std::string_view found = finding.path;
    return found.starts_with(path) &&
           (found.size() == path.size() || found[path.size()] == '.' || found[path.size()] == '[');
  });
}

void add_findings(Findings& to, const Findings& more) { to.insert(to.end(), more.begin(), more.end()); }

void place(Findings& findings, const Positions& positions) {
  for (Finding& finding : findings) {
    if (!finding.at.file.empty() || finding.path.empty()) continue;
    auto found = positions.find(finding.path);
    for (std::string around = finding.path; found == positions.end() && !around.empty();
         found = positions.find(around))
      around.resize(around.find_last_of(".[") == std::string::npos ? 0 : around.find_last_of(".["));
    if (found != positions.end()) finding.at = found->second;
  }
}

}  // namespace gatehouse::conf
