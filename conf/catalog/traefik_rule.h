// traefik_rule.h: a Traefik rule, "Host(`a`) && (PathPrefix(`/x`) || !Method(`GET`))", as alternatives. Pure.
//   Both its grammars: of v3, where a matcher takes one value, and of v2, where several stand for any of them.
//   What the matchers mean is traefik_match.h's question.
//   Limits   32 levels of brackets, 64 alternatives of 64 terms; beyond: an error.
//   Source   Traefik 3.7, pkg/rules; Go's operators: ! before && before ||.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"

namespace gatehouse::catalog {

struct RuleTerm {
  std::string matcher;  // in lower case: "pathprefix"
  std::vector<std::string> values;
  bool negated = false;
  bool operator==(const RuleTerm&) const = default;
};

using RuleAlternative = std::vector<RuleTerm>;  // all of them hold

// Any of these; none: the rule never holds.
Result<std::vector<RuleAlternative>> parse_traefik_rule(std::string_view rule);

}  // namespace gatehouse::catalog
