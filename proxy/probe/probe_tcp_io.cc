#include "proxy/probe/probe_io.h"

namespace gatehouse::pool {

Task<ProbeReport> probe_tcp(Waker& waker, const ProbeTarget& target) {
  ProbeReport report;
  Stream stream;
  const LoopTime deadline = waker.loop().now() + target.check.timeout.count();
  const bool open = co_await open_probe(stream, waker, target, deadline, report);
  if (open) {
    report.result = CheckResult::passing;
    report.output = "connect: success";
  }
  co_return report;
}

}  // namespace gatehouse::pool
