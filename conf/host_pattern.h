// host_pattern.h: names of hosts as routes and permits write them. Pure.
//   "learn.bank.example" is exact; a leading "*" is one label, a leading "**" one or more. A permit may hold stars in
//   more places ("*.*.opencraft.example"). Names are lower case, without the final dot, in A-labels (RFC 5890).
#pragma once

#include <string>
#include <string_view>

#include "net/result.h"

namespace gatehouse::conf {

// A route's host, normalised: a name, a name below "*." or "**.", an IPv4 address or an IPv6 address in brackets.
Result<std::string> parse_route_host(std::string_view text);

// A permit's pattern: as above, with stars as any of its labels.
Result<std::string> parse_permit_pattern(std::string_view text);

// Whether every name that host (as parse_route_host gives it) stands for is within the pattern.
bool permits(std::string_view pattern, std::string_view host);

}  // namespace gatehouse::conf
