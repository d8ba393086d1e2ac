// probe_redirect.h: where a check goes on when it is redirected. Pure.
//   Only within the place it asks: a check that goes elsewhere would tell of somebody else's health.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::pool {

inline constexpr unsigned redirects_max = 10;  // as Go's client, which Consul asks with

bool is_redirect(int status);

// The request target that `location` (RFC 9110 10.2.2) names, seen from `path` at `host` ("10.0.0.1:80"); none: it
// leads to another host, port or scheme, or is malformed.
std::optional<std::string> redirected_path(std::string_view location, std::string_view path, std::string_view host,
                                           bool tls);

}  // namespace gatehouse::pool
