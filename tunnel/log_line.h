// log_line.h: one line of the access log for a connection through a tunnel: event "tunnel", a JSON object.
//   Identities and names are strangers' bytes: escaped, and cut at text_bytes_max. Keys are never near it. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "net/clock.h"
#include "net/ip.h"
#include "tunnel/stats.h"

namespace gatehouse::tunnel {

inline constexpr std::size_t text_bytes_max = 128, log_line_bytes_max = 4096;

struct Record {
  WallTime time;  // of its begin
  std::string_view node, side, tunnel, identity, service, target, detail, tls;
  IpAddress client;
  bool client_redacted = false, client_local = false;  // local: over a Unix socket
  std::string_view connection;                         // its name at both ends
  std::uint64_t bytes_in = 0, bytes_out = 0, duration_us = 0, handshake_us = 0, connect_us = 0;
  unsigned attempts = 0;
  End end = End::ok;
};

// Writes the line with its end into `out`, which has log_line_bytes_max bytes. Gives its size.
std::size_t write_log_line(const Record& record, std::span<char> out);

}  // namespace gatehouse::tunnel
