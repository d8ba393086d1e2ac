// passed_over.h: tags that were meant for a door and are read by none here: of a spelling that catalog.spellings
// leaves out, or with our prefix misspelt. Pure.
//   Limits   of each kind one service is named, the others are counted.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "conf/finding.h"

namespace gatehouse::catalog {

// Whether it looks as if it were meant to be ours: "gatehous.route=a.example", "Gatehouse.route=…".
bool is_misspelt(std::string_view tag);

class PassedOver {
 public:
  using IsRead = std::function<bool(std::string_view spelling)>;
  explicit PassedOver(IsRead is_read) : is_read_(std::move(is_read)) {}

  // Each once for a service.
  void add_foreign(const std::string& service, const conf::Position& at, std::span<const std::string> tags);
  void add_misspelt(const std::string& service, const conf::Position& at, std::span<const std::string> tags);
  conf::Findings findings() const;

 private:
  struct Kind {
    std::string service, tag;  // the first of them
    conf::Position at;
    std::size_t more = 0;  // services
  };
  static void note(Kind& kind, const std::string& service, const conf::Position& at, const std::string& tag);

  const IsRead is_read_;
  std::map<std::string, Kind, std::less<>> foreign_;  // by spelling
  Kind misspelt_;
};

}  // namespace gatehouse::catalog
