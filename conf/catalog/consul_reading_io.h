// consul_reading_io.h: a live catalog, read once: the services that carry a tag in any of the spellings.
//   Blocks until all is read, or something is wrong.
//   Limits  a deadline for each answer, as of HttpClient.
#pragma once

#include <vector>

#include "conf/config.h"
#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::catalog {

// In the order of the services' names.
Result<std::vector<conf::Instance>> read_consul(const conf::ConsulServer& server);

}  // namespace gatehouse::catalog
