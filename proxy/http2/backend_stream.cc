#include "proxy/http2/backend_stream.h"

#include <cstring>

#include "proxy/http2/backend_session.h"
#include "proxy/http2/head_lines.h"

namespace gatehouse::http2 {

using State = IoResult::State;

BackendStream::BackendStream(BackendSession& session)
    : session_(&session), out_(session.buffers()), in_(session.buffers()) {
  session.begin(*this);
}

BackendStream::~BackendStream() {
  if (session_) session_->leave(*this);
}

bool BackendStream::allows_websocket() const { return session_ != nullptr && session_->allows_websocket(); }

// ---- the request

IoResult BackendStream::send(const char* data, std::size_t size) {
  if (failed_ || sending_ == Sending::closed || sending_ == Sending::done) return {State::failed};
  std::size_t taken = 0;
  if (sending_ == Sending::head) {
    const std::string_view bytes(data, size);
    const auto end = bytes.find(head_end);
    if (end == std::string_view::npos || !send_head(bytes.substr(0, end + head_end.size()))) return {State::failed};
    taken = end + head_end.size();
  }
  const std::size_t body = sending_ == Sending::body ? take_body(data + taken, size - taken) : 0;
  if (failed_) return {State::failed};
  taken += body;
  if (taken > 0 || sending_ == Sending::done) offer();  // a head alone, too: its body may be long in coming
  return taken > 0 ? IoResult{State::ok, taken} : IoResult{State::again};
}

bool BackendStream::send_head(std::string_view head) {
  RequestFields request;
  if (!session_ || !request.read(head, session_->scheme(), session_->allows_websocket())) {
    fail(Fault::not_processed);
    return false;
  }
  const RequestFacts& facts = request.facts();
  body_ = facts.body;
  body_left_ = facts.length;
  tunnel_ = facts.websocket;
  const bool no_body =
      !tunnel_ && (body_ == http::Framing::none || (body_ == http::Framing::length && body_left_ == 0));
  answer_.set_request(facts.to_head, tunnel_ ? websocket_accept(facts.websocket_key) : std::string());
  sending_ = no_body ? Sending::done : Sending::body;
  if (session_->submit(*this, request.fields(), !no_body)) return true;
  fail(Fault::not_processed);
  return false;
}

std::size_t BackendStream::take_body(const char* data, std::size_t size) {
  const std::size_t room = body_waiting_max - std::min(out_.size(), body_waiting_max);
  writable_ = room > 0;
  std::size_t most = std::min(size, room);
  if (most == 0) return 0;
  if (body_ == http::Framing::chunked) return take_chunked(data, most);
  if (!tunnel_) most = std::min<std::uint64_t>(most, body_left_);
  out_.append({data, most});
  if (tunnel_) return most;
  body_left_ -= most;
  if (body_left_ == 0) sending_ = Sending::done;
  return most;
}

// Chunk by chunk becomes payload; the section behind it is kept for the trailers.
std::size_t BackendStream::take_chunked(const char* data, std::size_t size) {
  char room[http::trailer_name_bytes_max + 4096];
  char* const piece = room + http::trailer_name_bytes_max;
  std::size_t taken = 0;
  while (taken < size && sending_ == Sending::body) {
    const std::size_t some = std::min<std::size_t>(size - taken, room + sizeof room - piece);
    std::memcpy(piece, data + taken, some);
    const auto fed = chunks_.feed(piece, some);
    const char* const kept = piece - fed.before;
    out_.append({kept, fed.kept - fed.trailer});
    trailers_.append(kept + fed.kept - fed.trailer, fed.trailer);
    taken += fed.consumed;
    if (fed.fault) {  // ours never are
      reset();
      break;
    }
    if (fed.done) sending_ = Sending::done;
  }
  return taken;
}

void BackendStream::offer() {
  if (!session_) return;
  if (std::exchange(deferred_, false)) session_->resume(*this);
  session_->has_output();
}

void BackendStream::end_sending() {
  if (sending_ != Sending::body || !tunnel_) return;
  sending_ = Sending::done;
  offer();
}

void BackendStream::reset() {
  if (session_) session_->leave(*this);
  fail(Fault::reset);
}

std::size_t BackendStream::ready_bytes(std::size_t most, bool& last, bool& trailers) {
  const std::size_t count = std::min(most, out_.size());
  last = sending_ == Sending::done && count == out_.size();
  trailers = last && has_trailers();
  deferred_ = count == 0 && !last;
  return count;
}

void BackendStream::body_taken() {
  if (writable_ || out_.size() >= body_waiting_max / 2) return;
  writable_ = true;
  wake();
}

// ---- the answer

void BackendStream::stage_chunk_head() {
  char* const end = stage_ + sizeof stage_;
  char* const begin = http::write_chunk_head(payload_, end);
  chunk_left_ = payload_;
  stage_end_ = static_cast<std::uint8_t>(end - begin);
  stage_at_ = 0;
  std::memmove(stage_, begin, stage_end_);
}

std::size_t BackendStream::take_payload(char* data, std::size_t most) {
  const bool chunked = answer_.body() == AnswerBody::chunked;
  const std::size_t taken = in_.read(data, std::min(most, chunked ? chunk_left_ : payload_));
  payload_ -= taken;
  if (session_) session_->consume(*this, taken);
  if (!chunked) return taken;
  chunk_left_ -= taken;
  if (chunk_left_ == 0) {
    std::memcpy(stage_, http::chunk_tail.data(), http::chunk_tail.size());
    stage_at_ = 0;
    stage_end_ = http::chunk_tail.size();
  }
  return taken;
}

std::size_t BackendStream::read_some(char* data, std::size_t size) {
  if (stage_at_ < stage_end_) {
    const std::size_t count = std::min<std::size_t>(size, stage_end_ - stage_at_);
    std::memcpy(data, stage_ + stage_at_, count);
    stage_at_ += static_cast<std::uint8_t>(count);
    return count;
  }
  if (front_text_ > 0) {
    const std::size_t count = in_.read(data, std::min(size, front_text_));
    front_text_ -= count;
    return count;
  }
  if (payload_ == 0) return in_.read(data, size);
  if (answer_.body() == AnswerBody::chunked && chunk_left_ == 0) {
    stage_chunk_head();
    return read_some(data, size);
  }
  return take_payload(data, size);
}

IoResult BackendStream::receive(char* data, std::size_t size) {
  if (!readable_) return {State::again};
  std::size_t taken = 0;
  while (taken < size) {
    const std::size_t some = read_some(data + taken, size - taken);
    if (some == 0) break;
    taken += some;
  }
  settle_readable();
  if (taken > 0) return {State::ok, taken};
  if (failed_) return {State::failed};
  return {ended_ ? State::ended : State::again};
}

void BackendStream::settle_readable() { readable_ = failed_ || ended_ || !in_.empty() || stage_at_ < stage_end_; }

void BackendStream::note_arrival() {
  readable_ = true;
  wake();
}

void BackendStream::add_payload(std::string_view bytes) {
  in_.append(bytes);
  payload_ += bytes.size();
  note_arrival();
}

void BackendStream::end_answer() {
  answer_.end_body(in_);
  ended_ = true;
  note_arrival();
}

void BackendStream::fail(Fault fault) {
  if (failed_) return;
  fault_ = fault;
  failed_ = true;
  sending_ = Sending::closed;
  out_.clear();
  if (in_head_) {  // half a head is no answer
    in_.clear();
    front_text_ = payload_ = 0;
  }
  writable_ = true;  // to find out
  note_arrival();
}

}  // namespace gatehouse::http2
