#include "proxy/probe/probe_io.h"
#include "proxy/probe/resp.h"

namespace gatehouse::pool {

Task<ProbeReport> probe_redis(Waker& waker, const ProbeTarget& target) {
  ProbeReport report;
  Stream stream;
  const bool master = target.check.redis_master;
  const LoopTime deadline = waker.loop().now() + target.check.timeout.count();
  const bool open = co_await open_probe(stream, waker, target, deadline, report);
  if (!open) co_return report;
  const bool asked = co_await send_probe(stream, waker, redis_request(master), deadline, report);
  if (!asked) co_return report;
  char bytes[resp_answer_bytes_max];
  std::size_t size = 0;
  for (;;) {
    const IoResult got = stream.receive(bytes + size, sizeof bytes - size);
    if (got.ok()) {
      size += got.size;
      RedisAnswer answer = read_redis_answer({bytes, size}, master);
      if (answer.state == RedisAnswer::State::incomplete) continue;
      report.result = answer.state == RedisAnswer::State::passing ? CheckResult::passing : CheckResult::critical;
      report.output = std::move(answer.output);
      co_return report;
    }
    if (!got.again()) {
      report.output = "the connection ended without an answer";
      co_return report;
    }
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      report.output = "no answer in time";
      co_return report;
    }
  }
}

}  // namespace gatehouse::pool
