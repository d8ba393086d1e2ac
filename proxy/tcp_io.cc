#include "proxy/tcp_io.h"

#include <algorithm>

#include "proxy/connect_io.h"
#include "proxy/exchange_io.h"
#include "proxy/guard_io.h"
#include "proxy/pool/hash.h"
#include "proxy/pool/latency.h"
#include "proxy/pool/panic.h"

namespace gatehouse::proxy {
namespace {

using State = Relay::State;
using http::Termination;

constexpr LoopTime first_look_ms = 10, later_look_ms = 100;  // for places that other workers release
constexpr LoopTime pipe_ms = 1000;                           // a pipe that moved nothing for so long is of no use
constexpr LoopTime silence_ms = 10000;                // of a session, before its peers are asked whether they live
constexpr std::uint64_t counted_at_least = 64 << 10;  // bytes, while a session goes on

bool ended(State state) { return state == State::source_ended; }
bool failed(State state) { return state == State::source_failed || state == State::sink_failed; }

Termination no_endpoint_reason(pool::Outcome outcome, bool queue_was_full) {
  if (outcome == pool::Outcome::doubled) return Termination::two_primaries;
  if (outcome != pool::Outcome::busy) return Termination::no_endpoint;
  return queue_was_full ? Termination::queue_full : Termination::queue_timeout;
}

Termination connect_failure(const Error& error) {
  if (error.code == Errc::limit) return Termination::queue_timeout;
  if (error.side == Side::self) return Termination::overload;
  return error.code == Errc::timed_out ? Termination::backend_connect_timeout : Termination::backend_connect_failed;
}

}  // namespace

TcpSession::TcpSession(ClientConnection& client)
    : client_(client),
      worker_(client.worker),
      settings_(worker_.worlds.current().shared_settings()),
      up_(worker_.buffers, worker_.pipes),
      down_(worker_.buffers, worker_.pipes),
      started_us_(worker_.loop.now_us()) {}

Task<bool> TcpSession::run() {
  const bool ours = co_await choose_service();
  if (!ours || unheard_) co_return ours;
  worker_.counters.tcp_sessions.add();
  worker_.counters.tcp_sessions_open.add();
  if (pool_ && termination_ == Termination::ok) {
    const bool reached = co_await reach_endpoint();
    if (reached) {
      co_await relay();
      release_endpoint();
    }
    reached ? shard().sessions.add() : shard().sessions_failed.add();
  }
  if (client_.was_cut)
    termination_ = client_.was_banned   ? Termination::banned
                   : client_.was_greedy ? Termination::overload
                                        : Termination::shutdown;
  worker_.counters.tcp_sessions_open.subtract();
  write_log();
  if (was_cut_) client_.stream.socket.reset();
  co_return true;
}

// Finds out who gets the connection, and whether he may have it.
Task<bool> TcpSession::choose_service() {
  const SocketAddress& address = client_.listener->conf.address;
  const bool shared = !client_.listener->tcp;
  const TcpTable& before = worker_.worlds.current().tcp();
  if (shared || before.asks_name(address)) {
    const Hello hello = co_await read_hello();
    if (end_unheard(hello, shared)) co_return true;
  }
  // Nothing suspends from here on: this is one world.
  const World& world = worker_.worlds.current();
  const std::string_view name = name_ ? name_->text() : std::string_view();
  const bool taken = take(shared ? world.tcp().find_shared(address, name) : world.tcp().find(address, name));
  if (!taken && shared) co_return false;
  if (!taken)
    termination_ = Termination::no_route;
  else if (!entry_->refused.empty())
    termination_ = Termination::route_refused;
  else if (!admits(world))
    termination_ = Termination::denied;
  else if (const Termination why = stopped_by_guard(client_, *entry_, *pool_->service); why != Termination::ok)
    termination_ = why;
  else if (!worker_.has_room())
    termination_ = Termination::overload;
  co_return true;
}

// Whom nobody was asked for can't be told of either, but as a handshake that failed.
bool TcpSession::end_unheard(Hello hello, bool shared) {
  if (hello == Hello::read || hello == Hello::none) return false;
  unheard_ = shared;
  if (shared) worker_.counters.handshakes_failed.add();
  termination_ = hello == Hello::gone ? Termination::client_closed : Termination::client_timeout;
  return true;
}

bool TcpSession::take(const std::optional<TcpTarget>& target) {
  if (!target) return false;
  pool_ = worker_.worlds.current().pools()[target->service];
  entry_ = &pool_->service->tcp[target->index];
  return true;
}

// By what the service says and, of a name, by what gatehouse.yaml says of that host.
bool TcpSession::admits(const World& world) const {
  const IpAddress& client = client_.peer.ip;
  if (!entry_->policy.admits(client)) return false;
  const conf::HostPolicy* host = name_ ? world.matcher().host_policy(name_->text()) : nullptr;
  return host == nullptr || ((host->allow.empty() || is_in(host->allow, client)) && !is_in(host->deny, client));
}

// Into client.in, where who gets the connection finds it. `none`: what comes is not TLS, or not bearable.
Task<TcpSession::Hello> TcpSession::read_hello() {
  const LoopTime deadline = worker_.loop.now() + settings_->limits.handshake_time.count();
  Buffer& in = client_.in;
  for (;;) {
    if (client_.stream.may_receive() && !in) {
      if (worker_.buffers.exhausted()) co_return Hello::gone;
      in = worker_.buffers.take();
    }
    const IoResult got = in ? client_.stream.receive(in.end(), in.room()) : IoResult{IoResult::State::again};
    if (got.ok()) {
      in.grew(got.size);
      ClientHelloReading read = read_client_hello(in.view());
      if (read.state == ClientHelloReading::State::refused) co_return Hello::none;
      if (read.state == ClientHelloReading::State::complete) {
        name_ = read.server_name;
        co_return Hello::read;
      }
      if (in.room() == 0) co_return Hello::none;
      continue;
    }
    if (!got.again() || client_.was_cut) co_return Hello::gone;
    client_.stream.socket.wait_readable();
    client_.in_head = static_cast<bool>(in);
    const Waker::Why why = co_await client_.waker.sleep(deadline);
    client_.in_head = false;
    if (why == Waker::Why::deadline) co_return Hello::silence;
    if (client_.stream.socket.failed()) co_return Hello::gone;
  }
}

Task<bool> TcpSession::reach_endpoint() {
  for (;;) {
    pool::Outcome outcome = tried_.ids.empty() && shard().line.takes_any() ? pool::Outcome::busy : pick_endpoint();
    if (outcome == pool::Outcome::busy || outcome == pool::Outcome::unchecked)
      outcome = co_await wait_for_endpoint(outcome);
    if (outcome != pool::Outcome::picked) {
      if (client_.stream.socket.failed())
        termination_ = Termination::client_reset;
      else if (tried_.ids.empty())  // a retry that finds nobody else keeps the fault it came with
        termination_ = no_endpoint_reason(outcome, queue_was_full_);
      co_return false;
    }
    const bool connected = co_await connect();
    if (connected) co_return true;
    pool::end_request(*endpoint_);
    shard().line.wake_oldest();
    if (!may_try_again()) co_return false;
    worker_.counters.retries.add();
    shard().retries.add();
  }
}

pool::Outcome TcpSession::pick_endpoint() {
  for (;;) {
    pool::PickContext context;
    const auto& address = client_.peer.ip.bytes;
    context.hash = pool::hash_bytes({reinterpret_cast<const char*>(address.data()), address.size()});
    context.dice = worker_.dice.roll();
    context.now_ms = static_cast<std::int64_t>(worker_.loop.now());
    context.tried = tried_.ids;
    context.cursor = &shard().cursor;
    const pool::Pick picked = pool::pick(pool_->endpoints, context);
    if (picked.outcome != pool::Outcome::picked) return picked.outcome;
    if (!pool::begin_request(*picked.endpoint)) continue;  // another worker took the last place
    endpoint_ = picked.endpoint;
    tried_.ids.push_back(endpoint_->live->id);
    return picked.outcome;
  }
}

// In the service's queue, which bounds number and time.
Task<pool::Outcome> TcpSession::wait_for_endpoint(pool::Outcome outcome) {
  std::atomic<std::uint32_t>& queued = pool_->stats->queued;
  if (queued.fetch_add(1, std::memory_order_relaxed) >= pool_->service->queue.length) {
    queued.fetch_sub(1, std::memory_order_relaxed);
    shard().queue_full.add();
    queue_was_full_ = true;
    co_return outcome;
  }
  pool::WaitingLine& line = shard().line;
  pool::WaitingLine::Place place(client_.waker, !tried_.ids.empty());
  line.join(place);
  const LoopTime deadline = worker_.loop.now() + pool_->service->queue.wait.count();
  while (outcome == pool::Outcome::busy || outcome == pool::Outcome::unchecked) {
    if (client_.stream.socket.failed()) break;
    if (worker_.loop.now() >= deadline) {
      shard().queue_timeout.add();
      break;
    }
    const LoopTime look = worker_.loop.now() + (line.is_oldest(place) ? first_look_ms : later_look_ms);
    co_await client_.waker.sleep(std::min(deadline, look));
    outcome = pick_endpoint();
    if (place.choosy) line.wake_after(place);  // what is no use to it may be to the next
  }
  line.leave(place);
  queued.fetch_sub(1, std::memory_order_relaxed);
  co_return outcome;
}

// What the endpoint lacks may be held by connections that idle for requests.
Task<Result<std::unique_ptr<BackendConnection>>> TcpSession::make_connection() {
  ConnectRequest request{*endpoint_, *pool_, entry_->policy.connect_timeout, &client_, client_.peer, {}};
  request.raw = true;
  const LoopTime deadline = worker_.loop.now() + pool_->service->queue.wait.count();
  for (;;) {
    Result<std::unique_ptr<BackendConnection>> made = co_await connect_backend(worker_, client_.waker, request);
    if (made || made.error().code != Errc::limit || client_.stream.socket.failed()) co_return made;
    if (worker_.loop.now() >= deadline) co_return made;
    worker_.shared.close_idle(endpoint_->live->id);
    co_await client_.waker.sleep(std::min(deadline, worker_.loop.now() + first_look_ms));
  }
}

Task<bool> TcpSession::connect() {
  const std::uint64_t before = worker_.loop.now_us();
  Result<std::unique_ptr<BackendConnection>> made = co_await make_connection();
  connect_us_ += worker_.loop.now_us() - before;
  if (made) {
    backend_ = std::move(*made);
    worker_.backends.know(*backend_);
    worker_.counters.backend_connects.add();
    pool::on_connected(*endpoint_->live);
    if (pool_->service->balance == conf::Balance::peak_ewma)
      pool::note_peak(*endpoint_->live, worker_.loop.now_us() - before,
                      static_cast<std::int64_t>(worker_.loop.now()));
    endpoint_->live->requests_total.fetch_add(1, std::memory_order_relaxed);
    termination_ = Termination::ok;
    co_return true;
  }
  if (client_.stream.socket.failed()) {
    termination_ = Termination::client_reset;
    co_return false;
  }
  worker_.counters.backend_connect_failures.add();
  termination_ = connect_failure(made.error());
  failure_ = pool::Failure::none;
  if (made.error().side == Side::backend) {
    failure_ = made.error().code == Errc::timed_out ? pool::Failure::connect_timeout : pool::Failure::refused;
    pool::on_connect_failure(*endpoint_, pool_->endpoints, pool_->stats->eject, failure_,
                             static_cast<std::int64_t>(worker_.loop.now()));
  }
  co_return false;
}

// Nothing was sent: another endpoint may be asked, and no budget has to spare anybody.
bool TcpSession::may_try_again() {
  const bool refused = failure_ == pool::Failure::refused && !pool::in_panic(pool_->endpoints);
  tried_.refusals += refused;
  return !client_.stream.socket.failed() && pool::may_connect_elsewhere(entry_->policy, tried_, refused, connect_us_);
}

Task<> TcpSession::relay() {
  up_.start_stream(std::move(client_.in));
  down_.start_stream();
  progress_at_ = worker_.loop.now();
  client_.carries_tcp = true;
  for (;;) {
    if (!client_.was_cut && !backend_->withdrawn) move_bytes();
    if (is_over()) co_return;
    if (up_state_ == State::yielded || down_state_ == State::yielded) {
      co_await client_.waker.yield();
      continue;
    }
    const Waker::Why why = co_await client_.waker.sleep(next_look());
    if (why == Waker::Why::deadline) look_after_silence();
    if (termination_ == Termination::tunnel_idle || termination_ == Termination::total_timeout) co_return;
  }
}

// Both ways, as far as it goes now.
void TcpSession::move_bytes() {
  Stream& client = client_.stream;
  Stream& backend = backend_->stream;
  if (ended(up_state_) && backend.pending()) {  // a close_notify that didn't leave at once
    backend.flush();
    if (backend.pending()) backend.wait_writable();
  }
  if (!ended(up_state_)) {
    up_state_ = up_.run(client, backend);
    if (ended(up_state_) && !ended(down_state_)) {
      backend.end_sending();
      termination_ = Termination::tunnel_client_closed;
    }
  }
  if (!ended(down_state_)) {
    down_state_ = down_.run(backend, client);
    if (ended(down_state_) && !ended(up_state_)) {  // else closing it says so
      client.end_sending();
      termination_ = Termination::tunnel_backend_closed;
    }
  }
  const std::uint64_t moved = up_.moved() + down_.moved();
  if (moved == moved_seen_) return;
  moved_seen_ = moved;
  progress_at_ = worker_.loop.now();
  if (moved - in_counted_ - out_counted_ >= counted_at_least) count_bytes();
}

bool TcpSession::is_over() {
  if (ended(up_state_) && ended(down_state_)) return true;
  const bool client_failed = client_.stream.socket.failed(), backend_failed = backend_->stream.socket.failed();
  if (backend_->withdrawn)
    termination_ = Termination::backend_withdrawn;
  else if (failed(up_state_) || failed(down_state_))
    termination_ = client_failed ? Termination::client_reset : Termination::backend_reset;
  else if (ended(up_state_) && client_failed)  // it took nothing more: nobody reads what would show it
    termination_ = Termination::client_reset;
  else if (ended(down_state_) && backend_failed)
    termination_ = Termination::backend_reset;
  else if (!client_.was_cut)
    return false;
  was_cut_ = true;
  return true;
}

LoopTime TcpSession::idle_due() const {
  const LoopTime total = due_after(started_us_ / 1000, entry_->policy.total_timeout);
  return std::min(due_after(progress_at_, entry_->policy.idle_timeout), total);
}

LoopTime TcpSession::next_look() const {
  LoopTime look = idle_due();
  if (up_.holds_pipe() || down_.holds_pipe()) look = std::min(look, worker_.loop.now() + pipe_ms);
  return kept_alive_ ? look : std::min(look, progress_at_ + silence_ms);
}

void TcpSession::look_after_silence() {
  const LoopTime now = worker_.loop.now();
  if (now >= idle_due()) {
    const bool idle = now >= due_after(progress_at_, entry_->policy.idle_timeout);
    termination_ = idle ? Termination::tunnel_idle : Termination::total_timeout;
    was_cut_ = true;
    return;
  }
  if (now >= progress_at_ + pipe_ms) {
    up_.relieve();
    down_.relieve();
  }
  if (kept_alive_ || now < progress_at_ + silence_ms) return;
  kept_alive_ = true;
  keep_alive(client_.stream.socket.fd());
  keep_alive(backend_->stream.socket.fd());
}

// Now and then, so that a session of days is seen while it lasts.
void TcpSession::count_bytes() {
  const std::uint64_t in = up_.moved() - in_counted_, out = down_.moved() - out_counted_;
  in_counted_ += in;
  out_counted_ += out;
  worker_.counters.bytes_in.add(in);
  worker_.counters.bytes_out.add(out);
  shard().bytes_in.add(in);
  shard().bytes_out.add(out);
  endpoint_->live->bytes_out_total.fetch_add(in, std::memory_order_relaxed);
  endpoint_->live->bytes_in_total.fetch_add(out, std::memory_order_relaxed);
}

void TcpSession::release_endpoint() {
  count_bytes();
  if (was_cut_) backend_->stream.socket.reset();
  pool::end_request(*endpoint_);
  shard().line.wake_oldest();
  backend_.reset();
}

void TcpSession::write_log() {
  if (!settings_->access_log) return;
  const std::span<char> line = worker_.access_log.reserve(http::access_line_bytes_max);
  if (line.empty()) return worker_.access_log.drop();
  const std::uint64_t duration = worker_.loop.now_us() - started_us_;
  http::AccessRecord record;
  record.time = WallTime(std::chrono::microseconds(worker_.loop.wall_us() - static_cast<std::int64_t>(duration)));
  record.event = "tcp";
  record.node = settings_->node;
  record.client_address = record.peer_address = client_.peer.ip;
  if (name_) record.host = name_->text();
  record.bytes_in = in_counted_;
  record.bytes_out = out_counted_;
  record.duration = http::Micros(duration);
  if (connect_us_ != 0) record.connect = http::Micros(connect_us_);
  if (pool_) record.service = pool_->service->name;
  if (endpoint_ != nullptr) record.endpoint = endpoint_->name;
  record.attempts = static_cast<unsigned>(tried_.ids.size());
  record.termination = termination_;
  worker_.access_log.commit(worker_.log_lines.write(record, line));
  if (worker_.access_log.used() * 2 > worker_.access_log.capacity()) worker_.shared.nudge_log();
}

}  // namespace gatehouse::proxy
