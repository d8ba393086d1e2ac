// serving_user.h: whom a door that is started as root becomes.
#pragma once

#include <optional>
#include <string>

#include "conf/config.h"
#include "conf/finding.h"

namespace gatehouse::cli {

// node.user, else gatehouse if there is such a user. Empty: nobody, it stays root: as said, or for want of a user.
std::string serving_user(const conf::Config& config);

// Said when root would serve and nobody said so.
std::optional<conf::Finding> root_warning(const conf::Config& config);

}  // namespace gatehouse::cli
