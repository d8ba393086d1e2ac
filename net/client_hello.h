// client_hello.h: the first message of a TLS client, as far as somebody needs it who won't decrypt: whom it asks for.
//   Pure: bytes in, values out. Reading is incremental by reading again from the start (the message is short). It may
//   be split over segments and over records. Nothing is kept of what is not understood; TLS itself judges it.
//   Limits  client_hello_bytes_max, records and all; a server_name extension of 512 bytes.
//   Source  RFC 8446 4.1.2, 5.1; RFC 5246 7.4.1.2; RFC 6066 3. With an encrypted ClientHello the outer name is read.
#pragma once

#include <optional>
#include <string_view>

#include "net/host_name.h"

namespace gatehouse {

inline constexpr std::size_t client_hello_bytes_max = 16 << 10;

struct ClientHelloReading {
  enum class State { incomplete, complete, refused };  // refused: no ClientHello, or beyond the limits
  State state = State::incomplete;
  std::optional<HostName> server_name;  // complete; none: it names nobody, or not as it must
};

// `bytes`: all that came so far.
ClientHelloReading read_client_hello(std::string_view bytes);

}  // namespace gatehouse
