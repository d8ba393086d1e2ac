// guard_check.h: what no single key of the section `guard` can tell. Pure.
#pragma once

#include "conf/config.h"
#include "conf/finding.h"

namespace gatehouse::conf {

// Paths only: the caller places them.
Findings check_guard(const Config& config);

}  // namespace gatehouse::conf
