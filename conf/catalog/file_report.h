// file_report.h: the findings of one catalog file, placed by line and column as they are told.
//   Limits: 100 findings a file; the rest is counted and told as one.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "conf/catalog/json_locate.h"
#include "conf/finding.h"

namespace gatehouse::catalog {

class FileReport {
 public:
  static constexpr std::size_t findings_max = 100;

  FileReport(std::string_view text, std::string file) : text_(text), file_(std::move(file)), lines_(text) {}

  void error(const JsonPath& path, std::string what) { add(path, std::move(what), conf::Severity::error); }
  void warning(const JsonPath& path, std::string what) { add(path, std::move(what), conf::Severity::warning); }
  // Of what Consul accepts and what can never work all the same.
  void doubt(const JsonPath& path, std::string what) {
    const bool failed = failed_;
    add(path, std::move(what), conf::Severity::error);
    failed_ = failed;
    doubtful_ = true;
  }
  void add_at(std::size_t offset, std::string path, std::string what, conf::Severity severity);

  conf::Position position(std::size_t offset) const { return lines_.position(offset, file_); }
  // Places of values, each by a walk through the text; walks() says how many there were.
  std::size_t offset(const JsonPath& path) { return ++walks_, json_offset(text_, path); }
  std::vector<std::size_t> elements(const JsonPath& path) { return ++walks_, json_elements(text_, path); }
  std::size_t walks() const { return walks_; }
  bool failed() const { return failed_; }
  bool doubtful() const { return doubtful_; }
  conf::Findings take();

 private:
  void add(const JsonPath& path, std::string what, conf::Severity severity) {
    const bool placed = findings_.size() < findings_max;
    add_at(placed ? offset(path) : 0, path_text(path), std::move(what), severity);
  }

  std::string_view text_;
  std::string file_;
  LineIndex lines_;
  conf::Findings findings_;
  std::size_t more_ = 0, walks_ = 0;
  bool failed_ = false, doubtful_ = false;
};

}  // namespace gatehouse::catalog
