// probe_io.h: one run of one check against one place: what came of it, and a line that says why.
//   A fresh connection each time, as Consul does; everything within the check's own timeout. One file a kind
//   (probe_http_io, probe_tcp_io, probe_h2_io, probe_redis_io), one row in `probes`.
#pragma once

#include <string>

#include "conf/service.h"
#include "net/dialer.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls_client_context.h"
#include "proxy/pool/health.h"

namespace gatehouse::pool {

struct ProbeReport {
  CheckResult result = CheckResult::critical;
  std::string output;  // "HTTP 200", "connect: Connection refused"
};

// Where a check goes and with what means. Borrowed for the length of a probe.
struct ProbeTarget {
  const conf::HealthCheck& check;
  SocketAddress address;           // the instance's, unless the check names its own
  std::string host;                // for the Host field: as the definition wrote it
  std::string tls_name;            // what the certificate must name; sent as SNI
  const TlsClientContext* tls;     // null: plain
  conf::SendProxy send_proxy;      // the header says LOCAL: the proxy's own connection
  const Dialer* dialer = nullptr;  // in place of a connection to the address
  std::string node;                // that the dialer is told
};

Task<ProbeReport> probe(Waker& waker, const ProbeTarget& target);

Task<ProbeReport> probe_http(Waker& waker, const ProbeTarget& target);
Task<ProbeReport> probe_tcp(Waker& waker, const ProbeTarget& target);
Task<ProbeReport> probe_grpc(Waker& waker, const ProbeTarget& target);
Task<ProbeReport> probe_h2ping(Waker& waker, const ProbeTarget& target);
Task<ProbeReport> probe_redis(Waker& waker, const ProbeTarget& target);

// A connection (and TLS, if the check wants it) before the deadline; what failed is in the report.
Task<bool> open_probe(Stream& stream, Waker& waker, const ProbeTarget& target, LoopTime deadline,
                      ProbeReport& report);
Task<bool> send_probe(Stream& stream, Waker& waker, std::string_view bytes, LoopTime deadline, ProbeReport& report);

}  // namespace gatehouse::pool
