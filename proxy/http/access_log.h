// access_log.h: what is told of a request: one JSON object a line.
//   Every field is always there: text that is not known is "", a number that is not known is null, a redacted one
//   "-". Any byte may come in: valid UTF-8 passes, control bytes and bytes that are no UTF-8 become \u00XX (read as
//   Latin-1). Long values are cut and end in "...+N", N being the bytes left out, so that a line is never longer than
//   access_line_bytes_max. One writer a worker; it allocates nothing once made.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/ip.h"
#include "proxy/http/timestamps.h"

namespace gatehouse::http {

inline constexpr std::size_t access_line_bytes_max = 8 << 10;

// Who ended the exchange, and why. The text in the log is the name.
//
//   ok                      the answer was sent whole
//   redirect                answered by the door: the route, or its host, redirects
//   local                   the door's page: an answer was given up for another endpoint's, and then none was free;
//                           a file can't be had that way; what answers a WebSocket over HTTP/2 grants none
//   challenge               200: a certificate authority's challenge (RFC 8555), answered by the door
//   client_closed           the client went away before the answer was whole
//   client_malformed        400, 417, 501, 505 and the like: not HTTP as RFC 9112 has it
//   client_too_large        413, 414, 431
//   client_timeout          408: no whole head in time, or silence in the middle of a body
//   client_too_slow         408: the body came below the least rate
//   client_not_reading      the client took nothing of the answer in time
//   denied                  403: allow, deny
//   banned                  the client is banned, or was meanwhile
//   rate_limited            429: beyond a limit of the guard
//   method_not_allowed      405: not one of the route's methods
//   preflight               204: a preflight that the route's cors answers; 403: its origin is not among them
//   maintenance             503: the service, or its route, is under maintenance
//   unauthorized            401, or what the one who is asked said: the route's auth did not let it pass
//   auth_failed             503: the route's auth could not be asked
//   no_route                404: no route for host and path
//   misdirected             421: the certificate of this connection doesn't cover the host
//   route_refused           503: the route's own definition was refused
//   no_file                 404: no such file; 403: it can't be read
//   file_failed             500, or cut: the file or its disk failed, or it became shorter; 504: the disk was silent
//   no_endpoint             503: no healthy endpoint
//   two_primaries           503: of a `single` service more than one endpoint is healthy
//   queue_full              503: as many wait as may
//   queue_timeout           503: waited as long as one may
//   overload                503: limits.memory is used up, or the door lacks descriptors, ports or memory
//   backend_connect_failed  502: refused, unreachable, reset
//   backend_connect_timeout 504
//   backend_tls_failed      502: handshake or verification
//   backend_closed          502: closed before its answer's head was whole
//   backend_cut             closed or reset in the middle of the body; the client can tell
//   backend_malformed       502: not HTTP as RFC 9112 has it
//   backend_timeout         504: silence after the request was sent
//   backend_withdrawn       503: the endpoint was left under the request
//   total_timeout           504, or cut: total_timeout of the route
//   tunnel_client_closed    after an upgrade, or of TCP: the client ended it
//   tunnel_backend_closed   after an upgrade, or of TCP: the backend ended it
//   tunnel_idle             after an upgrade, or of TCP: silence both ways
//   client_reset            of TCP: the client broke it off
//   backend_reset           of TCP: the backend broke it off
//   shutdown                cut: the door was going down, and limits.shutdown_time was over
enum class Termination : std::uint8_t {
  ok,
  redirect,
  local,
  challenge,
  client_closed,
  client_malformed,
  client_too_large,
  client_timeout,
  client_too_slow,
  client_not_reading,
  denied,
  method_not_allowed,
  preflight,
  maintenance,
  unauthorized,
  auth_failed,
  banned,
  rate_limited,
  no_route,
  misdirected,
  route_refused,
  no_file,
  file_failed,
  no_endpoint,
  two_primaries,
  queue_full,
  queue_timeout,
  overload,
  backend_connect_failed,
  backend_connect_timeout,
  backend_tls_failed,
  backend_closed,
  backend_cut,
  backend_malformed,
  backend_timeout,
  backend_withdrawn,
  total_timeout,
  tunnel_client_closed,
  tunnel_backend_closed,
  tunnel_idle,
  client_reset,
  backend_reset,
  shutdown,
};
inline constexpr std::size_t termination_count = static_cast<std::size_t>(Termination::shutdown) + 1;
std::string_view termination_text(Termination termination);

using Micros = std::chrono::microseconds;

struct AccessRecord {
  WallTime time;  // the request's first byte
  std::string_view event = "request";
  std::string_view node;
  IpAddress client_address, peer_address;
  std::string_view method, host, path;  // as sent; path with its query
  int status = 0;                       // 0: no answer was sent
  std::uint64_t bytes_in = 0, bytes_out = 0;
  Micros duration{0};
  std::optional<Micros> connect, first_byte;
  std::string_view service, endpoint;
  unsigned attempts = 0;
  Termination termination = Termination::ok;
  std::string_view tls_version, http_version;
  std::string_view request_id;
  std::string_view ban_id;
  std::string_view user_agent, referer;
  std::string_view encoding;  // in which the door sent the body, if it chose one
  std::string_view user, trace_id;
};

class AccessLineWriter {
 public:
  // Names of fields, as in the log, whose values are written as "-". Unknown names are the configuration's to refuse:
  // see is_access_field.
  explicit AccessLineWriter(const std::vector<std::string>& redact = {});

  // Returns the line's length with its newline; 0 if the room is too small (access_line_bytes_max always suffices).
  std::size_t write(const AccessRecord& record, std::span<char> room);

 private:
  LogTime time_;
  std::uint32_t redacted_ = 0;  // a bit for each field, in the order of the line
};

bool is_access_field(std::string_view name);

}  // namespace gatehouse::http
