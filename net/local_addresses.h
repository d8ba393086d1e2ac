// local_addresses.h: the addresses of this machine's interfaces, where a listener on all addresses answers.
#pragma once

#include <vector>

#include "net/ip.h"

namespace gatehouse {

std::vector<IpAddress> local_addresses();

}  // namespace gatehouse
