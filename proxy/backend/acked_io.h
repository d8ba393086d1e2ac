// acked_io.h: what a backend's TCP has acknowledged: who closed before a byte of a request reached it did not process
//   that, and any request may be sent again (RFC 9110 9.2.2). One rule for HTTP/1.1 and HTTP/2.
//   Nothing over TLS, whose own records move the count, and where the kernel doesn't tell.
#pragma once

#include <cstdint>
#include <optional>

#include "net/stream.h"

namespace gatehouse::proxy {

// On a connection that was used before; to be asked before a request is sent.
std::optional<std::uint64_t> acked_bytes(const Stream& stream);

// The same once the backend has ended the connection in order: its FIN acknowledges no more than that. Nothing where it
// broke it off, which proves nothing.
std::optional<std::uint64_t> acked_at_end(const Stream& stream);

}  // namespace gatehouse::proxy
