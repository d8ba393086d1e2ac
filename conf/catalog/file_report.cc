#include "conf/catalog/file_report.h"

#include "conf/words.h"

namespace gatehouse::catalog {

void FileReport::add_at(std::size_t offset, std::string path, std::string what, conf::Severity severity) {
  failed_ = failed_ || severity == conf::Severity::error;
  if (findings_.size() < findings_max)
    findings_.push_back({position(offset), conf::printable(path), conf::printable(what), severity});
  else
    ++more_;
}

conf::Findings FileReport::take() {
  if (more_ > 0)
    findings_.push_back({{file_},
                         "",
                         "and " + std::to_string(more_) + " more",
                         failed_ || doubtful_ ? conf::Severity::error : conf::Severity::warning});
  return std::move(findings_);
}

}  // namespace gatehouse::catalog
