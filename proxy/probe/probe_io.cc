#include "proxy/probe/probe_io.h"

#include <cstring>

#include "net/proxy_protocol.h"

namespace gatehouse::pool {
namespace {

struct Probe {
  conf::HealthCheck::Kind kind;
  Task<ProbeReport> (*run)(Waker&, const ProbeTarget&);
};
constexpr Probe probes[] = {{conf::HealthCheck::Kind::http, probe_http},
                            {conf::HealthCheck::Kind::tcp, probe_tcp},
                            {conf::HealthCheck::Kind::grpc, probe_grpc},
                            {conf::HealthCheck::Kind::h2ping, probe_h2ping},
                            {conf::HealthCheck::Kind::redis, probe_redis}};

Task<bool> send_proxy_header(Stream& stream, Waker& waker, conf::SendProxy version, LoopTime deadline,
                             ProbeReport& report) {
  ProxyHeader own;
  own.local = true;
  const ProxyBytes header = version == conf::SendProxy::v1 ? write_proxy_v1(own) : write_proxy_v2(own);
  const bool sent = co_await send_probe(stream, waker, header.view(), deadline, report);
  co_return sent;
}

Task<bool> connect_probe(Stream& stream, Waker& waker, const ProbeTarget& target, LoopTime deadline,
                         ProbeReport& report) {
  const int fd = start_connect(target.address);
  if (fd < 0) {
    report.output = std::string("connect: ") + std::strerror(errno);
    co_return false;
  }
  Socket& socket = stream.socket;
  if (!socket.open(waker.loop(), fd)) {
    report.output = std::string("connect: ") + std::strerror(socket.last_error());
    co_return false;
  }
  socket.set_waker(&waker);
  while (!socket.writable() && !socket.failed()) {
    socket.wait_writable();
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      report.output = "connect: no answer in time";
      co_return false;
    }
  }
  if (const int error = connect_error(fd); error != 0) {
    report.output = std::string("connect: ") + std::strerror(error);
    co_return false;
  }
  co_return true;
}

Task<bool> dial_probe(Stream& stream, Waker& waker, const ProbeTarget& target, LoopTime deadline,
                      ProbeReport& report) {
  if (target.tls != nullptr) {
    report.output = "a tunnel is TLS already: it does not carry a check over TLS";
    co_return false;
  }
  const Status reached = co_await target.dialer->dial(stream, waker, deadline, target.node);
  if (!reached) report.output = reached.error().what;
  co_return static_cast<bool>(reached);
}

}  // namespace

Task<ProbeReport> probe(Waker& waker, const ProbeTarget& target) {
  for (const Probe& each : probes) {
    if (each.kind != target.check.kind) continue;
    ProbeReport report = co_await each.run(waker, target);
    co_return report;
  }
  ProbeReport unknown;
  unknown.output = "this kind of check is not run";
  co_return unknown;
}

Task<bool> open_probe(Stream& stream, Waker& waker, const ProbeTarget& target, LoopTime deadline,
                      ProbeReport& report) {
  bool open = false;
  if (target.dialer != nullptr)
    open = co_await dial_probe(stream, waker, target, deadline, report);
  else
    open = co_await connect_probe(stream, waker, target, deadline, report);
  if (!open) co_return false;
  if (target.send_proxy != conf::SendProxy::none) {
    const bool told = co_await send_proxy_header(stream, waker, target.send_proxy, deadline, report);
    if (!told) co_return false;
  }
  if (target.tls == nullptr) co_return true;
  Result<SslPtr> ssl = target.tls->connect(target.tls_name, "");
  if (!ssl) {
    report.output = ssl.error().what;
    co_return false;
  }
  stream.tls = std::make_unique<TlsSession>(std::move(*ssl), stream.socket);
  for (;;) {
    const IoResult result = stream.tls->handshake();
    if (result.ok()) co_return true;
    if (!result.again()) {
      report.output = "TLS: " + stream.tls->error_text();
      co_return false;
    }
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      report.output = "TLS: no answer in time";
      co_return false;
    }
  }
}

Task<bool> send_probe(Stream& stream, Waker& waker, std::string_view bytes, LoopTime deadline, ProbeReport& report) {
  while (!bytes.empty() || stream.pending()) {
    const IoResult sent = stream.pending() ? stream.flush() : stream.send(bytes.data(), bytes.size());
    if (sent.ok()) {
      bytes.remove_prefix(std::min(sent.size, bytes.size()));
      continue;
    }
    if (!sent.again()) {
      report.output = "the connection broke before the request was sent";
      co_return false;
    }
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      report.output = "the request was not taken in time";
      co_return false;
    }
  }
  co_return true;
}

}  // namespace gatehouse::pool
