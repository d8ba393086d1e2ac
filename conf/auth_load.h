// auth_load.h: puts what `auth` of the routes means beside what it says. Pure: reading is a parameter.
//   A name that gatehouse.yaml doesn't define, or a URL that it names nowhere (tags may not choose whom the door
//   asks), refuses the route. A password file that can't be read any more keeps what it had in the previous table;
//   one that never could refuses its routes.
#pragma once

#include <vector>

#include "conf/config.h"
#include "conf/pages.h"
#include "conf/service.h"

namespace gatehouse::conf {

// Adds a service for each server that is asked.
Findings load_auth(std::vector<Service>& services, const Config& config, const RoutingTable* previous,
                   const ReadFile& read_file);

// The password files of gatehouse.yaml, to be watched.
std::vector<std::string> password_files(const Config& config);

constexpr std::string_view auth_service_prefix = "auth/";

}  // namespace gatehouse::conf
