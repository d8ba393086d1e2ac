// The part of an exchange that finds an endpoint, gets a connection to it, and decides what a failure means.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "proxy/backend/connect_io.h"
#include "proxy/exchange_io.h"

namespace gatehouse::proxy {
namespace {

constexpr LoopTime queue_poll_ms = 10;

// Bytes of the connection that the peer's TCP has acknowledged.
std::uint64_t acked_bytes(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return ~std::uint64_t{0};
  return info.tcpi_bytes_acked;
}

bool idempotent(std::string_view method) {  // RFC 9110 9.2.2
  constexpr std::string_view methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  return std::find(std::begin(methods), std::end(methods), method) != std::end(methods);
}

}  // namespace

Task<> Exchange::forward() {
  for (;;) {
    const bool chosen = co_await choose_endpoint();
    if (!chosen) co_return;
    bool connected = take_idle_connection();
    if (!connected) connected = co_await connect();
    if (connected) co_await converse();
    release_endpoint(attempt_ == Attempt::answered);
    if (attempt_ == Attempt::again_elsewhere || attempt_ == Attempt::again_fresh) {
      worker_.counters.retries.add();
      continue;
    }
    co_return;
  }
}

// Waits for a place if every healthy endpoint is full, in a queue that the service bounds in length and time.
Task<bool> Exchange::choose_endpoint() {
  if (attempt_ == Attempt::again_fresh) {  // the same endpoint, another connection
    endpoint_->live->requests.fetch_add(1, std::memory_order_relaxed);
    attempt_ = Attempt::running;
    co_return true;
  }
  pool::Outcome outcome = pick_endpoint();
  if (outcome == pool::Outcome::busy || outcome == pool::Outcome::unchecked) outcome = co_await wait_in_queue(outcome);
  if (outcome == pool::Outcome::picked) {
    attempt_ = Attempt::running;
    co_return true;
  }
  // A retry that finds nobody else keeps the fault it came with.
  if (attempts_ == 0 && outcome != pool::Outcome::tried && local_.status == 0) refuse(503, http::Termination::no_endpoint);
  co_return false;
}

pool::Outcome Exchange::pick_endpoint() {
  for (;;) {
    pool::PickContext context;
    context.hash = admission_.hash;
    context.dice = worker_.dice.roll();
    context.now_ms = static_cast<std::int64_t>(worker_.loop.now());
    context.tried = std::span<const std::uint32_t>(tried_, std::min<std::size_t>(attempts_, std::size(tried_)));
    context.cursor = &shard().cursor;
    const bool sticks = admission_.sticky && attempts_ == 0;
    const pool::Pick picked = sticks ? pool::pick_sticky(service_->endpoints, *admission_.sticky, context)
                                     : pool::pick(service_->endpoints, context);
    if (picked.outcome != pool::Outcome::picked) return picked.outcome;
    if (!pool::begin_request(*picked.endpoint)) continue;  // another worker took the last place
    endpoint_ = picked.endpoint;
    if (attempts_ < std::size(tried_)) tried_[attempts_] = endpoint_->live->id;
    ++attempts_;
    return picked.outcome;
  }
}

Task<pool::Outcome> Exchange::wait_in_queue(pool::Outcome outcome) {
  std::atomic<std::uint32_t>& queued = service_->stats->queued;
  if (queued.fetch_add(1, std::memory_order_relaxed) >= service_->service->queue.length) {
    queued.fetch_sub(1, std::memory_order_relaxed);
    shard().queue_full.add();
    co_return outcome;
  }
  const LoopTime deadline = worker_.loop.now() + service_->service->queue.wait.count();
  while (outcome == pool::Outcome::busy || outcome == pool::Outcome::unchecked) {
    if (worker_.loop.now() >= deadline || client_.stream.socket.failed()) {
      shard().queue_timeout.add();
      break;
    }
    co_await client_.waker.sleep(std::min(deadline, worker_.loop.now() + queue_poll_ms));
    outcome = pick_endpoint();
  }
  queued.fetch_sub(1, std::memory_order_relaxed);
  co_return outcome;
}

bool Exchange::take_idle_connection() {
  if (fresh_only_ || service_->service->send_proxy != conf::SendProxy::none) return false;
  backend_ = worker_.backends.take(endpoint_->live->id);
  if (!backend_) return false;
  worker_.counters.backend_reuses.add();
  // What could not be repeated is sent only where a failure can be judged: see may_replay.
  if (!idempotent(head_.method())) acked_before_ = acked_bytes(backend_->stream.socket.fd());
  return true;
}

Task<bool> Exchange::connect() {
  const LoopTime before = worker_.loop.now();
  ConnectRequest request{*endpoint_, *service_->service, policy_->connect_timeout, client_.peer,
                         client_.listener->conf.address, admission_.host};
  Result<std::unique_ptr<BackendConnection>> made = co_await connect_backend(worker_, client_.waker, request);
  connected_ms_ += worker_.loop.now() - before;
  if (made) {
    backend_ = std::move(*made);
    worker_.counters.backend_connects.add();
    pool::on_connected(*endpoint_->live);
    co_return true;
  }
  worker_.counters.backend_connect_failures.add();
  failure_ = made.error().code == Errc::timed_out ? pool::Failure::connect_timeout
             : made.error().code == Errc::tls     ? pool::Failure::tls
                                                  : pool::Failure::refused;
  judge_failure(client_.stream.socket.failed() ? Fault::client_gone : Fault::connect);
  co_return false;
}

void Exchange::release_endpoint(bool success) {
  pool::end_request(*endpoint_);
  endpoint_->live->requests_total.fetch_add(1, std::memory_order_relaxed);
  if (success) judge_answer();
  if (!backend_) return;
  if (keep_backend_ && attempt_ == Attempt::answered) {
    ++backend_->requests;
    worker_.backends.give(std::move(backend_));
  }
  backend_.reset();
}

// May the very same bytes be sent once more, although they may have been sent already?
bool Exchange::may_replay() const {
  const bool whole = request_sent_ || out_sent_ < out_.size();
  if (!whole || region_copied_ != body_in_region_ || request_body_.moved() > 0 || !head_done_) return false;
  if (answering_ || interims_ > 0 || (answer_ && !answer_.empty())) return false;
  if (out_sent_ == 0 || idempotent(head_.method())) return true;
  // The backend had closed before a byte of this request reached it: its FIN acknowledges none of them. Linux tells
  // a reset that follows a FIN as EPIPE, so a plain ECONNRESET proves nothing.
  const Socket& socket = backend_->stream.socket;
  const bool fin_first = socket.last_error() == 0 || socket.last_error() == EPIPE;
  return backend_->requests > 0 && fin_first && !backend_->stream.tls && acked_bytes(socket.fd()) == acked_before_;
}

void Exchange::judge_failure(Fault fault) {
  const conf::RetryPolicy& retry = policy_->retry;
  attempt_ = Attempt::failed;
  if (fault == Fault::connect) {
    pool::on_connect_failure(*endpoint_, service_->endpoints, service_->stats->eject, failure_, now_ms());
    if (retry.on_connect && attempts_ <= retry.attempts && retry_allowed()) {
      attempt_ = Attempt::again_elsewhere;
      fail(fault);  // what is told if nobody else is found
      return;
    }
  }
  if (fault == Fault::closed && backend_ && backend_->requests > 0 && retry.on_stale && !stale_replayed_ &&
      may_replay()) {
    stale_replayed_ = fresh_only_ = true;
    worker_.counters.stale_replays.add();
    out_sent_ = 0;
    request_sent_ = request_broken_ = false;
    answer_.release();
    attempt_ = Attempt::again_fresh;
    return;
  }
  if (fault == Fault::timeout && retry.on_timeout && idempotent(head_.method()) && attempts_ <= retry.attempts &&
      may_replay() && retry_allowed()) {
    out_sent_ = 0;
    request_sent_ = false;
    attempt_ = Attempt::again_elsewhere;
    fail(fault);
    return;
  }
  if (fault == Fault::timeout || fault == Fault::closed || fault == Fault::malformed)
    note_gateway_error(fault);
  fail(fault);
}

bool Exchange::retry_allowed() {
  if (shard().budget.try_retry(now_ms(), policy_->retry.budget_percent)) return true;
  shard().retries_refused.add();
  return false;
}

void Exchange::note_gateway_error(Fault fault) {
  const pool::Failure failure = fault == Fault::timeout     ? pool::Failure::timeout
                                : fault == Fault::malformed ? pool::Failure::protocol
                                                            : pool::Failure::closed;
  endpoint_->live->failures_total.fetch_add(1, std::memory_order_relaxed);
  pool::on_gateway_error(*endpoint_, service_->endpoints, service_->service->eject, service_->stats->eject, failure,
                         now_ms());
}

// An answer came: its status may still be a gateway's error.
void Exchange::judge_answer() {
  if (status_ == 502 || status_ == 503 || status_ == 504)
    pool::on_gateway_error(*endpoint_, service_->endpoints, service_->service->eject, service_->stats->eject,
                           pool::Failure::status, now_ms());
  else
    pool::on_success(*endpoint_->live);
}

// Sets what the client is told; only what was not answered yet can be.
void Exchange::fail(Fault fault) {
  switch (fault) {
    case Fault::none: return;
    case Fault::connect: return refuse(503, http::Termination::backend_connect_failed);
    case Fault::stale:
    case Fault::closed: return refuse(502, http::Termination::backend_closed);
    case Fault::malformed: return refuse(502, http::Termination::backend_malformed);
    case Fault::timeout: return refuse(504, http::Termination::backend_timeout);
    case Fault::client_slow: return refuse(408, http::Termination::client_timeout);
    case Fault::client_gone: break;
  }
  local_.status = 0;
  termination_ = http::Termination::client_closed;
}

}  // namespace gatehouse::proxy
