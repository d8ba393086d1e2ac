// check.h: judgments over a whole configuration that no single key allows: two listeners on one address, TLS without
//   certificates, metrics open to the world. What one key can tell, its form has told already (config_keys.cc).
//   Pure: whether a user, a folder or a port exists is asked elsewhere.
#pragma once

#include <set>
#include <string>

#include "conf/reader.h"

namespace gatehouse::conf {

// Of a reading with errors it judges what could be read.
Findings check_config(const ReadConfig& read);

// Names in listen[].only that neither the catalog nor the file knows; to be placed.
Findings check_listed_services(const Config& config, const std::set<std::string>& catalog);

}  // namespace gatehouse::conf
