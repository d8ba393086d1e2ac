#include "proxy/connect_io.h"

#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "net/proxy_protocol.h"
#include "proxy/client_io.h"
#include "proxy/http/authority.h"
#include "proxy/worker_io.h"

namespace gatehouse::proxy {
namespace {

using Made = Result<std::unique_ptr<BackendConnection>>;

Error connect_failure(Errc code, std::string what, Side side = Side::backend) {
  return Error{code, std::move(what), side};
}

// What the machine or the process lacks, whoever was to be connected to.
Side side_of(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOSPC:  // of epoll's watches
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL: return Side::self;
    default: return Side::backend;
  }
}

Error no_connection(int error) {
  return connect_failure(Errc::unavailable, std::string("connect: ") + std::strerror(error), side_of(error));
}

Task<Status> await_connection(BackendConnection& connection, Waker& waker, LoopTime deadline) {
  Socket& socket = connection.stream.socket;
  while (!socket.writable() && !socket.failed()) {
    socket.wait_writable();
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return connect_failure(Errc::timed_out, "connect: no answer in time");
  }
  if (const int error = connect_error(socket.fd()); error != 0) co_return no_connection(error);
  co_return Done{};
}

Task<Status> send_proxy_header(BackendConnection& connection, Waker& waker, const ConnectRequest& request,
                               LoopTime deadline) {
  ProxyHeader told;
  told.source = request.source;
  told.destination = request.client->destination();
  const conf::Service& service = *request.pool.service;
  const bool first = service.send_proxy == conf::SendProxy::v1;
  const ProxyBytes header = first ? write_proxy_v1(told) : write_proxy_v2(told);
  for (std::size_t sent = 0; sent < header.size;) {
    // The request follows in this turn: one packet takes both, for backends that read the header with one call.
    const bool request_follows = !request.raw && !conf::over_tls(service.protocol);
    Stream& stream = connection.stream;
    const char* rest = header.bytes.data() + sent;
    const IoResult result = stream.tls ? stream.send(rest, header.size - sent)
                                       : stream.socket.send(rest, header.size - sent, request_follows);
    if (result.ok()) sent += result.size;
    if (result.ok()) continue;
    if (!result.again()) co_return connect_failure(Errc::reset, "PROXY header: connection lost");
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return connect_failure(Errc::timed_out, "PROXY header: not taken in time");
  }
  co_return Done{};
}

// Who didn't choose h2 must not be sent it (RFC 9113 3.2).
bool speaks_as_asked(TlsSession& tls, conf::Protocol protocol) {
  if (protocol != conf::Protocol::h2) return true;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls.ssl(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "h2";
}

Task<Status> shake_hands(Worker& worker, BackendConnection& connection, Waker& waker, const ConnectRequest& request,
                         LoopTime deadline) {
  const Result<const TlsClientContext*> context = worker.tls_client(request.pool);
  if (!context) co_return connect_failure(Errc::tls, context.error().what);
  const conf::Service& service = *request.pool.service;
  const std::string& given = service.tls_name.empty() ? service.host : service.tls_name;
  const std::string name(http::certified_name(given.empty() ? request.host : std::string_view(given)));
  // An endpoint can't be blamed for not being whom the client named.
  const Side side = given.empty() ? Side::client : Side::backend;
  Result<SslPtr> ssl = (*context)->connect(name, request.endpoint.name);
  if (!ssl) co_return connect_failure(Errc::tls, ssl.error().what, side);
  connection.stream.tls = std::make_unique<TlsSession>(std::move(*ssl), connection.stream.socket);
  for (;;) {
    const IoResult result = connection.stream.tls->handshake();
    if (result.ok() && speaks_as_asked(*connection.stream.tls, service.protocol)) co_return Done{};
    if (result.ok()) co_return connect_failure(Errc::tls, "TLS to " + name + ": it does not speak h2 (ALPN)");
    if (!result.again())
      co_return connect_failure(Errc::tls, "TLS to " + name + ": " + connection.stream.tls->error_text(), side);
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return connect_failure(Errc::timed_out, "TLS: no answer in time");
  }
}

// By the tunnel, whose errors say which hop it was.
Task<Status> dial_through(BackendConnection& connection, Waker& waker, const ConnectRequest& request,
                          LoopTime deadline) {
  const conf::Service& service = *request.pool.service;
  if (!request.pool.dialer)
    co_return connect_failure(Errc::unavailable, "tunnel " + service.through.tunnel + ": there is none");
  if (!request.raw && conf::over_tls(service.protocol))
    co_return connect_failure(Errc::tls, "a tunnel is TLS already: it does not carry https and h2");
  const std::string& node = request.endpoint.instance->node;
  Status done = co_await request.pool.dialer->dial(connection.stream, waker, deadline, node);
  if (done) co_return done;
  const bool ours = done.error().code == Errc::limit;
  co_return connect_failure(ours ? Errc::unavailable : done.error().code, done.error().what,
                            ours ? Side::self : Side::backend);
}

Task<Status> connect_straight(Worker& worker, BackendConnection& connection, Waker& waker,
                              const ConnectRequest& request, LoopTime deadline) {
  const int fd = start_connect(request.endpoint.address);
  if (fd < 0) co_return no_connection(errno);
  if (!connection.stream.socket.open(worker.loop, fd)) co_return no_connection(connection.stream.socket.last_error());
  connection.stream.socket.set_waker(&waker);
  Status done = co_await await_connection(connection, waker, deadline);
  co_return done;
}

}  // namespace

Task<Made> connect_backend(Worker& worker, Waker& waker, const ConnectRequest& request) {
  if (!pool::begin_connection(request.endpoint))
    co_return connect_failure(Errc::limit, "connect: max_connections are open", Side::self);
  auto connection = std::make_unique<BackendConnection>(request.endpoint.state);
  const LoopTime deadline = worker.loop.now() + request.timeout.count();
  const conf::Service& service = *request.pool.service;

  Status done = Done{};
  if (request.endpoint.through)
    done = co_await dial_through(*connection, waker, request, deadline);
  else
    done = co_await connect_straight(worker, *connection, waker, request, deadline);
  if (done && service.send_proxy != conf::SendProxy::none)
    done = co_await send_proxy_header(*connection, waker, request, deadline);
  if (done && !request.raw && conf::over_tls(service.protocol))
    done = co_await shake_hands(worker, *connection, waker, request, deadline);
  if (!done) co_return done.error();
  co_return Made(std::move(connection));
}

}  // namespace gatehouse::proxy
