#include "proxy/http2/server_stream.h"

#include <algorithm>
#include <cstring>

#include "proxy/http/bytes.h"
#include "proxy/http/chunked.h"
#include "proxy/http2/server_session.h"

namespace gatehouse::http2 {
namespace {

constexpr std::size_t chunk_frame_bytes = http::chunk_head_bytes_max + http::chunk_tail.size();

}  // namespace

ServerStream::ServerStream(ServerSession& session, std::int32_t number)
    : id(number),
      request(session.buffers(), session.limits().fields_max),
      session_(session),
      queue_(session.buffers()) {}

ServerStream::~ServerStream() {
  if (out_) session_.let_go(out_.size());
  session_.forget(*this);
}

// ---- the request's body

void ServerStream::note_readable() {
  readable_ = failed_ || !queue_.empty() || !tail_.empty() || (request_ended_ && !ended_);
}

void ServerStream::take_data(std::string_view bytes) {
  queue_.append(bytes);
  readable_ = true;
  wake();
}

bool ServerStream::take_trailer(std::string_view name, std::string_view value) {
  if (name.empty() || name.front() == ':' || !http::all(name, http::token_byte)) return false;
  if (!http::all(value, http::value_byte) || ++trailers_ > session_.limits().fields_max) return false;
  if (!request.chunked()) return true;  // nothing could carry it on
  if (tail_.empty()) tail_ = "0\r\n";
  tail_.append(name).append(": ").append(value).append("\r\n");
  return tail_.size() <= http::trailer_bytes_max;
}

void ServerStream::end_request() {
  request_ended_ = true;
  if (request.chunked()) {
    if (tail_.empty()) tail_ = "0\r\n";
    tail_ += "\r\n";
  }
  readable_ = true;
  wake();
}

IoResult ServerStream::nothing_to_receive() {
  ended_ = request_ended_;
  note_readable();
  return {request_ended_ ? IoResult::State::ended : IoResult::State::again};
}

IoResult ServerStream::receive_plain(char* data, std::size_t size) {
  const std::size_t got = queue_.read(data, size);
  if (got == 0) return nothing_to_receive();
  session_.consumed(*this, got);
  note_readable();
  return {IoResult::State::ok, got};
}

IoResult ServerStream::receive_chunked(char* data, std::size_t size) {
  if (!queue_.empty()) {
    if (size <= chunk_frame_bytes) return {IoResult::State::again};
    const std::size_t payload = std::min(queue_.size(), size - chunk_frame_bytes);
    char head[http::chunk_head_bytes_max];
    const char* const begin = http::write_chunk_head(payload, head + sizeof head);
    const auto head_size = static_cast<std::size_t>(head + sizeof head - begin);
    std::memcpy(data, begin, head_size);
    queue_.read(data + head_size, payload);
    http::chunk_tail.copy(data + head_size + payload, http::chunk_tail.size());
    session_.consumed(*this, payload);
    note_readable();
    return {IoResult::State::ok, head_size + payload + http::chunk_tail.size()};
  }
  if (!request_ended_ || tail_.empty()) return nothing_to_receive();
  const std::size_t some = tail_.copy(data, size);
  tail_.erase(0, some);
  note_readable();
  return {IoResult::State::ok, some};
}

IoResult ServerStream::receive(char* data, std::size_t size) {
  if (failed_) return {IoResult::State::failed};
  return request.chunked() ? receive_chunked(data, size) : receive_plain(data, size);
}

// ---- the answer

// How many of so many bytes may be kept: what the windows have no room for would be memory that the client holds.
std::size_t ServerStream::room_for(std::size_t wanted) {
  const std::size_t open = session_.window_of(*this), here = bytes_waiting();
  waits_for_window_ = open <= here;
  if (waits_for_window_ || wanted == 0) return 0;
  wanted = std::min(wanted, open - here);
  if (!out_) {
    const bool large = wanted > BufferPool::small - Buffer::headroom - Buffer::tailroom;
    out_ = session_.buffers().take(large && !session_.buffers().full() ? BufferPool::large : BufferPool::small);
  }
  if (out_.empty()) out_.clear();
  return std::min(wanted, out_.room());
}

void ServerStream::put(std::string_view bytes) {
  out_.append(bytes);
  session_.hold(bytes.size());
}

std::size_t ServerStream::keep(std::string_view bytes) {
  const std::size_t some = room_for(bytes.size());
  if (some > 0) put(bytes.substr(0, some));
  return some;
}

void ServerStream::windows_opened() {
  if (!waits_for_window_ || closed_) return;
  room_for(0);
  if (waits_for_window_) return;
  writable_ = true;
  wake();
}

// Heads come whole: they are written in one piece, and all of one is taken.
bool ServerStream::take_head(std::string_view& text) {
  static thread_local nghttp2_nv table[answer_fields_max];
  answer_ = read_answer_head(text, request.to_head(), table);
  if (answer_.size == 0) return false;
  const bool would_grant = request.tunnels() && answer_.status >= 200 && answer_.status < 300;
  if (would_grant) table[0] = header_field(":status", "502");  // RFC 8441 5: only a 101 opens the tunnel
  left_ = answer_.length;
  const bool has_body = answer_.body != AnswerHead::Body::none;
  if (!answer_.interim()) phase_ = has_body ? Phase::body : Phase::done;
  if (answer_.body == AnswerHead::Body::chunked) chunks_.emplace();
  text.remove_prefix(answer_.size);
  if (!session_.submit_head(*this, answer_, {table, answer_.fields})) return false;
  ++heads_waiting_;
  return true;
}

void ServerStream::take_body(std::string_view& text) {
  switch (answer_.body) {
    case AnswerHead::Body::chunked: {
      for (;;) {  // its end is read without any room, too
        const std::string_view piece = chunks_->next(text, room_for(text.size()));
        if (piece.empty()) break;
        put(piece);
      }
      if (chunks_->done()) phase_ = Phase::done;
      if (chunks_->broken()) break_down();
      return;
    }
    case AnswerHead::Body::length: {
      const std::size_t some = keep(text.substr(0, std::min<std::uint64_t>(text.size(), left_)));
      text.remove_prefix(some);
      left_ -= some;
      if (left_ == 0) phase_ = Phase::done;
      return;
    }
    default: text.remove_prefix(keep(text)); return;
  }
}

IoResult ServerStream::send(const char* data, std::size_t size) {
  if (failed_ || closed_) return {IoResult::State::failed};
  std::string_view text{data, size};
  while (!text.empty() && phase_ == Phase::head) {
    if (!take_head(text)) {
      break_down();
      return {IoResult::State::failed};
    }
  }
  if (phase_ == Phase::body) take_body(text);
  if (failed_) return {IoResult::State::failed};
  if (phase_ == Phase::done) text = {};  // nothing comes behind an end
  if (deferred_ && (phase_ == Phase::done || (out_ && !out_.empty()))) {
    deferred_ = false;
    session_.resume(*this);
  }
  const std::size_t taken = size - text.size();
  if (text.empty() && phase_ == Phase::body) room_for(0);  // so that nothing is read that can't go on
  writable_ = text.empty() && !waits_for_window_;
  return {taken > 0 || size == 0 ? IoResult::State::ok : IoResult::State::again, taken};
}

void ServerStream::end_sending() {
  if (phase_ != Phase::body) return;
  phase_ = Phase::done;
  if (std::exchange(deferred_, false)) session_.resume(*this);
}

void ServerStream::break_down() {
  if (failed_) return;
  failed_ = readable_ = writable_ = true;
  session_.break_off(*this);
}

void ServerStream::reset() { break_down(); }

void ServerStream::close(bool whole) {
  closed_ = true;
  if (out_) session_.let_go(out_.size());
  out_.release();
  if (!whole || !answer_gone_) failed_ = readable_ = writable_ = true;
  wake();
}

// How many bytes the next frame of DATA holds.
ssize_t ServerStream::frame_data(std::size_t most, std::uint32_t* flags) {
  const std::size_t here = out_ ? out_.size() : 0;
  if (here == 0 && phase_ != Phase::done) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t some = std::min(here, most);
  if (some == here && phase_ == Phase::done) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!finish_answer()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (chunks_ && !chunks_->trailers().empty()) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
  if (some > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  return static_cast<ssize_t>(some);
}

bool ServerStream::finish_answer() {
  if (!chunks_ || chunks_->trailers().empty()) return true;
  static thread_local nghttp2_nv table[answer_fields_max];
  const std::size_t count = read_field_lines(chunks_->trailers(), table);
  return count <= answer_fields_max && session_.submit_trailers(*this, {table, count});
}

void ServerStream::write_data(Buffer& out, std::size_t size) {
  out.append({out_.data(), size});
  out_.consume(size);
  session_.framed(size);
  framed_ += size;
  if (!out_.empty()) return;
  out_.release();
  if (waits_for_window_) return;
  writable_ = true;
  wake();
}

void ServerStream::head_sent() {
  if (heads_waiting_ == 0 || --heads_waiting_ > 0 || !failed_) return;
  session_.break_off(*this);
  wake();
}

void ServerStream::last_frame_sent() {
  answer_gone_ = true;
  wake();
}

}  // namespace gatehouse::http2
