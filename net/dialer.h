// dialer.h: a way to a service other than a plain connection. A port: who connects finds it in its world and knows
//   nothing of what stands behind; a tunnel fills it in.
//   Threads  any loop's: dial() keeps to the loop of the waker that it is given.
#pragma once

#include <memory>
#include <string_view>

#include "net/result.h"
#include "net/stream.h"
#include "net/task.h"

namespace gatehouse {

class Dialer {
 public:
  virtual ~Dialer() = default;
  // MUST end by the deadline, and MUST NOT say that the service is reached before that is so, where it can be known.
  // `stream` is fresh; what it stands on lives as long as it does. `node`: whose instance is meant.
  virtual Task<Status> dial(Stream& stream, Waker& waker, LoopTime deadline, std::string_view node) const = 0;
};
using DialerPtr = std::shared_ptr<const Dialer>;

}  // namespace gatehouse
