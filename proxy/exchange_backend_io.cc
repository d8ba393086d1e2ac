// The part of an exchange that finds an endpoint, gets a connection to it, and decides what a failure means.
#include <algorithm>

#include "proxy/backend/acked_io.h"
#include "proxy/connect_io.h"
#include "proxy/exchange_io.h"
#include "proxy/http/framing.h"
#include "proxy/pool/latency.h"
#include "proxy/pool/panic.h"

namespace gatehouse::proxy {
namespace {

constexpr LoopTime first_look_ms = 10, later_look_ms = 100;  // for places that other workers release

http::Termination no_endpoint_reason(pool::Outcome outcome, bool queue_was_full) {
  if (outcome == pool::Outcome::doubled) return http::Termination::two_primaries;
  if (outcome != pool::Outcome::busy) return http::Termination::no_endpoint;
  return queue_was_full ? http::Termination::queue_full : http::Termination::queue_timeout;
}

}  // namespace

Task<> Exchange::forward() {
  for (;;) {
    const bool chosen = co_await choose_endpoint();
    if (!chosen) co_return;
    bool connected = take_idle_connection();
    if (!connected) connected = co_await connect();
    if (connected && may_carry_upgrade()) {
      endpoint_->live->requests_total.fetch_add(1, std::memory_order_relaxed);
      co_await converse();
      count_bytes();
    }
    release_endpoint();
    if (attempt_ == Attempt::again_elsewhere || attempt_ == Attempt::again_fresh) {
      worker_.counters.retries.add();
      shard().retries.add();
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
  const bool overtakes = !is_choosy() && shard().line.takes_any();
  pool::Outcome outcome = overtakes ? pool::Outcome::busy : pick_endpoint();
  if (outcome == pool::Outcome::busy || outcome == pool::Outcome::unchecked)
    outcome = co_await wait_in_queue(outcome);
  if (outcome == pool::Outcome::picked) {
    attempt_ = Attempt::running;
    refused_ = 0;
    termination_ = http::Termination::ok;
    co_return true;
  }
  if (client_.stream.failed()) {
    judge_failure(Fault::client_gone);
    co_return false;
  }
  // A retry that finds nobody else keeps the fault it came with.
  if (refused_ == 0) refuse(503, no_endpoint_reason(outcome, queue_was_full_));
  co_return false;
}

// Not every endpoint will do: a sticky one is wanted, or one not tried yet.
bool Exchange::is_choosy() const { return admission_.sticky || !tried_.ids.empty(); }

pool::PickContext Exchange::pick_context() {
  pool::PickContext context;
  context.hash = admission_.hash;
  context.dice = worker_.dice.roll();
  context.now_ms = now_ms();
  context.tried = tried_.ids;
  return context;
}

pool::Outcome Exchange::pick_endpoint() {
  for (;;) {
    pool::PickContext context = pick_context();
    context.cursor = &shard().cursor;
    const bool sticks = admission_.sticky && tried_.ids.empty();
    const pool::Pick picked = sticks ? pool::pick_sticky(pool_->endpoints, *admission_.sticky, context)
                                     : pool::pick(pool_->endpoints, context);
    if (picked.outcome != pool::Outcome::picked) return picked.outcome;
    if (!pool::begin_request(*picked.endpoint)) continue;  // another worker took the last place
    endpoint_ = picked.endpoint;
    tried_.ids.push_back(endpoint_->live->id);
    return picked.outcome;
  }
}

Task<pool::Outcome> Exchange::wait_in_queue(pool::Outcome outcome) {
  std::atomic<std::uint32_t>& queued = pool_->stats->queued;
  if (queued.fetch_add(1, std::memory_order_relaxed) >= pool_->service->queue.length) {
    queued.fetch_sub(1, std::memory_order_relaxed);
    shard().queue_full.add();
    queue_was_full_ = true;
    co_return outcome;
  }
  pool::WaitingLine& line = shard().line;
  pool::WaitingLine::Place place(client_.waker, is_choosy());
  line.join(place);
  const LoopTime deadline = std::min(worker_.loop.now() + pool_->service->queue.wait.count(), total_due());
  while (outcome == pool::Outcome::busy || outcome == pool::Outcome::unchecked) {
    if (client_.stream.failed()) break;
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

bool Exchange::take_idle_connection() {
  if (over_http2()) {
    if (is_shared()) backend_ = worker_.h2_backends.open(endpoint_->live->id, !repeatable());
    if (backend_) worker_.backends.know(*backend_);
    if (backend_) worker_.counters.backend_reuses.add();
    return backend_ != nullptr;
  }
  if (fresh_only_ || !is_shared()) return false;
  backend_ = worker_.backends.take(endpoint_->live->id);
  if (!backend_) return false;
  worker_.counters.backend_reuses.add();
  // What could not be repeated is sent only where a failure can be judged: see may_replay.
  if (!repeatable()) acked_before_ = acked_bytes(backend_->stream);
  return true;
}

// Of an address that a trusted proxy named no port is known.
SocketAddress Exchange::asking() const {
  const IpAddress& named = admission_.client.address();
  return named == client_.peer.ip ? client_.peer : SocketAddress{named, 0};
}

// What we lack may be held by connections that idle: in this worker, or, of an endpoint's own limit, in any.
Task<Result<std::unique_ptr<BackendConnection>>> Exchange::make_connection() {
  const ConnectRequest request{*endpoint_, *pool_, policy_->connect_timeout, &client_, asking(), head_.host_name()};
  const LoopTime deadline = std::min(worker_.loop.now() + pool_->service->queue.wait.count(), total_due());
  for (;;) {
    Result<std::unique_ptr<BackendConnection>> made = co_await connect_backend(worker_, client_.waker, request);
    if (made || made.error().side != Side::self) co_return made;
    if (made.error().code != Errc::limit) {
      if (worker_.backends.idle() == 0) co_return made;
      worker_.backends.close_all();
      continue;
    }
    if (worker_.loop.now() >= deadline || client_.stream.failed()) co_return made;
    worker_.shared.close_idle(endpoint_->live->id);
    co_await client_.waker.sleep(std::min(deadline, worker_.loop.now() + first_look_ms));
  }
}

Task<bool> Exchange::connect() {
  const std::uint64_t before = worker_.loop.now_us();
  Result<std::unique_ptr<BackendConnection>> made(Error{});
  if (over_http2())
    made = co_await make_stream();
  else
    made = co_await make_connection();
  connect_us_ += worker_.loop.now_us() - before;
  if (made) {
    backend_ = std::move(*made);
    worker_.backends.know(*backend_);
    if (!backend_->h2) worker_.counters.backend_connects.add();
    pool::on_connected(*endpoint_->live);
    co_return true;
  }
  const bool client_gone = client_.stream.failed();
  if (made.error().code == Errc::limit && !client_gone) {
    attempt_ = Attempt::failed;
    shard().queue_timeout.add();
    refuse(503, http::Termination::queue_timeout);
    co_return false;
  }
  if (client_gone) {
    judge_failure(Fault::client_gone);
    co_return false;
  }
  worker_.counters.backend_connect_failures.add();
  failure_ = made.error().code == Errc::timed_out  ? pool::Failure::connect_timeout
             : made.error().code == Errc::tls      ? pool::Failure::tls
             : made.error().code == Errc::protocol ? pool::Failure::protocol
                                                   : pool::Failure::refused;
  blame_ = made.error().side;
  if (failure_ == pool::Failure::tls || failure_ == pool::Failure::protocol)
    worker_.warn("endpoint " + endpoint_->name + " of " + pool_->service->name + ": " + made.error().what);
  judge_failure(Fault::connect);
  co_return false;
}

// What went to the endpoint and came from it, of an attempt that is not made again.
void Exchange::count_bytes() {
  pool::EndpointState& state = *endpoint_->live;
  const std::uint64_t sent = out_sent_ + (region_sent_ - region_copied_) + request_body_.moved();
  state.bytes_out_total.fetch_add(sent, std::memory_order_relaxed);
  state.bytes_in_total.fetch_add(answer_received_ + answer_body_.received(), std::memory_order_relaxed);
}

void Exchange::release_endpoint() {
  pool::end_request(*endpoint_);
  shard().line.wake_oldest();
  if (attempt_ == Attempt::answered) judge_answer();
  if (backend_ && !backend_->h2 && keep_backend_ && is_shared() && attempt_ == Attempt::answered) {
    ++backend_->requests;
    worker_.backends.give(std::move(backend_));
  }
  backend_.reset();
}

// May a request be acted on twice? Those of the methods that the route names, else the idempotent ones.
bool Exchange::repeatable() const {
  const std::vector<std::string>& named = policy_->retry.methods;
  if (named.empty()) return http::is_idempotent(head_.method_id);
  return std::find(named.begin(), named.end(), head_.method()) != named.end();
}

// Did the attempt fail for what its connection was, and not for what was asked?
bool Exchange::is_stale() const { return backend_->h2 ? was_not_processed() : backend_->requests > 0; }

// May the very same bytes be sent once more, although they may have been sent already?
bool Exchange::may_replay() const {
  if (region_copied_ != region_size_ || request_body_.received() > region_received_) return false;
  if (answering_ || interims_ > 0 || (answer_ && !answer_.empty())) return false;
  if (out_sent_ == 0 || repeatable() || was_not_processed()) return true;
  if (backend_->h2) return false;
  // The backend had closed before a byte of this request reached it.
  return backend_->requests > 0 && acked_before_ && acked_at_end(backend_->stream) == acked_before_;
}

// Back to the state before anything was sent.
void Exchange::rewind() {
  out_sent_ = answer_received_ = 0;
  request_sent_ = request_broken_ = false;
  answer_.release();
  answer_head_.clear();
}

void Exchange::judge_failure(Fault fault) {
  const conf::RetryPolicy& retry = policy_->retry;
  attempt_ = Attempt::failed;
  switch (fault) {
    case Fault::connect: {
      if (blame_ == Side::backend)
        pool::on_connect_failure(*endpoint_, pool_->endpoints, pool_->stats->eject, failure_, now_ms());
      // Nothing was asked of anybody: no load that a budget would have to spare.
      const bool refused =
          blame_ == Side::backend && failure_ == pool::Failure::refused && !pool::in_panic(pool_->endpoints);
      tried_.refusals += refused;
      if (pool::may_connect_elsewhere(*policy_, tried_, refused, connect_us_)) attempt_ = Attempt::again_elsewhere;
      break;
    }
    case Fault::closed:
      if (retry.on_stale && retry.attempts > 0 && !stale_replayed_ && is_stale() && may_replay()) {
        stale_replayed_ = fresh_only_ = true;
        (backend_->h2 ? worker_.counters.h2_backend_replays : worker_.counters.stale_replays).add();
        rewind();
        attempt_ = Attempt::again_fresh;
        return;
      }
      note_gateway_error(fault);
      if (retry.on_stale) retry_elsewhere();  // it died under the request
      break;
    case Fault::timeout:
      note_gateway_error(fault);
      if (retry.on_timeout) retry_elsewhere();
      break;
    case Fault::withdrawn: retry_elsewhere(); break;
    case Fault::malformed:
      worker_.counters.malformed_responses.add();
      note_gateway_error(fault);
      break;
    default: break;
  }
  fail(fault);  // what is told, should a retry find nobody
}

// What may have been acted on is sent to another endpoint only if that does no harm.
void Exchange::retry_elsewhere() {
  if (tried_.attempts() > policy_->retry.attempts || !repeatable() || !may_replay()) return;
  if (!retry_allowed()) return;
  rewind();
  attempt_ = Attempt::again_elsewhere;
}

// An answer whose status the route wants tried elsewhere.
void Exchange::retry_for_status() {
  const conf::RetryPolicy& retry = policy_->retry;
  const bool wanted = std::any_of(retry.on_status.begin(), retry.on_status.end(),
                                  [this](const conf::StatusRange& range) { return range.contains(status_); });
  if (!wanted || tried_.attempts() > retry.attempts || !repeatable() || !request_sent_) return;
  if (region_copied_ != region_size_ || request_body_.received() > region_received_ || interims_ > 0) return;
  // Before this answer is thrown away: is there anybody else to ask?
  if (pool::pick(pool_->endpoints, pick_context()).outcome != pool::Outcome::picked || !retry_allowed()) return;
  judge_answer();
  rewind();
  refuse(status_, http::Termination::local);  // should nobody be free any more
  attempt_ = Attempt::again_elsewhere;
}

bool Exchange::retry_allowed() {
  if (shard().budget.try_retry(now_ms(), policy_->retry.budget_percent)) return true;
  shard().retries_refused.add();
  return false;
}

void Exchange::note_gateway_error(Fault fault) {
  if (fault == Fault::closed && client_held_up_) return;  // a backend that gave up on a slow client is well
  const pool::Failure failure = fault == Fault::timeout     ? pool::Failure::timeout
                                : fault == Fault::malformed ? pool::Failure::protocol
                                                            : pool::Failure::closed;
  pool::on_gateway_error(*endpoint_, pool_->endpoints, pool_->service->eject, pool_->stats->eject, failure, now_ms());
  note_error_latency();
}

// An answer came: its status may still be a gateway's error.
void Exchange::judge_answer() {
  if (status_ == 502 || status_ == 503 || status_ == 504) {
    pool::on_gateway_error(*endpoint_, pool_->endpoints, pool_->service->eject, pool_->stats->eject,
                           pool::Failure::status, now_ms());
    return note_error_latency();
  }
  pool::on_success(*endpoint_->live);
  note_latency();
}

void Exchange::note_latency() {
  if (answer_us_ == 0) return;
  const conf::Service& service = *pool_->service;
  if (service.balance == conf::Balance::peak_ewma) pool::note_peak(*endpoint_->live, answer_us_, now_ms());
  if (service.eject.slow != 0)
    pool::on_answer(*endpoint_, pool_->endpoints, service.eject, pool_->stats->eject, answer_us_, now_ms());
}

void Exchange::note_error_latency() {
  if (pool_->service->balance != conf::Balance::peak_ewma) return;
  const std::uint64_t waited = request_sent_ ? worker_.loop.now_us() - sent_us_ : 0;
  pool::note_peak(*endpoint_->live, std::max(pool::error_us, waited), now_ms());
}

// Sets what the client is told; an answer that has begun can't be taken back.
void Exchange::fail(Fault fault) {
  using http::Termination;
  if (answering_) return break_off(Termination::client_closed);
  switch (fault) {
    case Fault::connect:
      if (blame_ == Side::self) return refuse(503, Termination::overload);
      if (failure_ == pool::Failure::connect_timeout) return refuse(504, Termination::backend_connect_timeout);
      if (failure_ == pool::Failure::tls) return refuse(502, Termination::backend_tls_failed);
      if (failure_ == pool::Failure::protocol) return refuse(502, Termination::backend_malformed);
      return refuse(503, Termination::backend_connect_failed);
    case Fault::timeout: return refuse(504, Termination::backend_timeout);
    case Fault::closed: return refuse(502, Termination::backend_closed);
    case Fault::withdrawn: return refuse(503, Termination::backend_withdrawn);
    case Fault::malformed: return refuse(502, Termination::backend_malformed);
    case Fault::total_time: return refuse(504, Termination::total_timeout);
    case Fault::client_silent: return refuse(408, Termination::client_timeout);
    case Fault::client_slow: return refuse(408, Termination::client_too_slow);
    case Fault::client_gone: break;
  }
  refused_ = 0;
  keep_client_ = false;
  termination_ = Termination::client_closed;
}

}  // namespace gatehouse::proxy
