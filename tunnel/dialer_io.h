// dialer_io.h: the proxy's own way through a tunnel: an exit that reaches the service, without a listener between.
//   Exits are tried as an entry tries them, those alone that lead to the instance's node, each with its share of the
//   time that is left. The service is reached once the exit has said so (an end of ours) or TLS stands (stunnel).
//   Threads  any loop's; TLS contexts are a thread's own.
#pragma once

#include <memory>

#include "net/dialer.h"
#include "tunnel/plan.h"

namespace gatehouse::tunnel {

struct DialerOf {
  std::shared_ptr<const Entry> entry;
  std::uint64_t rekey_bytes = 0;
  DialerPtr dialer;
};

DialerOf make_dialer(std::shared_ptr<const Entry> entry, std::uint64_t rekey_bytes);

}  // namespace gatehouse::tunnel
