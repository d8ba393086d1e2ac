// check.h: judgments over a whole configuration that no single key allows: two listeners on one address, TLS without
//   certificates, metrics open to the world. What one key can tell, its form has told already (config_keys.cc).
//   Pure: whether a user, a folder or a port exists is asked elsewhere.
#pragma once

#include <set>
#include <string>

#include "conf/reader.h"

namespace gatehouse::conf {

// Of a reading without errors. `services`: the names the catalog knows besides the file's own; nullptr: not known
// yet, and then no name is called unknown.
Findings check_config(const ReadConfig& read, const std::set<std::string>* services = nullptr);

}  // namespace gatehouse::conf
