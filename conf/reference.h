// reference.h: docs/reference/configuration.md, made from the tables that the reader uses, so that it can't go stale
//   unnoticed: a unit test compares the page with this text. Deterministic.
#pragma once

#include <string>

namespace gatehouse::conf {

std::string reference_page();

}  // namespace gatehouse::conf
