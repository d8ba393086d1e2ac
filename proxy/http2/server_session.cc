#include "proxy/http2/server_session.h"

#include <algorithm>
#include <exception>

namespace gatehouse::http2 {
namespace {

constexpr std::size_t frame_head_bytes = 9;
constexpr std::uint8_t priority_update = 0x10;  // RFC 9218 7.1
constexpr std::uint16_t no_rfc7540_priorities = 0x9;

OptionPtr make_options() {
  nghttp2_option* made = nullptr;
  nghttp2_option_new(&made);
  OptionPtr options(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_builtin_recv_extension_type(made, priority_update);
  return options;
}

}  // namespace

struct ServerSession::Callbacks {
  static ServerSession& of(void* self) { return *static_cast<ServerSession*>(self); }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    ServerSession& me = of(self);
    me.in_head_ = true;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    ++me.counts_.streams;
    const std::int32_t id = frame->hd.stream_id;
    ServerStream* const opened = me.owner_.open_stream(id);
    if (opened == nullptr)
      me.reset(id, NGHTTP2_REFUSED_STREAM);
    else
      nghttp2_session_set_stream_user_data(session, id, opened);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    ServerStream* const stream = of(self).stream(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const std::string_view n = text_of(name, name_size), v = text_of(value, value_size);
    const bool trailer = frame->headers.cat == NGHTTP2_HCAT_HEADERS;
    const bool good = trailer ? stream->take_trailer(n, v) : stream->request.add(n, v);
    return good ? 0 : refuse(of(self), frame->hd.stream_id);
  }
  static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
                            const std::uint8_t*, std::size_t, std::uint8_t, void* self) {
    return refuse(of(self), frame->hd.stream_id);
  }
  // The rest of the fields is read for HPACK's sake, and told nobody.
  static int refuse(ServerSession& session, std::int32_t id) {
    session.reset(id, NGHTTP2_PROTOCOL_ERROR);
    if (ServerStream* const stream = session.stream(id)) stream->close(false);
    nghttp2_session_set_stream_user_data(session.session_.get(), id, nullptr);
    return 0;
  }
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return of(self).frame_received(*frame);
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                  void* self) {
    ServerStream* const stream = of(self).stream(id);
    if (stream != nullptr)
      stream->take_data(text_of(bytes, size));
    else
      nghttp2_session_consume_connection(of(self).session_.get(), size);
    return 0;
  }
  static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* self) {
    of(self).in_head_ = false;
    return 0;
  }
  static int stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
    if (ServerStream* const stream = of(self).stream(id)) stream->close(code == NGHTTP2_NO_ERROR);
    return 0;
  }
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    of(self).frame_sent(*frame);
    return 0;
  }
  // A stream may have been let go while frames of it were still to be made.
  static ssize_t read_data(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t most, std::uint32_t* flags,
                           nghttp2_data_source*, void* self) {
    ServerStream* const stream = of(self).stream(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return stream->frame_data(most, flags);
  }
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source*, void* self) {
    ServerSession& me = of(self);
    ServerStream* const stream = me.stream(frame->hd.stream_id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (me.filling_->room() < frame_head_bytes + size) return NGHTTP2_ERR_WOULDBLOCK;
    me.filling_->append(text_of(head, frame_head_bytes));
    stream->write_data(*me.filling_, size);
    return 0;
  }
};

nghttp2_session_callbacks* ServerSession::callbacks() {
  static const CallbacksPtr made = [] {
    nghttp2_session_callbacks* all = nullptr;
    nghttp2_session_callbacks_new(&all);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, Callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, Callbacks::header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, Callbacks::invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(all, Callbacks::invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, Callbacks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, Callbacks::stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, Callbacks::frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(all, Callbacks::send_data);
    return CallbacksPtr(all);
  }();
  return made.get();
}

ServerSession::ServerSession(SessionOwner& owner, BufferPool& buffers, const SessionLimits& limits)
    : owner_(owner), buffers_(buffers), limits_(limits), odd_(limits.odd_events_max) {
  static const OptionPtr options = make_options();
  nghttp2_session* made = nullptr;
  if (nghttp2_session_server_new3(&made, callbacks(), this, options.get(), PooledMemory::table()) != 0)
    std::terminate();  // its memory is ours, which never says no
  session_.reset(made);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frame_bytes_max},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.field_bytes_max},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      {no_rfc7540_priorities, 1},
  };
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(limits.connection_window));
}

// ---- in

bool ServerSession::receive(std::string_view bytes, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  owner_.work_to_send();
  while (!bytes.empty() && !dead_) {
    bool begun = false;
    const std::size_t some = scan_.next(bytes, begun);
    if (begun) look_at(scan_.head());
    if (dead_) break;
    // A head that isn't wanted is not followed by what it heads: those bytes are never asked for.
    const auto taken =
        nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), some);
    if (taken < 0) dead_ = true;
    if (taken == NGHTTP2_ERR_FLOODED) counts_.misbehaved = true;
    bytes.remove_prefix(some);
  }
  return !dead_ && nghttp2_session_want_read(session_.get()) != 0;
}

void ServerSession::note_odd() {
  if (!odd_.note(now_ms_)) misbehave();
}

void ServerSession::misbehave() {
  if (counts_.misbehaved) return;
  counts_.misbehaved = true;
  end_by(NGHTTP2_ENHANCE_YOUR_CALM);
}

// Whatever comes from here on isn't read.
void ServerSession::end_by(std::uint32_t code) {
  dead_ = true;
  nghttp2_session_terminate_session(session_.get(), code);
}

void ServerSession::count_frame(const FrameHead& frame) {
  const bool ack = (frame.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame.type) {
    case NGHTTP2_DATA:
      if (frame.size == 0 && (frame.flags & NGHTTP2_FLAG_END_STREAM) == 0) note_odd();
      return;
    case NGHTTP2_HEADERS: return;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
      if (!ack) note_odd();
      return;
    case NGHTTP2_WINDOW_UPDATE:
      if (!odd_.note_window_update(now_ms_)) misbehave();
      return;
    case NGHTTP2_RST_STREAM: ++counts_.resets_received; [[fallthrough]];
    default: note_odd(); return;
  }
}

// What nghttp2 lets pass: RFC 9113 5.1, 5.1.1, 6.3.
void ServerSession::look_at(const FrameHead& frame) {
  count_frame(frame);
  if (frame.type == NGHTTP2_PRIORITY && (frame.stream == 0 || frame.stream == frame.depends_on))
    return end_by(NGHTTP2_PROTOCOL_ERROR);
  if ((frame.type != NGHTTP2_HEADERS && frame.type != NGHTTP2_DATA) || (frame.stream & 1) == 0) return;
  if (frame.stream > last_stream_) {
    if (frame.type == NGHTTP2_HEADERS) last_stream_ = frame.stream;
    return;
  }
  // What was never begun, for our GOAWAY or because it was one too many, the client may repeat: what it sent
  // meanwhile is not read (RFC 9113 6.8).
  if (frame.stream > nghttp2_session_get_last_proc_stream_id(session_.get())) return;
  // Of a stream that is over nothing more may come, but for what was under way when we ended it.
  if (!nghttp2_session_find_stream(session_.get(), frame.stream) && !was_reset(frame.stream))
    end_by(NGHTTP2_STREAM_CLOSED);
}

int ServerSession::head_received(const nghttp2_frame& frame) {
  in_head_ = false;
  ServerStream* const of = stream(frame.hd.stream_id);
  if (of == nullptr) return 0;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    if (!of->request.finish(ends, owner_.websocket_key())) return Callbacks::refuse(*this, frame.hd.stream_id);
    if (ends) of->end_request();
    owner_.head_complete(*of);
  } else if (ends) {
    of->end_request();
  }
  return 0;
}

int ServerSession::frame_received(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_HEADERS) return head_received(frame);
  if (frame.hd.type == NGHTTP2_WINDOW_UPDATE && frame.hd.stream_id != 0) {
    if (ServerStream* const of = stream(frame.hd.stream_id)) of->windows_opened();
  } else if (frame.hd.type == NGHTTP2_WINDOW_UPDATE || frame.hd.type == NGHTTP2_SETTINGS) {
    owner_.windows_opened();
  }
  if (frame.hd.type != NGHTTP2_DATA) return 0;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (!ends && frame.hd.length > 0 && frame.data.padlen >= frame.hd.length) note_odd();  // nothing but padding
  ServerStream* const of = stream(frame.hd.stream_id);
  if (of != nullptr && ends) of->end_request();
  return 0;
}

void ServerSession::consumed(ServerStream& of, std::size_t bytes) {
  nghttp2_session_consume(session_.get(), of.id, bytes);
  owner_.work_to_send();
}

// ---- out

void ServerSession::frame_sent(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (ServerStream* const of = stream(frame.hd.stream_id)) of->head_sent();
      if (ServerStream* const of = ends ? stream(frame.hd.stream_id) : nullptr) of->last_frame_sent();
      return;
    case NGHTTP2_DATA:
      odd_.sent_data();
      if (ServerStream* const of = ends ? stream(frame.hd.stream_id) : nullptr) of->last_frame_sent();
      return;
    case NGHTTP2_RST_STREAM: {
      resets_[counts_.resets_sent++ % resets_.size()] = frame.hd.stream_id;
      const std::uint32_t code = frame.rst_stream.error_code;
      // Those that the client made us send; the others are a backend's, or our own doing.
      if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_CANCEL) note_odd();
      return;
    }
    default: return;
  }
}

bool ServerSession::was_reset(std::int32_t id) const {
  return std::find(resets_.begin(), resets_.end(), id) != resets_.end();
}

// DATA is put in by send_data while nghttp2 is asked for the next frame of another kind.
void ServerSession::fill(Buffer& out) {
  filling_ = &out;
  const std::size_t before = out.size();
  for (;;) {
    const std::size_t some = std::min(rest_.size(), out.room());
    out.append(rest_.substr(0, some));
    rest_.remove_prefix(some);
    if (!rest_.empty()) break;
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) broken_ = dead_ = true;
    if (size <= 0) break;
    rest_ = text_of(bytes, static_cast<std::size_t>(size));
  }
  bytes_made_ += out.size() - before;
  filling_ = nullptr;
}

bool ServerSession::over() const {
  if (!rest_.empty()) return false;
  if (broken_) return true;
  return (dead_ || nghttp2_session_want_read(session_.get()) == 0) && nghttp2_session_want_write(session_.get()) == 0;
}

void ServerSession::announce_end() {
  nghttp2_submit_shutdown_notice(session_.get());
  owner_.work_to_send();
}

void ServerSession::take_no_more() {
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  owner_.work_to_send();
}

bool ServerSession::submit_head(ServerStream& of, const AnswerHead& head, std::span<const nghttp2_nv> fields) {
  owner_.work_to_send();
  if (head.interim())
    return nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, of.id, nullptr, fields.data(), fields.size(),
                                  nullptr) == 0;
  nghttp2_data_provider provider;
  provider.source.ptr = &of;
  provider.read_callback = Callbacks::read_data;
  const bool has_body = head.body != AnswerHead::Body::none;
  return nghttp2_submit_response(session_.get(), of.id, fields.data(), fields.size(),
                                 has_body ? &provider : nullptr) == 0;
}

bool ServerSession::submit_trailers(ServerStream& of, std::span<const nghttp2_nv> fields) {
  return nghttp2_submit_trailer(session_.get(), of.id, fields.data(), fields.size()) == 0;
}

void ServerSession::resume(ServerStream& of) {
  nghttp2_session_resume_data(session_.get(), of.id);
  owner_.work_to_send();
}

std::size_t ServerSession::window_of(const ServerStream& of) const {
  const auto open = [](std::int32_t window) { return static_cast<std::size_t>(std::max(window, 0)); };
  const std::size_t others = held_ - of.bytes_waiting();
  const std::size_t all = open(nghttp2_session_get_remote_window_size(session_.get()));
  return std::min(open(nghttp2_session_get_stream_remote_window_size(session_.get(), of.id)),
                  all - std::min(all, others));
}

void ServerSession::let_go(std::size_t bytes) {
  held_ -= bytes;
  owner_.windows_opened();
}

void ServerSession::reset(std::int32_t id, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, code);
  owner_.work_to_send();
}

// A reset would overtake a head that waits for its frame: it is sent behind that.
void ServerSession::break_off(ServerStream& of) {
  if (!of.closed() && !of.head_waits()) reset(of.id, of.answer_begun() ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
}

void ServerSession::leave_request(ServerStream& of) {
  if (!of.closed() && !of.request_ended()) reset(of.id, NGHTTP2_NO_ERROR);
}

// The owner lets it go. What of its body nobody read counts for the connection's window all the same.
void ServerSession::forget(ServerStream& of) {
  if (!of.queue_.empty()) nghttp2_session_consume_connection(session_.get(), of.queue_.size());
  if (stream(of.id) != &of) return;
  if (!of.closed()) reset(of.id, NGHTTP2_CANCEL);
  nghttp2_session_set_stream_user_data(session_.get(), of.id, nullptr);
}

}  // namespace gatehouse::http2
