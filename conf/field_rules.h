// field_rules.h: what the key `headers` does to the fields of a request or an answer. Pure.
//   A rule names a field and sets it (over what was sent), adds one more, gives it where none was sent, or removes
//   it. The list is put in its last form when it is read: who writes a head only asks which fields go, and which
//   come. Refused: fields that decide framing, the connection or who the client is: those the door writes by itself.
//   Limits   32 rules a side and route, 8 KiB of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"

namespace gatehouse::conf {

struct FieldRule {
  enum class Kind { set, add, fallback, remove };
  Kind kind = Kind::set;
  std::string name, value;
  bool operator==(const FieldRule&) const = default;
};

struct FieldRules {
  static constexpr std::size_t rules_max = 32, bytes_max = 8 << 10;
  std::vector<FieldRule> rules;
  std::size_t bytes = 0;  // of the lines that may be written

  bool empty() const { return rules.empty(); }
  bool drops(std::string_view name) const;  // what was sent under this name goes
  bool operator==(const FieldRules&) const = default;
};

struct HeaderRules {
  FieldRules request, answer;
  bool operator==(const HeaderRules&) const = default;
};

// One value of the key: "set X-Robots-Tag noindex", "request remove Cookie", "security". Adds to what is there.
Status add_field_rule(HeaderRules& into, std::string_view text);

// Names of fields are equal whatever their case (RFC 9110 5.1).
bool same_field(std::string_view a, std::string_view b);

}  // namespace gatehouse::conf
