// lint.h: what becomes of each tag of a catalog, whichever spellings are turned on: exact, approximate, not mapped.
//   Pure. Tags that belong to no spelling are not looked at. What conflicts and disagreement make of it is for
//   `status` to tell.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "conf/catalog/foreign.h"
#include "conf/config.h"

namespace gatehouse::catalog {

struct LintLine {
  std::string service, spelling;
  TagVerdict verdict;
  std::size_t instances = 1;  // that carry it
};

// By service in the catalog's order; within it by instance. listen: what entry points are looked for among. permit:
// what tags may claim; null: nobody has said.
std::vector<LintLine> lint(std::span<const conf::Instance> instances, std::span<const conf::Listen> listen,
                           const conf::CatalogSource* permit = nullptr);

// A line a tag, a paragraph a service, and the sum; printable.
std::string lint_text(std::span<const LintLine> lines);

}  // namespace gatehouse::catalog
