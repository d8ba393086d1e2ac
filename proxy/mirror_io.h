// mirror_io.h: copies of requests to another service, whose answers nobody waits for. One a worker.
//   A copy has a connection, a waker and a deadline of its own: it can neither slow the request it was taken of nor
//   fail it. Limits: 64 at once, 30 s each; what comes beyond is left out, and counted.
#pragma once

#include <memory>
#include <vector>

#include "net/counter.h"
#include "net/task.h"
#include "proxy/side_request_io.h"

namespace gatehouse::proxy {

class Mirrors {
 public:
  static constexpr std::size_t copies_max = 64;
  static constexpr LoopTime copy_ms = 30'000;

  explicit Mirrors(Worker& worker);
  ~Mirrors();

  // `request`: head and body as they go to the service's own backend.
  void send(PoolPtr to, std::string_view request, std::string_view host);
  void reap();   // those that are done
  void clear();  // all

  Counter sent, dropped, failed;  // dropped: none was free, or too many were under way

 private:
  struct Copy;
  Worker& worker_;
  std::vector<std::unique_ptr<Copy>> copies_;
};

}  // namespace gatehouse::proxy
