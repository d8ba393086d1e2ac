// filter.h: whether an event counts: conditions over its fields, all of which must hold. Pure, allocates nothing.
//   Cheap ones are asked first (status, exact texts), regular expressions last; RE2 takes time linear in the text.
//   A field's expressions are one alternation. Built from a configuration that was checked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/guard.h"
#include "conf/service.h"
#include "ratelimit/event.h"

namespace re2 {
class RE2;
}

namespace gatehouse::ratelimit {

class Filter {
 public:
  static constexpr std::size_t searched_bytes_max = 4096;  // of a value; what is behind is not looked at

  explicit Filter(const conf::FilterFields& fields);
  Filter(Filter&&) noexcept;
  ~Filter();

  bool empty() const { return conditions_.empty(); }
  bool matches(const Event& event) const;
  bool wants(std::string_view event) const;  // whether events of this kind can match at all

 private:
  struct Condition {
    std::string field;
    std::vector<conf::StatusRange> status;
    std::vector<std::string> texts;
    std::unique_ptr<re2::RE2> regex;
    unsigned cost() const { return !status.empty() ? 0 : regex == nullptr ? 1 : field == "headers" ? 3 : 2; }
  };
  static bool holds(const Condition& condition, const Event& event);
  static bool accepts(const Condition& condition, std::string_view value);

  std::vector<Condition> conditions_;  // the cheapest first
};

// The value of a field that has one text; empty: it has none.
std::string_view text_of(const Event& event, std::string_view field);

}  // namespace gatehouse::ratelimit
