// framing.h: how two messages of an exchange fit together: what the client can be told, what a 101 is worth.
//   Source: RFC 9112 6, RFC 9110 7.8 and 15.2.2. Pure.
#pragma once

#include "proxy/http/head.h"

namespace gatehouse::http {

// How the answer's body travels to the client. A body that ends with the backend's connection becomes chunked; for a
// client of HTTP/1.0 a chunked one is decoded and ends with the client's connection.
Framing client_framing(const ResponseHead& answer, unsigned client_minor);

// Whether the 101 grants what the request asked for. Any other 101 is a fault of the backend.
bool grants_upgrade(const RequestHead& request, const ResponseHead& answer);

// Methods whose requests may be sent twice (RFC 9110 9.2.2).
bool is_idempotent(Method method);

}  // namespace gatehouse::http
