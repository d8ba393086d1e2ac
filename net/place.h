// place.h: where a stream begins or ends: "127.0.0.1:5432", "[::1]:5432", "db.internal:5432", "unix:/run/db.sock".
//   A name is to be resolved by whoever dials. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/ip.h"
#include "net/result.h"

namespace gatehouse {

struct Place {
  std::string host;  // a name; empty: it is an address or a Unix socket
  SocketAddress address;
  std::string socket;  // a Unix socket's path

  static Result<Place> parse(std::string_view text);
  std::string text() const;  // as parse reads it
  bool operator==(const Place&) const = default;
};

}  // namespace gatehouse
