// The part of an exchange that moves bytes: the request to the backend and the answer to the client, at once.
#include <algorithm>
#include <cstring>

#include "proxy/exchange_io.h"
#include "proxy/tunnel_io.h"

namespace gatehouse::proxy {
namespace {

constexpr unsigned interims_most = 100;
constexpr std::size_t answer_head_most = 48 << 10;  // rewritten

}  // namespace

Task<> Exchange::converse() {
  backend_->stream.socket.set_waker(&client_.waker);
  upload_guard_.start(worker_.loop.now(), 0);
  download_guard_.start(worker_.loop.now(), 0);
  note_progress();
  for (;;) {
    pump();
    if (attempt_ == Attempt::upgraded) {
      co_await converse_upgraded();
      co_return;
    }
    if (attempt_ == Attempt::running && client_.stream.socket.failed()) {
      if (answering_) keep_client_ = false;
      judge_failure(Fault::client_gone);
    }
    if (attempt_ != Attempt::running) co_return;
    if (yield_) {
      yield_ = false;
      co_await client_.waker.yield();
      note_progress();
      continue;
    }
    note_progress();
    const Waker::Why why = co_await client_.waker.sleep(next_deadline());
    if (why == Waker::Why::deadline) deadline_passed();
    if (attempt_ != Attempt::running) co_return;
  }
}

// Moves whatever can be moved now, both ways.
void Exchange::pump() {
  waits_for_client_send_ = waits_for_client_read_ = false;
  if (!request_sent_ && !request_broken_) pump_request();
  if (attempt_ == Attempt::running && !answering_) pump_answer_head();
  if (attempt_ == Attempt::running && answering_) pump_answer_body();
}

void Exchange::pump_request() {
  Stream& to = backend_->stream;
  while (out_sent_ < out_.size()) {
    const IoResult sent = to.send(out_.data() + out_sent_, out_.size() - out_sent_);
    if (sent.again()) return;
    if (!sent.ok()) {
      request_broken_ = true;  // it may have answered before it closed
      return;
    }
    out_sent_ += sent.size;
  }
  while (region_sent_ < body_in_region_) {
    const char* from = client_.in.data() + head_.size + region_sent_;
    const IoResult sent = to.send(from, body_in_region_ - region_sent_);
    if (sent.again()) return;
    if (!sent.ok()) {
      request_broken_ = true;
      return;
    }
    region_sent_ += sent.size;
  }
  const Moved moved = request_body_.run(client_.stream, to);
  switch (moved) {
    case Moved::done:
      request_sent_ = true;
      sent_at_ = worker_.loop.now();
      return;
    case Moved::blocked: waits_for_client_send_ = !to.pending() && to.socket.writable(); return;
    case Moved::yielded: yield_ = true; return;
    case Moved::sink_failed: request_broken_ = true; return;
    case Moved::malformed:
      worker_.counters.malformed_requests.add();
      attempt_ = Attempt::failed;
      keep_client_ = false;
      refuse(400, http::Termination::client_malformed);
      return;
    case Moved::source_ended:
    case Moved::source_failed: break;
  }
  // The client left in the middle of its body: the backend must not take what came for the whole.
  attempt_ = Attempt::failed;
  keep_client_ = false;
  if (!answering_) refuse(400, http::Termination::client_closed);
  termination_ = http::Termination::client_closed;
}

void Exchange::pump_answer_head() {
  Stream& from = backend_->stream;
  for (;;) {
    if (interim_ && !interim_.empty()) {
      const IoResult sent = client_.stream.send(interim_.data(), interim_.size());
      if (sent.ok()) interim_.consume(sent.size);
      if (sent.state == IoResult::State::failed) return judge_failure(Fault::client_gone);
      if (interim_.empty()) interim_.release();
    }
    if (!from.may_receive()) {
      from.socket.wait_readable();
      return;
    }
    if (!answer_) answer_ = worker_.buffers.take();
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
    if (!got.ok()) return judge_failure(answer_.empty() ? Fault::closed : Fault::malformed);
    if (first_byte_ms_ == 0) first_byte_ms_ = worker_.loop.now() - started_;
    answer_.grew(got.size);
    while (attempt_ == Attempt::running && !answering_ && answer_ && !answer_.empty())
      if (!take_answer_head()) break;
    if (attempt_ != Attempt::running || answering_) return;
  }
}

// Looks at what of the answer is there. False: more is needed.
bool Exchange::take_answer_head() {
  const http::ParseState state = http::parse_response_head(answer_.view(), answer_limits,
                                                           head_.method_id == http::Method::head, answer_head_);
  if (state == http::ParseState::incomplete) return false;
  if (state == http::ParseState::refused) {
    worker_.counters.malformed_responses.add();
    judge_failure(Fault::malformed);
    return true;
  }
  if (answer_head_.status == 101) {
    if (!admission_.upgrade || !answer_head_.is_upgrade || !request_sent_) {
      worker_.counters.malformed_responses.add();
      judge_failure(Fault::malformed);
      return true;
    }
    begin_answer();
    return true;
  }
  if (answer_head_.status < 200) {
    relay_interim();
    return true;
  }
  begin_answer();
  return true;
}

void Exchange::relay_interim() {
  if (++interims_ > interims_most) return judge_failure(Fault::malformed);
  if (head_.minor >= 1 && !client_.stream.pending()) {
    if (!interim_) interim_ = worker_.buffers.take();
    const std::size_t size = write_answer_head({interim_.end(), interim_.room()}, false);
    interim_.grew(size);  // no room: an interim answer may be left out (RFC 9110 15.2)
  }
  answer_.consume(answer_head_.size);
  if (answer_.empty()) answer_.clear();
}

// The final head is here: decide the framing towards the client, rewrite the head in front of the body bytes.
void Exchange::begin_answer() {
  using Coding = BodyMover::Coding;
  answering_ = true;
  status_ = answer_head_.status;
  const bool upgrade = status_ == 101;
  const bool old_client = head_.minor == 0;
  keep_backend_ = answer_head_.keep_alive && answer_head_.body != http::Framing::until_close && !upgrade;
  keep_client_ = head_.keep_alive && !worker_.draining && client_.requests < limits().keep_alive_requests &&
                 (request_sent_ || request_body_waits_only_for_client());
  if (!request_sent_) keep_client_ = false;
  if (answer_head_.keep_alive_seconds > 1)
    backend_->idle_limit = (answer_head_.keep_alive_seconds - 1) * LoopTime{1000};

  const std::size_t head_size = answer_head_.size;
  std::size_t body_size = answer_.size() - head_size;
  Coding coding = Coding::length;
  std::uint64_t left = 0;
  bool chunked_by_us = false;
  switch (answer_head_.body) {
    case http::Framing::none: break;
    case http::Framing::length: left = answer_head_.content_length; break;
    case http::Framing::chunked: coding = old_client ? Coding::decode : Coding::chunked; break;
    case http::Framing::until_close:
      chunked_by_us = !old_client;
      coding = chunked_by_us ? Coding::encode : Coding::raw;
      break;
  }
  if (coding == Coding::decode || coding == Coding::raw) keep_client_ = false;
  if (upgrade) coding = Coding::raw;
  if (coding == Coding::length && !upgrade) {
    // Bytes behind the end are nobody's answer: they go no further, and neither does the connection.
    if (body_size > left) {
      keep_backend_ = false;
      answer_.shrink_to(head_size + left);
      body_size = left;
    }
    left -= body_size;
  }
  if (coding == Coding::chunked || coding == Coding::decode) {
    if (!answer_body_.feed_first(coding, answer_, head_size)) {
      worker_.counters.malformed_responses.add();
      answering_ = false;
      return judge_failure(Fault::malformed);
    }
    if (Buffer surplus = answer_body_.take_surplus(); surplus) keep_backend_ = false;
    body_size = answer_.size() - head_size;
  }
  answer_body_started(coding, left, chunked_by_us && body_size > 0, head_size);
}

// Puts the rewritten head in front of the body bytes in the same slab, so that both leave in one send.
void Exchange::answer_body_started(BodyMover::Coding coding, std::uint64_t left, bool first_chunk, std::size_t old_head) {
  static thread_local char scratch[answer_head_most];
  const bool chunked = coding == BodyMover::Coding::encode;
  const std::size_t size = write_answer_head(scratch, chunked);
  if (size == 0) {
    answering_ = false;
    return judge_failure(Fault::malformed);  // larger than any client should be sent
  }
  answer_.consume(old_head);
  if (first_chunk) BodyMover::put_chunk_on(answer_);
  if (size > answer_.room_before()) {
    Buffer larger = worker_.buffers.take(BufferPool::large);
    larger.append({scratch, size});
    if (!larger.append(answer_.view())) {
      answering_ = false;
      return judge_failure(Fault::malformed);
    }
    answer_ = std::move(larger);
  } else {
    answer_.prepend(size);
    std::memcpy(answer_.data(), scratch, size);
  }
  answer_head_bytes_ = size;
  if (coding == BodyMover::Coding::length || coding == BodyMover::Coding::raw)
    answer_body_.start(coding, left, std::move(answer_));
  else
    answer_body_.start_held(coding, std::move(answer_));
}

void Exchange::pump_answer_body() {
  if (status_ == 101) {
    attempt_ = Attempt::upgraded;
    return;
  }
  const Moved moved = answer_body_.run(backend_->stream, client_.stream);
  switch (moved) {
    case Moved::done: return settle_answer();
    case Moved::blocked: waits_for_client_read_ = client_.stream.pending() || !client_.stream.socket.writable(); return;
    case Moved::yielded: yield_ = true; return;
    case Moved::source_ended:
      if (!answer_body_.ended_early(moved)) return settle_answer();
      break;
    case Moved::source_failed: break;
    case Moved::sink_failed:
      attempt_ = Attempt::failed;
      keep_client_ = false;
      termination_ = http::Termination::client_closed;
      return;
    case Moved::malformed: worker_.counters.malformed_responses.add(); break;
  }
  // The answer breaks off. The head is out: the client can tell only by the connection's end, which must not look
  // like the message's.
  attempt_ = Attempt::failed;
  keep_client_ = false;
  termination_ = moved == Moved::malformed ? http::Termination::backend_malformed : http::Termination::backend_closed;
  note_gateway_error(moved == Moved::malformed ? Fault::malformed : Fault::closed);
  client_.stream.socket.reset();
}

void Exchange::settle_answer() {
  attempt_ = Attempt::answered;
  if (Buffer surplus = answer_body_.take_surplus(); surplus) keep_backend_ = false;
  if (!request_sent_) keep_backend_ = keep_client_ = false;
  if (backend_->stream.socket.peer_ended()) keep_backend_ = false;
}

void Exchange::note_progress() {
  const std::uint64_t seen = out_sent_ + region_sent_ + request_body_.moved() + request_body_.received() +
                             answer_body_.moved() + answer_body_.received();
  if (seen == progress_seen_ && progress_at_ != 0) return;
  progress_seen_ = seen;
  progress_at_ = worker_.loop.now();
}

LoopTime Exchange::next_deadline() const {
  const auto ms = [](Millis time) { return static_cast<LoopTime>(time.count()); };
  LoopTime deadline = progress_at_ + ms(policy_->idle_timeout);
  if (request_sent_ && !answering_) deadline = sent_at_ + ms(policy_->timeout);
  if (policy_->total_timeout.count() > 0) deadline = std::min(deadline, started_ + ms(policy_->total_timeout));
  if (waits_for_client_send_) {
    deadline = std::min(deadline, progress_at_ + ms(limits().body_idle_time));
    deadline = std::min(deadline, upload_guard_.due());
  }
  if (waits_for_client_read_) deadline = std::min(deadline, download_guard_.due());
  if (answer_body_.holds_pipe() || request_body_.holds_pipe()) deadline = std::min(deadline, worker_.loop.now() + 1000);
  return deadline;
}

void Exchange::deadline_passed() {
  const LoopTime now = worker_.loop.now();
  const auto ms = [](Millis time) { return static_cast<LoopTime>(time.count()); };
  if (answer_body_.holds_pipe()) answer_body_.relieve();
  if (request_body_.holds_pipe()) request_body_.relieve();
  const bool upload_slow = upload_guard_.too_slow(now, request_body_.received(), waits_for_client_send_);
  const bool download_slow = download_guard_.too_slow(now, answer_body_.moved(), waits_for_client_read_);
  const LoopTime silent = now - progress_at_;
  const bool client_silent = (waits_for_client_send_ && silent >= std::min(ms(limits().body_idle_time), ms(policy_->idle_timeout))) ||
                             (waits_for_client_read_ && silent >= ms(policy_->idle_timeout));
  const bool total = policy_->total_timeout.count() > 0 && now - started_ >= ms(policy_->total_timeout);
  const bool backend_silent = request_sent_ && !answering_ ? now - sent_at_ >= ms(policy_->timeout)
                                                           : silent >= ms(policy_->idle_timeout);
  if (!upload_slow && !download_slow && !client_silent && !total && !backend_silent) return;
  const bool client = upload_slow || download_slow || client_silent;
  if (answering_) {  // too late for words
    attempt_ = Attempt::failed;
    keep_client_ = false;
    termination_ = client ? http::Termination::client_timeout : http::Termination::backend_timeout;
    client_.stream.socket.reset();
    return;
  }
  judge_failure(client ? Fault::client_slow : Fault::timeout);
}

}  // namespace gatehouse::proxy
