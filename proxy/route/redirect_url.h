// redirect_url.h: the Location of a route's `redirect`: its template with $host, $path and $query filled in.
//   Pure. Refuses what would put CR, LF or another control byte, or a space, into the field (response splitting), and
//   what would lead back to the request itself.
#pragma once

#include <string>
#include <string_view>

#include "net/result.h"

namespace gatehouse::route {

struct RedirectRequest {
  std::string_view scheme = "http", host, path = "/",
                   query;  // host with its port as the client wrote it; query without "?"
};

// $host and $path are put in as they are, $query as "?query" or nothing; without $query in the template the query is
// kept when the template has no "?" of its own.
Result<std::string> expand_redirect(std::string_view url, const RedirectRequest& request);

}  // namespace gatehouse::route
