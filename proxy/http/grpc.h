// grpc.h: what a proxy has to know of gRPC over HTTP: who speaks it, and how an answer of our own is told to him.
//   A gRPC client reads no pages: it is told by grpc-status and grpc-message in a head without a body
//   ("Trailers-Only"). Source: gRPC over HTTP2, HTTP to gRPC status code mapping (grpc/grpc doc/). Pure.
#pragma once

#include <string_view>

#include "proxy/http/bytes.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::http {

inline constexpr std::string_view grpc_type = "application/grpc";

// application/grpc, with a message format or without; not application/grpc-web, which is another protocol.
constexpr bool is_grpc(std::string_view content_type) {
  if (!starts_caseless(content_type, grpc_type)) return false;
  const std::string_view rest = content_type.substr(grpc_type.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || is_blank(rest.front());
}

// The code of gRPC for a status of ours.
constexpr unsigned grpc_status_of(int status) {
  switch (status) {
    case 400: return 13;  // INTERNAL
    case 401: return 16;  // UNAUTHENTICATED
    case 403: return 7;   // PERMISSION_DENIED
    case 404: return 12;  // UNIMPLEMENTED
    case 413: return 8;   // RESOURCE_EXHAUSTED
    case 429:
    case 502:
    case 503:
    case 504: return 14;  // UNAVAILABLE
    default: return 2;    // UNKNOWN
  }
}

// grpc-status and grpc-message, whose text is percent-encoded where it must be.
void put_grpc_status(int status, std::string_view detail, HeadWriter& out);

}  // namespace gatehouse::http
