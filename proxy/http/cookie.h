// cookie.h: one cookie out of a request (RFC 6265 5.4). Pure.
#pragma once

#include <string_view>

#include "proxy/http/head.h"

namespace gatehouse::http {

// The value of the first cookie of that name, over all Cookie fields; empty: there is none.
std::string_view cookie_value(const RequestHead& head, std::string_view name);

}  // namespace gatehouse::http
