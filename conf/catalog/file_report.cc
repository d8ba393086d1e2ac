#include "conf/catalog/file_report.h"

#include <algorithm>

namespace gatehouse::catalog {
namespace {

// Names and values are strangers' bytes, and findings end in logs and on terminals.
std::string printable(std::string text) {
  constexpr std::size_t most = 1000;
  if (text.size() > most) text.replace(most, std::string::npos, "…");
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

void FileReport::add_at(std::size_t offset, std::string path, std::string what, conf::Severity severity) {
  failed_ = failed_ || severity == conf::Severity::error;
  if (findings_.size() < findings_max)
    findings_.push_back({position(offset), printable(std::move(path)), printable(std::move(what)), severity});
  else
    ++more_;
}

conf::Findings FileReport::take() {
  if (more_ > 0)
    findings_.push_back({{file_},
                         "",
                         "and " + std::to_string(more_) + " more",
                         failed_ ? conf::Severity::error : conf::Severity::warning});
  return std::move(findings_);
}

}  // namespace gatehouse::catalog
