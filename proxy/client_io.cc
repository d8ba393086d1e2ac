#include "proxy/client_io.h"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/proxy_protocol.h"
#include "proxy/exchange_io.h"
#include "proxy/guard_io.h"
#include "proxy/http2_io.h"
#include "proxy/tcp_io.h"

namespace gatehouse::proxy {
namespace {

constexpr std::size_t proxy_v2_header_max = 16 + proxy_v2_body_max;
constexpr unsigned requests_in_a_row = 32;  // of a client that doesn't wait for answers; then others have their turn
constexpr LoopTime drain_patience_ms = 500;
constexpr LoopTime linger_ms = 5000;  // so that a 4xx is readable while the client still sends (RFC 9112 9.6)
constexpr std::size_t linger_bytes = 1 << 20;
constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

constexpr std::uint64_t exchange_cost = 64 << 10;  // a slab or two each way

LoopTime after(const Loop& loop, Millis time) { return loop.now() + time.count(); }

std::string_view reason_of(TlsSession::Failure failure) {
  switch (failure) {
    case TlsSession::Failure::closed: return "closed";
    case TlsSession::Failure::alert: return "alert";
    case TlsSession::Failure::protocol: break;
  }
  return "protocol";
}

IoResult discard(Socket& socket) {
  char sink[16 << 10];
  return socket.receive(sink, sizeof sink);
}

}  // namespace

ClientConnection::ClientConnection(Worker& home, std::shared_ptr<const Listener> door, const SocketAddress& from)
    : Client(home, std::move(door), from), counted_as(from.ip), story_(story()) {}

ClientConnection::~ClientConnection() {
  worker.shared.clients.leave(counted_as);
  if (stream.tls) worker.counters.tls_connections_open.subtract();
}

bool ClientConnection::begin(int fd) {
  if (!stream.socket.open(worker.loop, fd)) return false;
  stream.socket.set_waker(&waker);
  story_.start();
  return true;
}

void ClientConnection::cut() {
  was_cut = true;
  carries_tcp ? stream.socket.reset() : stream.socket.close();
  waker.signal();
}

std::uint64_t ClientConnection::bytes_held() const {
  const std::uint64_t first = in.capacity() + (stream.tls ? tls_cost : 0);
  if (http2_ != nullptr) return first + http2_->bytes_held();
  return idle ? first : first + exchange_cost;
}

SocketAddress Client::destination() const {
  if (carrier) return carrier->destination();
  if (told_destination) return *told_destination;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(stream.socket.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return SocketAddress::from(reinterpret_cast<const sockaddr*>(&address));
}

Task<> ClientConnection::story() {
  bool welcome = co_await greet();
  if (welcome && may_be_tcp()) {
    const bool carried = co_await carry();
    if (carried) co_return worker.forget(*this);
  }
  if (welcome && listener->conf.tls) welcome = co_await shake_hands();
  bool more = welcome;
  while (more) {
    const bool spoke = co_await await_first_bytes();
    if (!spoke) break;
    more = co_await next_request();
    if (more && requests % requests_in_a_row == 0) co_await waker.yield();
  }
  if (welcome) co_await part();
  worker.forget(*this);
}

Task<bool> ClientConnection::greet() {
  if (is_in(listener->conf.proxy_protocol, peer.ip)) {
    const bool named = co_await read_proxy_header();
    if (!named) co_return false;
    if (!count_named()) co_return false;
  }
  co_return true;
}

bool ClientConnection::may_be_tcp() const {
  return listener->tcp || (listener->conf.tls && worker.worlds.current().tcp().shares(listener->conf.address));
}

// False: it is not for a service that carries TCP.
Task<bool> ClientConnection::carry() {
  const auto session = std::make_unique<TcpSession>(*this);
  const bool carried = co_await session->run();
  co_return carried;
}

Task<bool> ClientConnection::read_proxy_header() {
  const LoopTime deadline = after(worker.loop, worker.worlds.current().settings().limits.header_time);
  for (;;) {
    // One byte too many read here would be lost to TLS: the header is peeked and taken off exactly.
    char bytes[proxy_v2_header_max];
    const bool ended = stream.socket.peer_ended();  // then what is there now is all there will be
    const auto count = ::recv(stream.socket.fd(), bytes, sizeof bytes, MSG_PEEK);
    if (count == 0 || (count < 0 && errno != EAGAIN)) co_return false;
    if (count > 0) {
      const ProxyReading read = ::gatehouse::read_proxy_header({bytes, static_cast<std::size_t>(count)});
      if (read.state == ProxyReading::State::refused) co_return false;
      if (read.state == ProxyReading::State::complete) {
        if (!read.header.local) {
          peer = read.header.source;
          told_destination = std::make_unique<const SocketAddress>(read.header.destination);
        }
        [[maybe_unused]] const auto taken = ::recv(stream.socket.fd(), bytes, read.consumed, 0);
        co_return true;
      }
    }
    if (ended) co_return false;
    stream.socket.wait_readable();
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline || stream.socket.failed()) co_return false;
  }
}

// Counts the connection as its client's from here on, not as the proxy's.
bool ClientConnection::count_named() {
  if (peer.ip == counted_as) return true;
  if (!worker.enter(peer.ip)) {
    worker.counters.connections_refused.add();
    return false;
  }
  worker.shared.clients.leave(std::exchange(counted_as, peer.ip));
  return true;
}

void ClientConnection::handshake_failed(std::string_view reason) {
  worker.counters.handshakes_failed.add();
  show_to_guard(worker, peer.ip, ratelimit::event_kind::tls, reason);
}

Task<bool> ClientConnection::shake_hands() {
  const LoopTime deadline = after(worker.loop, worker.worlds.current().settings().limits.handshake_time);
  selection = std::make_unique<TlsSelection>();
  WorldKeeper::Use world = worker.worlds.use();  // keeps the certificates while they are chosen from
  selection->certificates = &world->certificates();
  selection->challenges = &world->challenges();
  SslPtr ssl = worker.tls_server(*listener).accept(*selection);
  if (!ssl) co_return false;
  stream.tls = std::make_unique<TlsSession>(std::move(ssl), stream.socket);
  if (!in.empty()) stream.tls->replay(std::move(in));
  worker.counters.tls_connections_open.add();
  for (;;) {
    const IoResult result = stream.tls->handshake();
    if (result.ok()) break;
    if (!result.again()) {
      handshake_failed(reason_of(stream.tls->failure()));
      co_return false;
    }
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline || stream.socket.failed()) {
      handshake_failed(why == Waker::Why::deadline ? "timeout" : "closed");
      co_return false;
    }
  }
  selection->version = SSL_get_version(stream.tls->ssl());
  selection->certificates = nullptr;  // the world may go; what was served is remembered
  selection->challenges = nullptr;
  worker.counters.handshakes.add();
  if (SSL_session_reused(stream.tls->ssl())) worker.counters.handshakes_resumed.add();
  co_return selection->challenge == nullptr;  // a certificate authority has seen what it came for
}

// Reads what comes first, if it is there. A TLS record that isn't whole yet, or carries nothing for us, is no byte.
ClientConnection::First ClientConnection::read_first_bytes() {
  if (!stream.may_receive()) return First::silence;
  if (worker.buffers.exhausted()) {
    worker.counters.connections_refused.add();
    return First::end;
  }
  in = worker.buffers.take();
  const IoResult got = stream.receive(in.data(), in.room());
  if (got.ok()) {
    in.grew(got.size);
    return First::bytes;
  }
  in.release();
  return got.again() ? First::silence : First::end;
}

// When a connection that stays silent is closed.
LoopTime ClientConnection::silence_due() const {
  const conf::Limits& limits = worker.worlds.current().settings().limits;
  return after(worker.loop, requests == 0 ? limits.header_time : limits.keep_alive_time);
}

// False: the connection ends without a word (idle too long, closed, draining). Most connections are here most of the
// time, so that this frame's size is theirs.
Task<bool> ClientConnection::await_first_bytes() {
  if (in && !in.empty()) co_return true;
  in.release();
  idle = true;
  const LoopTime deadline = silence_due();
  for (;;) {
    const First first = read_first_bytes();
    if (first == First::bytes) break;
    // Whom another process will serve next may say what he was about to, and is told then that this connection ends.
    const bool ends_now = worker.draining && !worker.shared.succeeded.load(std::memory_order_relaxed);
    if (first == First::end || (ends_now && requests > 0) || stream.socket.failed()) co_return false;
    stream.socket.wait_readable();
    // The first request of a connection that was accepted at the last moment is on its way.
    const LoopTime patience = ends_now ? worker.loop.now() + drain_patience_ms : never;
    const Waker::Why why = co_await waker.sleep(std::min(deadline, patience));
    if (why == Waker::Why::deadline) co_return false;
  }
  idle = false;
  co_return true;
}

// By ALPN over TLS, else by the preface (RFC 9113 3.3, 3.4).
bool ClientConnection::may_be_http2() const {
  if (requests > 0 || !listener->conf.http2) return false;
  if (stream.tls) return stream.tls->protocol() == "h2";
  return http2_preface.starts_with(in.view().substr(0, http2_preface.size()));
}

Task<bool> ClientConnection::speaks_http2() {
  const LoopTime deadline = after(worker.loop, worker.worlds.current().settings().limits.header_time);
  while (!stream.tls && in.size() < http2_preface.size() && may_be_http2()) {
    const IoResult got = stream.receive(in.end(), in.room());
    if (got.ok()) {
      in.grew(got.size);
      continue;
    }
    if (!got.again()) break;
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline || stream.failed()) break;  // the reader of HTTP/1.1 has a word for it
  }
  co_return stream.tls || (in.size() >= http2_preface.size() && may_be_http2());
}

Task<bool> ClientConnection::next_request() {
  if (may_be_http2()) {
    const bool http2 = co_await speaks_http2();
    if (http2) {
      const auto all = std::make_unique<Http2Connection>(*this);
      http2_ = all.get();
      co_await all->run();
      http2_ = nullptr;
      co_return false;
    }
  }
  std::unique_ptr<Exchange> exchange = std::make_unique<Exchange>(*this);
  const LoopTime deadline = after(worker.loop, exchange->limits().header_time);
  http::ParseState state = exchange->parse_head();
  while (state == http::ParseState::incomplete) {
    if (in.room() == 0 && !exchange->make_room()) break;
    const IoResult got = stream.receive(in.end(), in.room());
    if (got.ok()) {
      in.grew(got.size);
      state = exchange->parse_head();
      continue;
    }
    if (!got.again()) co_return false;
    in_head = true;
    const Waker::Why why = co_await waker.sleep(deadline);
    in_head = false;
    if (why == Waker::Why::deadline) {
      exchange->refuse_late_head();
      break;
    }
    if (stream.socket.failed()) co_return false;
  }
  ++requests;
  const bool more = co_await exchange->run();
  co_return more && !stream.socket.failed();
}

// Says that we are done, and reads off what the client is still sending: closing with unread bytes would reset the
// connection and could destroy our last answer on its way.
Task<> ClientConnection::part() {
  in.release();
  if (stream.socket.failed()) co_return;
  const LoopTime deadline = worker.loop.now() + linger_ms;
  while (stream.pending()) {
    const IoResult flushed = stream.flush();
    if (flushed.ok()) break;
    if (!flushed.again()) co_return;
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return;
  }
  if (!linger && !stream.may_receive()) {  // all was read: closing ends the stream as well
    if (stream.tls) stream.tls->close_notify();
    co_return;
  }
  stream.end_sending();
  std::size_t total = 0;
  while (total < linger_bytes) {
    const IoResult got = discard(stream.socket);
    if (got.ok()) {
      total += got.size;
      continue;
    }
    if (!got.again()) co_return;
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return;
  }
}

}  // namespace gatehouse::proxy
