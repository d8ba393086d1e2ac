// The part of an exchange that moves bytes: the request to the backend and the answer to the client, at once.
#include <algorithm>
#include <array>
#include <cstring>

#include "net/of_thread.h"
#include "proxy/exchange_io.h"
#include "proxy/http/framing.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::proxy {
namespace {

constexpr unsigned interims_most = 100;
constexpr LoopTime client_pause_ms = 100;  // what a client may pause and not be blamed for the backend's giving up
// A backend that says nothing to an expectation (many don't know them) is answered for.
constexpr LoopTime continue_ms = 250;
constexpr std::size_t answer_head_most = 60 << 10;  // rewritten
struct HeadRoom : std::array<char, answer_head_most> {};
struct InterimRoom : std::array<char, answer_head_most> {};
struct ExtraRoom : std::array<char, answer_head_most> {};
const std::vector<std::string> never_answered{"X-Ban-Event"};
constexpr http::HeadLimits answer_limits{16 << 10, 48 << 10, http::fields_capacity};

}  // namespace

Task<> Exchange::converse() {
  backend_->stream.set_waker(&client_.waker);
  if (speaks_grpc())
    upload_guard_ = RateGuard(0, 0);
  else
    upload_guard_.start(worker_.loop.now(), 0);
  download_guard_.start(worker_.loop.now(), 0);
  progress_at_ = 0;
  for (;;) {
    if (backend_->withdrawn) {
      answering_ ? break_off(http::Termination::backend_withdrawn) : judge_failure(Fault::withdrawn);
      co_return;
    }
    pump();
    if (attempt_ == Attempt::upgraded) {
      co_await converse_upgraded();
      co_return;
    }
    if (attempt_ == Attempt::running && client_.stream.failed()) judge_failure(Fault::client_gone);
    if (attempt_ != Attempt::running) co_return;
    note_progress();
    if (answering_) let_world_go();
    const LoopTime paused_at = worker_.loop.now();
    Waker::Why why = Waker::Why::signal;
    if (yield_)
      co_await client_.waker.yield();
    else
      why = co_await client_.waker.sleep(next_deadline());
    yield_ = false;
    if ((waits_for_client_body_ || waits_for_client_to_read_) && worker_.loop.now() - paused_at >= client_pause_ms)
      client_held_up_ = true;
    if (worker_.loop.now() >= total_due())  // a busy transfer's sleeps end before any deadline
      give_up(Fault::total_time);
    else if (why == Waker::Why::deadline)
      deadline_passed();
    if (attempt_ != Attempt::running) co_return;
  }
}

// Moves whatever can be moved now, both ways.
void Exchange::pump() {
  waits_for_client_body_ = waits_for_client_to_read_ = false;
  if (!request_sent_ && !request_broken_) pump_request();
  if (attempt_ == Attempt::running && !request_sent_ && !request_broken_) look_for_client();
  if (attempt_ == Attempt::running && !answering_) pump_answer_head();
  if (attempt_ == Attempt::running && answering_) pump_answer_body();
}

// False: not all could be sent now (or ever: request_broken_).
bool Exchange::send_region(const char* bytes, std::size_t size, std::size_t& sent) {
  while (sent < size) {
    const IoResult result = backend_->stream.send(bytes + sent, size - sent);
    if (!result.ok()) {
      request_broken_ = !result.again();  // it may have answered before it closed
      return false;
    }
    sent += result.size;
  }
  return true;
}

void Exchange::pump_request() {
  if (!send_region(out_.data(), out_.size(), out_sent_)) return;
  if (!send_region(client_.in.data() + head_.size, region_size_, region_sent_)) return;
  Stream& to = backend_->stream;
  switch (request_body_.run(client_.stream, to)) {
    case Moved::done:
      request_sent_ = true;
      sent_at_ = worker_.loop.now();
      sent_us_ = worker_.loop.now_us();
      return;
    case Moved::blocked: waits_for_client_body_ = !to.pending() && to.writable(); return;
    case Moved::yielded: yield_ = true; return;
    case Moved::sink_failed: request_broken_ = true; return;
    case Moved::malformed:
      attempt_ = Attempt::failed;
      if (answering_) return break_off(http::Termination::client_malformed);
      return refuse_body();
    case Moved::source_ended:
    case Moved::source_failed: client_left();
  }
}

// In the middle of its body: the backend must not take what came for the whole.
void Exchange::client_left() {
  attempt_ = Attempt::failed;
  if (answering_) return break_off(http::Termination::client_closed);
  refuse(400, http::Termination::client_closed, "the body ended before its length");
}

// While the backend takes nothing, nothing is read that would tell of the client's end. One that has only ended its
// sending stays, if what it has sent may be the whole.
void Exchange::look_for_client() {
  const std::optional<std::size_t> last = client_.stream.last_bytes();
  if (last && *last < request_body_.least_to_come()) return client_left();
  client_.stream.wait_end();
}

// False: not all of them could go yet.
bool Exchange::send_interims() {
  Stream& to = client_.stream;
  while (interim_ && !interim_.empty()) {
    const IoResult sent = to.send(interim_.data(), interim_.size());
    if (!sent.ok()) return false;
    interim_.consume(sent.size);
  }
  interim_.release();
  return !to.pending() || to.flush().ok();
}

void Exchange::pump_answer_head() {
  Stream& from = backend_->stream;
  for (;;) {
    send_interims();
    if (!from.may_receive()) {
      from.wait_readable();
      return;
    }
    const bool large = backend_->large_answers && !worker_.buffers.full();
    if (!answer_) answer_ = worker_.buffers.take(large ? BufferPool::large : BufferPool::small);
    if (answer_.room() == 0) answer_.compact();  // interim heads stood in front
    if (answer_.room() == 0) {
      if (answer_.capacity() == BufferPool::large) return judge_failure(Fault::malformed);
      Buffer larger = worker_.buffers.take(BufferPool::large);
      larger.append(answer_.view());
      answer_ = std::move(larger);
    }
    const IoResult got = from.receive(answer_.end(), answer_.room());
    if (got.again()) {
      if (answer_.empty()) answer_.release();
      return;
    }
    if (!got.ok()) return judge_failure(loss());
    if (first_byte_us_ == 0) first_byte_us_ = worker_.loop.now_us() - started_us_;
    answer_.grew(got.size);
    answer_received_ += got.size;
    while (attempt_ == Attempt::running && !answering_ && !answer_.empty() && take_answer_head()) {
    }
    if (attempt_ != Attempt::running || answering_) return;
  }
}

// Looks at what of the answer is there. False: more is needed.
bool Exchange::take_answer_head() {
  const bool to_head = head_.method_id == http::Method::head;
  const http::ParseState state = http::parse_response_head(answer_.view(), answer_limits, to_head, answer_head_);
  if (state == http::ParseState::incomplete) return false;
  const bool unasked = answer_head_.status == 101 && (!admission_.upgrade || !request_sent_ ||
                                                      !http::grants_upgrade(head_, answer_head_) || !is_proven());
  if (state == http::ParseState::refused || unasked) {
    judge_failure(Fault::malformed);
  } else if (answer_head_.interim()) {
    relay_interim();
  } else if (needs_tunnel() && answer_head_.status / 100 == 2) {
    // Any 2xx would grant what it does not (RFC 8441 5). It is not to blame: it was asked for a page.
    attempt_ = Attempt::failed;
    refuse(502, http::Termination::local, "no WebSocket is spoken there");
  } else {
    begin_answer();
  }
  return true;
}

// A client of HTTP/1.0 can't read it, and one that has been told to go on needs no second word (RFC 9110 15.2).
void Exchange::relay_interim() {
  if (++interims_ > interims_most) return judge_failure(Fault::malformed);
  if (head_.minor >= 1 && !(answer_head_.status == 100 && continued_)) {
    http::HeadWriter writer(of_thread<InterimRoom>());
    http::write_response_head(answer_head_, {}, writer);
    if (writer.ok()) put_interim(writer.text());
    continued_ = continued_ || answer_head_.status == 100;
  }
  answer_.consume(answer_head_.size);
  answer_head_.clear();
  if (answer_.empty()) answer_.clear();
}

// What finds no room because the client doesn't read may be left out.
void Exchange::put_interim(std::string_view head) {
  if (!interim_) interim_ = worker_.buffers.take();
  interim_.append(head);
}

// The client holds its body back until it is told to go on.
bool Exchange::awaits_continue() const {
  return head_.expect_continue && !continued_ && !answering_ && head_.minor >= 1 && region_size_ == 0 &&
         request_body_.received() == region_received_;
}

// The final head is here: decide the framing towards the client, and put the rewritten head in front of the body.
void Exchange::begin_answer() {
  status_ = answer_head_.status;
  answer_us_ = request_sent_ ? worker_.loop.now_us() - sent_us_ : 0;
  retry_for_status();
  if (attempt_ != Attempt::running) return;
  keep_application_event();
  answering_ = true;
  keep_backend_ = answer_head_.keep_alive && status_ != 101;
  keep_client_ = keep_client_ && request_sent_ && !worker_.draining;
  if (answer_head_.keep_alive_seconds > 0)
    backend_->idle_limit = (answer_head_.keep_alive_seconds - 1) * LoopTime{1000};
  plan_ = plan_compression();
  http::Framing towards_client =
      status_ == 101 ? http::Framing::none : http::client_framing(answer_head_, head_.minor);
  if (filter_) towards_client = http::Framing::chunked;
  BodyMover::Coding coding = BodyMover::Coding::length;
  std::uint64_t left = 0;
  const bool framed = frame_answer(towards_client, coding, left);
  answer_received_ -= answer_body_.received();  // what is counted there
  if (!framed) {
    answering_ = false;
    return judge_failure(Fault::malformed);
  }
  start_answer(towards_client, coding, left);
}

// How the body moves; what of it stands behind the head is judged (and cut) in place. False: malformed.
bool Exchange::frame_answer(http::Framing towards_client, BodyMover::Coding& coding, std::uint64_t& left) {
  using Coding = BodyMover::Coding;
  const std::size_t head_size = answer_head_.size;
  const std::size_t here = answer_.size() - head_size;
  if (status_ == 101) {
    coding = Coding::raw;
    return true;
  }
  switch (answer_head_.body) {
    case http::Framing::until_close:
      if (filter_) {
        coding = Coding::raw;
        keep_backend_ = false;
        return true;
      }
      coding = towards_client == http::Framing::chunked ? Coding::encode : Coding::raw;
      keep_backend_ = false;
      keep_client_ = keep_client_ && coding == Coding::encode;
      return true;
    case http::Framing::chunked:
      if (filter_) return answer_body_.feed_first(coding = Coding::decode, answer_, head_size, {});
      coding = towards_client == http::Framing::chunked ? Coding::chunked : Coding::decode;
      keep_client_ = keep_client_ && coding == Coding::chunked;
      return answer_body_.feed_first(coding, answer_, head_size, {&policy_->headers.answer, &never_answered});
    default: break;
  }
  const std::uint64_t length = answer_head_.body == http::Framing::length ? answer_head_.content_length : 0;
  if (here > length) {  // bytes behind the end are nobody's answer: they go no further
    keep_backend_ = false;
    answer_.shrink_to(head_size + length);
  }
  left = length - std::min<std::uint64_t>(here, length);
  backend_->large_answers = length > BufferPool::small / 2;
  return true;
}

// Head and body bytes leave in one send: the head is written where the old one was, as far as there is room.
void Exchange::start_answer(http::Framing towards_client, BodyMover::Coding coding, std::uint64_t left) {
  http::HeadWriter writer(of_thread<HeadRoom>());
  http::ResponseRewrite rewrite;
  rewrite.body = towards_client;
  rewrite.close = !keep_client_;
  if (!keep_client_) client_.stream.part_after_message();
  rewrite.client_minor = head_.minor;
  rewrite.pass_upgrade = status_ == 101;
  rewrite.date = worker_.date();
  rewrite.request_id = request_id_;
  std::array<char, hsts_bytes_max> hsts;
  rewrite.hsts = hsts_value(hsts);
  http::HeadWriter lines(of_thread<ExtraRoom>());  // an ETag, weakened, may be as long as a head
  std::array<char, 512> sticky;
  lines.put(sticky_field(sticky));
  compress::write_plan_fields(plan_, answer_head_, lines);
  rewrite.extra = lines.text();
  rewrite.recoded = plan_.coding.has_value();
  rewrite.retagged = plan_.weakens;
  if (!admission_.fields.empty()) rewrite.fields = &admission_.fields;
  http::write_response_head(answer_head_, rewrite, writer);
  answer_.consume(answer_head_.size);
  if (filter_ && writer.ok()) return start_filtered(writer.text(), coding, left);
  if (coding == BodyMover::Coding::encode && !answer_.empty()) BodyMover::put_chunk_on(answer_);
  const std::size_t size = writer.size();
  bool fits = writer.ok();
  if (fits && size > answer_.room_before()) {
    Buffer larger = worker_.buffers.take(BufferPool::large);
    fits = larger.append(writer.text()) && larger.append(answer_.view());
    answer_ = std::move(larger);
  } else if (fits) {
    answer_.prepend(size);
    std::memcpy(answer_.data(), writer.text().data(), size);
  }
  if (!fits) {  // larger than any client should be sent
    answering_ = false;
    return judge_failure(Fault::malformed);
  }
  if (coding == BodyMover::Coding::length || coding == BodyMover::Coding::raw)
    answer_body_.start(coding, left, std::move(answer_));
  else
    answer_body_.start_held(coding, std::move(answer_));
}

// What the answer's body is compressed with is taken here, so that it is known before the head is written.
compress::Plan Exchange::plan_compression() {
  compress::Plan plan = compress::plan_answer(policy_->compress, head_, answer_head_);
  if (!plan.coding || answer_head_.body == http::Framing::none) return plan;
  const bool sized = answer_head_.body == http::Framing::length;
  filter_ = take_filter(*plan.coding, sized ? std::optional(answer_head_.content_length) : std::nullopt);
  if (!filter_) {
    plan.coding.reset();
    plan.weakens = false;
  }
  return plan;
}

void Exchange::start_filtered(std::string_view head, BodyMover::Coding coding, std::uint64_t left) {
  Buffer first = worker_.buffers.take(head.size() > BufferPool::small / 2 ? BufferPool::large : BufferPool::small);
  first.append(head);
  encoding_ = conf::name_of(*plan_.coding);
  answer_body_.start_filtered(coding, left, std::move(filter_), std::move(first), std::move(answer_));
}

// The Set-Cookie line that keeps the client with its endpoint, where it isn't the cookie that it sent.
std::string_view Exchange::sticky_field(std::span<char> room) const {
  if (!pool_->sticky.on()) return {};
  const std::size_t index = endpoint_ - pool_->endpoints.endpoints().data();
  if (admission_.sticky && *admission_.sticky == index) return {};
  http::HeadWriter field(room);
  field.field("Set-Cookie", pool_->sticky.set_cookie(index, admission_.secure));
  return field.ok() ? field.text() : std::string_view();
}

void Exchange::pump_answer_body() {
  if (!send_interims()) {
    waits_for_client_to_read_ = true;
    return;
  }
  if (status_ == 101) {
    attempt_ = Attempt::upgraded;
    return;
  }
  Stream& to = client_.stream;
  const Moved moved = answer_body_.run(backend_->stream, to);
  switch (moved) {
    case Moved::blocked: waits_for_client_to_read_ = to.pending() || !to.writable(); return;
    case Moved::yielded: yield_ = true; return;
    case Moved::sink_failed: return break_off(http::Termination::client_closed);
    case Moved::source_ended:
      if (!answer_body_.done()) break;
      [[fallthrough]];
    case Moved::done:
      attempt_ = Attempt::answered;
      if (answer_body_.take_surplus() || !request_sent_ || backend_->stream.peer_ended()) keep_backend_ = false;
      if (!request_sent_) keep_client_ = false;
      return;
    case Moved::source_failed:
    case Moved::malformed: break;
  }
  const Fault fault = moved == Moved::malformed ? Fault::malformed : loss();
  note_gateway_error(fault);
  break_off(fault == Fault::malformed ? http::Termination::backend_malformed : http::Termination::backend_cut);
}

// The answer ends in its middle. The head is out: the client can tell only by the connection's end, which must not
// look like the message's.
void Exchange::break_off(http::Termination why) {
  attempt_ = Attempt::failed;
  keep_client_ = keep_backend_ = false;
  termination_ = why;
  client_.stream.reset();
}

void Exchange::note_progress() {
  const std::uint64_t seen = out_sent_ + region_sent_ + request_body_.moved() + request_body_.received() +
                             answer_body_.moved() + answer_body_.received() + local_moved_;
  if (seen == progress_seen_ && progress_at_ != 0) return;
  progress_seen_ = seen;
  progress_at_ = worker_.loop.now();
}

// When the total time, which starts with the request, is over.
LoopTime Exchange::total_due() const { return due_after(started_us_ / 1000, policy_->total_timeout); }

// When silence has lasted too long; whose it is, deadline_passed() judges.
LoopTime Exchange::silence_due() const {
  if (request_sent_ && !answering_) return due_after(sent_at_, policy_->timeout);
  const LoopTime due = due_after(progress_at_, policy_->idle_timeout);
  return waits_for_client_body_ && !speaks_grpc() ? std::min(due, due_after(progress_at_, limits().body_idle_time))
                                                  : due;
}

LoopTime Exchange::next_deadline() const {
  LoopTime deadline = std::min(silence_due(), total_due());
  if (waits_for_client_body_) deadline = std::min(deadline, upload_guard_.due());
  if (awaits_continue()) deadline = std::min(deadline, started_us_ / 1000 + continue_ms);
  if (waits_for_client_to_read_) deadline = std::min(deadline, download_guard_.due());
  if (answer_body_.holds_pipe() || request_body_.holds_pipe())
    deadline = std::min(deadline, worker_.loop.now() + 1000);
  return deadline;
}

void Exchange::deadline_passed() {
  const LoopTime now = worker_.loop.now();
  if (awaits_continue() && now >= started_us_ / 1000 + continue_ms) {
    continued_ = true;
    put_interim("HTTP/1.1 100 Continue\r\n\r\n");
    send_interims();
  }
  if (answer_body_.holds_pipe()) answer_body_.relieve();
  if (request_body_.holds_pipe()) request_body_.relieve();
  if (upload_guard_.too_slow(now, request_body_.received(), waits_for_client_body_) ||
      download_guard_.too_slow(now, answer_body_.moved(), waits_for_client_to_read_))
    return give_up(Fault::client_slow);
  if (now < silence_due()) return;
  give_up(waits_for_client_body_ || waits_for_client_to_read_ ? Fault::client_silent : Fault::timeout);
}

void Exchange::give_up(Fault fault) {
  if (!answering_) return judge_failure(fault);
  switch (fault) {  // too late for words
    case Fault::total_time: return break_off(http::Termination::total_timeout);
    case Fault::client_slow: return break_off(http::Termination::client_too_slow);
    case Fault::client_silent:
      return break_off(waits_for_client_to_read_ ? http::Termination::client_not_reading
                                                 : http::Termination::client_timeout);
    default: return break_off(http::Termination::backend_timeout);
  }
}

}  // namespace gatehouse::proxy
