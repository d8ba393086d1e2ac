// redirect_url.h: the Location of a route's `redirect`: its template with $scheme, $host, $path and $query filled in.
//   Pure. What would put a control byte or a space into the field (response splitting) or lead straight back to the
//   request is an error; a path can't turn a relative template into another host ("//evil.example").
#pragma once

#include <string>
#include <string_view>

#include "net/result.h"

namespace gatehouse::route {

struct RedirectRequest {
  std::string_view scheme = "http";
  std::string_view host;  // as the client wrote it, with a port if it had one
  std::string_view path = "/";
  std::string_view query;  // without "?"
};

// $host is the host without its port, $query the query without its "?" (a "?" left with nothing is dropped). A
// template with neither "?" nor "$query" keeps the query.
Result<std::string> expand_redirect(std::string_view url, const RedirectRequest& request);

}  // namespace gatehouse::route
