#include "proxy/http2/backend_session.h"

#include <algorithm>
#include <array>
#include <new>

#include "proxy/http2/head_lines.h"

namespace gatehouse::http2 {

using Fault = BackendStream::Fault;

// What nghttp2 calls.
struct SessionCallbacks {
  static BackendSession& self(void* data) { return *static_cast<BackendSession*>(data); }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    return self(data).begin_head(*frame) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
    const bool good = self(data).take_field(*frame, text_of(name, name_size), text_of(value, value_size));
    return good ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  // nghttp2 would leave such a field out.
  static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
                            const std::uint8_t*, std::size_t, std::uint8_t, void* data) {
    self(data).refuse_answer(frame->hd.stream_id);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame_came(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    self(data).take_frame(*frame);
    return 0;
  }
  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* data) {
    self(data).note_odd();
    self(data).refuse_answer(frame->hd.stream_id);
    return 0;
  }
  static int data_came(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                       void* data) {
    self(data).take_data(id, text_of(bytes, size));
    return 0;
  }
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* data) {
    self(data).close_stream(id, code);
    return 0;
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    self(data).note_sent(*frame);
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t most, std::uint32_t* flags,
                           nghttp2_data_source*, void* data) {
    const std::size_t count = self(data).read_body(id, most, *flags);
    return count == 0 && *flags == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(count);
  }
  static int write_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                        nghttp2_data_source*, void* data) {
    return self(data).write_body(frame->hd.stream_id, head, size) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static const nghttp2_session_callbacks* all() {
    static const nghttp2_session_callbacks* const table = [] {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(made, header);
      nghttp2_session_callbacks_set_on_invalid_header_callback(made, invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_came);
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, invalid_frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data_came);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_closed);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
      nghttp2_session_callbacks_set_send_data_callback(made, write_body);
      return made;
    }();
    return table;
  }
  static const nghttp2_option* options() {
    static const nghttp2_option* const made = [] {
      nghttp2_option* option = nullptr;
      if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
      nghttp2_option_set_no_auto_window_update(option, 1);
      nghttp2_option_set_no_closed_streams(option, 1);
      return option;
    }();
    return made;
  }
};

BackendSession::BackendSession(BufferPool& buffers, Limits limits, std::string_view scheme, Owner& owner)
    : buffers_(buffers), limits_(limits), scheme_(scheme), owner_(owner) {
  nghttp2_session* made = nullptr;
  if (nghttp2_session_client_new3(&made, SessionCallbacks::all(), this, SessionCallbacks::options(),
                                  PooledMemory::table()) != 0)
    throw std::bad_alloc();
  session_.reset(made);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.window},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, answer_head_bytes_max}};
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  // Credit comes back once half of it was used: what all streams may leave unread is the other half.
  const auto all = std::min<std::uint64_t>(std::uint64_t{limits.window} * limits.streams_max * 2, 0x7fffffff);
  nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(all));
}

BackendSession::~BackendSession() { lose(Fault::lost); }

BackendStream* BackendSession::find(std::int32_t id) const {
  return static_cast<BackendStream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
}

// ---- streams

void BackendSession::begin(BackendStream& stream) {
  stream.link_before(streams_);
  ++reserved_;
}

bool BackendSession::submit(BackendStream& stream, std::span<const nghttp2_nv> fields, bool has_body) {
  nghttp2_data_provider provider{};
  provider.read_callback = SessionCallbacks::read_body;
  const std::int32_t id = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                                 has_body ? &provider : nullptr, &stream);
  if (id < 0) {  // no numbers are left
    going_ = true;
    return false;
  }
  stream.id_ = id;
  stream.is_open_ = true;
  --reserved_;
  ++open_;
  ++counts_.streams;
  return true;
}

void BackendSession::resume(BackendStream& stream) {
  if (stream.is_open_) nghttp2_session_resume_data(session_.get(), stream.id_);
}

void BackendSession::consume(BackendStream& stream, std::size_t count) {
  if (count == 0) return;
  nghttp2_session_consume(session_.get(), stream.id_, count);
  if (nghttp2_session_want_write(session_.get())) owner_.has_output();
}

// Nobody waits for its end any more.
void BackendSession::leave(BackendStream& stream) {
  stream.unlink();
  stream.session_ = nullptr;
  if (stream.id_ < 0) {
    --reserved_;
    return;
  }
  if (stream.payload_ > 0) nghttp2_session_consume_connection(session_.get(), stream.payload_);
  if (stream.is_open_) {
    nghttp2_session_set_stream_user_data(session_.get(), stream.id_, nullptr);
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_CANCEL);
  }
  owner_.has_output();
}

void BackendSession::lose(Fault fault, std::optional<std::uint64_t> acked) {
  going_ = true;
  while (streams_.linked()) {
    BackendStream& stream = static_cast<BackendStream&>(*streams_.next);
    stream.unlink();
    stream.session_ = nullptr;
    if (stream.is_open_) nghttp2_session_set_stream_user_data(session_.get(), stream.id_, nullptr);
    const bool arrived = stream.head_sent_ && !(acked && acked == stream.acked_before);
    if (!stream.ended_ || stream.sending_ != BackendStream::Sending::done)
      stream.fail(arrived ? fault : Fault::not_processed);
  }
}

void BackendSession::say_goodbye() {
  going_ = true;
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
}

void BackendSession::ping() { nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr); }

// ---- bytes

void BackendSession::feed(std::string_view bytes, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  for (std::string_view rest = bytes; !rest.empty();) {
    bool begun = false;
    rest.remove_prefix(scan_.next(rest, begun));
    if (begun) judge_frame(scan_.head());
  }
  const auto read =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (read < 0 && broken_.empty()) broken_ = breach();
}

std::string_view BackendSession::breach() const {
  return ready_ ? "the backend breaks HTTP/2" : "the backend speaks no HTTP/2";
}

void BackendSession::pull(Buffer& out) {
  out_ = &out;
  while (out.room() >= frame_room) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0 && broken_.empty()) broken_ = "HTTP/2 failed";
    if (size <= 0) break;
    if (!out.append(text_of(bytes, static_cast<std::size_t>(size)))) broken_ = "a frame too large";
  }
  out_ = nullptr;
}

std::size_t BackendSession::read_body(std::int32_t id, std::size_t most, std::uint32_t& flags) {
  BackendStream* const stream = find(id);
  if (stream == nullptr) return 0;
  bool last = false, trailers = false;
  const std::size_t count = stream->ready_bytes(most, last, trailers);
  if (count > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!last) return count;
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!trailers) return count;
  std::array<nghttp2_nv, http::fields_capacity> fields;
  std::size_t size = 0;
  each_field(stream->trailers_, [&](std::string_view name, std::string_view value) {
    if (size < fields.size()) fields[size++] = header_field(name, value);
  });
  if (nghttp2_submit_trailer(session_.get(), id, fields.data(), size) == 0) flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return count;
}

// A frame whose stream was left meanwhile must not go: the backend would take what is in it for the body.
bool BackendSession::write_body(std::int32_t id, const std::uint8_t* frame_head, std::size_t size) {
  constexpr std::size_t frame_head_size = 9;
  BackendStream* const stream = find(id);
  if (stream == nullptr || stream->out_.size() < size || out_->room() < frame_head_size + size) return false;
  out_->append(text_of(frame_head, frame_head_size));
  out_->grew(stream->out_.read(out_->end(), size));
  stream->body_taken();
  return true;
}

void BackendSession::note_sent(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (BackendStream* const stream = find(frame.hd.stream_id)) stream->head_sent_ = true;
      break;
    case NGHTTP2_DATA: odd_.sent_data(); break;
    case NGHTTP2_GOAWAY:
      if (frame.goaway.error_code != NGHTTP2_NO_ERROR && broken_.empty()) broken_ = breach();
      break;
    case NGHTTP2_RST_STREAM:
      refuse_answer(frame.hd.stream_id);
      break;  // who leaves is known no more: by nghttp2's word
    default: break;
  }
}

// ---- what comes

void BackendSession::note_odd() {
  if (!odd_.note(now_ms_)) overdone();
}

void BackendSession::overdone() {
  if (!broken_.empty()) return;
  broken_ = "the backend sends too much that moves nothing on";
  nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
}

// Counted before nghttp2 sees them: what it ignores, it doesn't tell.
void BackendSession::judge_frame(const FrameHead& head) {
  switch (head.type) {
    case NGHTTP2_HEADERS: return;
    case NGHTTP2_DATA:
      if (head.size == 0 && !(head.flags & NGHTTP2_FLAG_END_STREAM)) note_odd();
      return;
    case NGHTTP2_WINDOW_UPDATE:
      if (!odd_.note_window_update(now_ms_)) overdone();
      return;
    case NGHTTP2_RST_STREAM:
      if (find(head.stream) == nullptr) note_odd();
      return;
    case NGHTTP2_SETTINGS:
      if (std::exchange(settings_came_, true) && !(head.flags & NGHTTP2_FLAG_ACK)) note_odd();
      return;
    case NGHTTP2_PING:
      if (!(head.flags & NGHTTP2_FLAG_ACK)) note_odd();
      return;
    case NGHTTP2_GOAWAY: return note_odd();
    default: return note_odd();  // CONTINUATION, PRIORITY, PUSH_PROMISE, what we don't know
  }
}

bool BackendSession::begin_head(const nghttp2_frame& frame) {
  BackendStream* const stream = find(frame.hd.stream_id);
  if (stream != nullptr && !stream->answer_.has_head()) stream->in_head_ = true;
  return true;
}

bool BackendSession::take_field(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  BackendStream* const stream = find(frame.hd.stream_id);
  if (stream == nullptr) return true;
  BackendAnswer& answer = stream->answer_;
  const std::size_t before = stream->in_.size();
  const bool good = stream->in_head_ ? answer.add_to_head(name, value, stream->in_)
                                     : answer.add_to_trailers(name, value, stream->in_);
  if (stream->in_head_) stream->front_text_ += stream->in_.size() - before;
  if (good && stream->front_text_ <= 2 * answer_head_bytes_max) return true;
  refuse_answer(frame.hd.stream_id);
  return false;
}

void BackendSession::take_end_of_head(const nghttp2_frame& frame) {
  BackendStream* const stream = find(frame.hd.stream_id);
  if (stream == nullptr) return;
  const bool last = frame.hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (stream->in_head_) {
    const std::size_t before = stream->in_.size();
    if (!stream->answer_.end_head(last, stream->in_)) {
      refuse_answer(frame.hd.stream_id);
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    stream->front_text_ += stream->in_.size() - before;
    stream->in_head_ = false;
    stream->note_arrival();
  }
  if (last) stream->end_answer();
}

void BackendSession::take_settings() {
  const auto most = nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  room_ = std::min<std::uint32_t>(most, limits_.streams_max);
  allows_websocket_ =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
  ready_ = true;
}

void BackendSession::take_frame(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      if (!(frame.hd.flags & NGHTTP2_FLAG_ACK)) take_settings();
      break;
    case NGHTTP2_HEADERS: take_end_of_head(frame); break;
    case NGHTTP2_DATA:
      if (BackendStream* const stream = find(frame.hd.stream_id); stream && frame.hd.flags & NGHTTP2_FLAG_END_STREAM)
        stream->end_answer();
      break;
    case NGHTTP2_GOAWAY: going_ = true; break;
    default: break;
  }
}

void BackendSession::take_data(std::int32_t id, std::string_view bytes) {
  BackendStream* const stream = find(id);
  const bool wanted = stream != nullptr && !stream->failed() && stream->answer_.body() != AnswerBody::none;
  if (wanted) return stream->add_payload(bytes);
  nghttp2_session_consume(session_.get(), id, bytes.size());
}

// The answer is not to be had: its stream ends for us now, and for the backend with the RST_STREAM that nghttp2
// sends.
void BackendSession::refuse_answer(std::int32_t id) {
  BackendStream* const stream = find(id);
  if (stream != nullptr && !stream->ended_) stream->fail(Fault::malformed);
}

void BackendSession::close_stream(std::int32_t id, std::uint32_t code) {
  --open_;
  BackendStream* const stream = find(id);
  if (code == NGHTTP2_REFUSED_STREAM) {
    ++counts_.refused;
    if (!going_) room_ = std::max(1u, std::min(room_, open_));  // it can't carry what it let us believe
  } else if (code != NGHTTP2_NO_ERROR) {
    ++counts_.reset;
  }
  if (stream == nullptr) return;
  stream->is_open_ = false;
  const bool is_whole = stream->ended_ && code == NGHTTP2_NO_ERROR;
  if (is_whole && stream->sending_ != BackendStream::Sending::done) {
    stream->sending_ = BackendStream::Sending::closed;  // it has answered, and wants no more of the request
    stream->out_.clear();
    stream->writable_ = true;
    stream->wake();
  }
  if (!is_whole) stream->fail(code == NGHTTP2_REFUSED_STREAM ? Fault::not_processed : Fault::reset);
}

}  // namespace gatehouse::http2
