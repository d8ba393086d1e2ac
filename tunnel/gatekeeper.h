// gatekeeper.h: the guard as an exit meets it: whom it refuses, and who is told of those that failed. An exit knows
//   neither jails nor bans.
//   Threads  the carrier's loop alone.
#pragma once

#include "net/ip.h"
#include "tunnel/stats.h"

namespace gatehouse::tunnel {

class Gatekeeper {
 public:
  virtual ~Gatekeeper() = default;
  virtual bool refuses(const IpAddress& client) = 0;
  virtual void saw_refusal(const IpAddress& client, End why) = 0;
};

}  // namespace gatehouse::tunnel
