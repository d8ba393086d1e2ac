// local_body.h: the body of an answer that no backend gives.
//   To answer from another place than a backend: make the head with Exchange::local_head(), which adds what is ours
//   (Date, Connection, X-Request-Id, HSTS), derive a LocalBody that sends that head and what follows it, and await
//   Exchange::send_local(). Log line, counters, keep-alive, timeouts and the least rate are then those of any answer.
//   A body that has to be made as it goes may be a ByteSource behind a FilteredBody (filtered_body_io.h). A refusal
//   is Exchange::refuse() alone. exchange_local_io.cc does all of this for files.
#pragma once

#include "proxy/body_io.h"

namespace gatehouse::proxy {

class LocalBody {
 public:
  // Moves what can be moved now, at most a fair share. Blocked: an edge of the sink, or the source's signal to the
  // exchange's waker, will come.
  virtual Moved run(Stream& to) = 0;
  virtual std::uint64_t moved() const = 0;    // bytes to the client, with the head
  virtual bool waits_for_source() const = 0;  // blocked, it is not the client's fault

 protected:
  ~LocalBody() = default;
};

}  // namespace gatehouse::proxy
