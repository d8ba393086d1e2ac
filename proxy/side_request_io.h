// side_request_io.h: a request that the door makes for itself in the data plane: to ask whether another one may pass,
//   or as a copy whose answer nobody wants. Sends what it is given and reads one whole answer, within a deadline.
//   One connection, one thread; the waker is the caller's. Limits: 48 KiB a head; of the body as much as is wanted is
//   kept, the rest is read off and dropped.
#pragma once

#include <string>

#include "net/result.h"
#include "net/task.h"
#include "proxy/backend/connection_pool.h"
#include "proxy/http/head.h"
#include "proxy/pool/pick.h"
#include "proxy/world.h"

namespace gatehouse::proxy {

class Worker;

struct SideAnswer {
  http::ResponseHead head;  // views `bytes`
  Buffer bytes;
  std::string body;  // without its framing
  bool whole = false;
  bool cut = false;       // the body is longer than what was wanted of it
  bool reusable = false;  // the connection may carry another request

  void clear() {
    head.clear();
    bytes.release();
    body.clear();
    whole = cut = reusable = false;
  }
};

// Fails if no whole head came in time, or no whole body of an answer whose body is wanted.
Task<Status> ask_aside(Worker& worker, Waker& waker, BackendConnection& connection, std::string_view request,
                       LoopTime deadline, std::size_t body_most, SideAnswer& answer);

}  // namespace gatehouse::proxy
