// rewrite_path.h: a request's path by the rules of its route's `rewrite`.
//   The route was chosen, and its restrictions judged, by the path as it came; what a rule makes of it must be a
//   plain path again: dot segments, disguised ones too, and what no path may hold are refused (400), so that nothing
//   climbs out of what the rule names. In a query groups are escaped, so that a path adds no parameters. Pure;
//   allocates for redirects alone.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "conf/rewrite.h"
#include "proxy/http/target.h"

namespace gatehouse::route {

struct Rewritten {
  enum class Outcome { untouched, rewritten, redirected, refused, too_long };
  Outcome outcome = Outcome::untouched;
  http::Target target;   // rewritten: in the buffer
  int code = 0;          // redirected
  std::string location;  // redirected
};

Rewritten rewrite_path(std::span<const conf::Rewrite> rules, const http::Target& target, std::span<char> buffer,
                       std::span<char> scratch);

}  // namespace gatehouse::route
