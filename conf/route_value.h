// route_value.h: the text form of a route, "[host][:port][/path] option=value …". Pure.
//   What a route matches is told apart from the options that say how it is carried: a route whose match can be read
//   but whose options are wrong is refused (503) rather than left out, so that its requests fall to no other route.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "conf/words.h"
#include "net/result.h"

namespace gatehouse::conf {

struct RouteSetting {
  RouteMatch match;
  std::vector<Option> options;  // without the conditions, "if.…"; not yet checked
};

// Fails if the match can't be read.
Result<RouteSetting> parse_route(std::string_view text);

// Conditions are a set: the same ones in another order, or with names in capitals, are the same claim.
void normalise_conditions(RouteMatch& match);

// The form of a path in which routes and requests are compared: unreserved escapes decoded, the others' digits in
// upper case (RFC 3986 6.2.2), empty segments left out ("//a/" is "/a"). Refuses dot segments, queries, and what no
// request's path can hold.
Result<std::string> parse_route_path(std::string_view text);

// A prefix to strip or to prepend: a path without a final slash.
Result<std::string> parse_path_prefix(std::string_view text);

}  // namespace gatehouse::conf
