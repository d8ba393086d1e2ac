// A backend that speaks HTTP/2 in memory, told by the test what to say; and what it has seen.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "proxy/http2/backend_session.h"

namespace gatehouse::http2::backend_test {

using Fields = std::vector<std::pair<std::string, std::string>>;

// nghttp2 takes them as they are, capitals too, and by reference: they are kept.
inline std::vector<nghttp2_nv> nv_of(const Fields& given) {
  static std::deque<Fields> kept;
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : kept.emplace_back(given)) {
    nghttp2_nv nv = header_field(name, value);
    nv.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
    out.push_back(nv);
  }
  return out;
}

class Peer {
 public:
  struct Seen {
    Fields fields;
    Fields trailers;
    std::string body;
    bool ended = false, closed = false;
    std::uint32_t code = 0;
  };
  struct Body {
    std::string bytes;
    std::size_t sent = 0;
    bool ends = true;
    Fields trailers;
  };

  explicit Peer(std::vector<nghttp2_settings_entry> settings = {}) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1);  // it may say anything
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_server_new2(&session, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  ~Peer() { nghttp2_session_del(session); }
  Peer(const Peer&) = delete;

  void answer(std::int32_t id, const Fields& fields) {
    const auto nv = nv_of(fields);
    nghttp2_submit_response(session, id, nv.data(), nv.size(), nullptr);
  }
  void answer(std::int32_t id, const Fields& fields, Body body) {
    const auto nv = nv_of(fields);
    bodies[id] = std::move(body);
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    nghttp2_submit_response(session, id, nv.data(), nv.size(), &provider);
  }
  void interim(std::int32_t id, const Fields& fields) {
    const auto nv = nv_of(fields);
    nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id, nullptr, nv.data(), nv.size(), nullptr);
  }
  void reset(std::int32_t id, std::uint32_t code) { nghttp2_submit_rst_stream(session, 0, id, code); }
  void take_more(std::int32_t id, std::size_t count) { nghttp2_session_consume(session, id, count); }

  void feed(std::string_view bytes) {
    nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::string pull() {
    std::string out = std::exchange(raw, {});
    const std::uint8_t* bytes = nullptr;
    for (auto size = nghttp2_session_mem_send(session, &bytes); size > 0;
         size = nghttp2_session_mem_send(session, &bytes))
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    return out;
  }

  nghttp2_session* session = nullptr;
  std::map<std::int32_t, Seen> seen;
  std::map<std::int32_t, Body> bodies;
  std::string raw;  // goes in front of what nghttp2 has to say
  bool going = false;

 private:
  static Peer& self(void* data) { return *static_cast<Peer*>(data); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
    Seen& seen = self(data).seen[frame->hd.stream_id];
    Fields& fields = frame->headers.cat == NGHTTP2_HCAT_REQUEST ? seen.fields : seen.trailers;
    fields.emplace_back(std::string(reinterpret_cast<const char*>(name), name_size),
                        std::string(reinterpret_cast<const char*>(value), value_size));
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type == NGHTTP2_GOAWAY) self(data).going = true;
    const bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (may_end && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) self(data).seen[frame->hd.stream_id].ended = true;
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                     void* data) {
    self(data).seen[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* data) {
    self(data).seen[id].closed = true;
    self(data).seen[id].code = code;
    return 0;
  }
  static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* out, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source*, void* data) {
    Body& body = self(data).bodies[id];
    const std::size_t count = body.bytes.copy(reinterpret_cast<char*>(out), most, body.sent);
    body.sent += count;
    if (body.sent < body.bytes.size()) return static_cast<ssize_t>(count);
    if (!body.ends) return count == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(count);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!body.trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto nv = nv_of(body.trailers);
      nghttp2_submit_trailer(session, id, nv.data(), nv.size());
    }
    return static_cast<ssize_t>(count);
  }
};

// A session of ours and such a backend.
struct Pair : BackendSession::Owner {
  explicit Pair(std::vector<nghttp2_settings_entry> settings = {}, BackendSession::Limits limits = {})
      : peer(std::move(settings)), session(buffers, limits, "http", *this) {
    run();
  }
  void has_output() override { ++asked; }

  // Carries bytes both ways until nobody has anything to say.
  void run() {
    for (;;) {
      const std::string there = pull();
      peer.feed(there);
      const std::string back = peer.pull();
      if (!back.empty()) session.feed(back, now);
      if (there.empty() && back.empty()) return;
    }
  }
  std::string pull() {
    std::string all;
    for (;;) {
      Buffer out = buffers.take(BufferPool::large);
      session.pull(out);
      if (out.empty()) return all;
      all += out.view();
    }
  }
  // All that the stream has, and "!" if it failed, "." if it ended.
  static std::string read(BackendStream& stream, std::size_t piece = 4096) {
    std::string all, room(piece, '\0');
    for (;;) {
      const IoResult got = stream.receive(room.data(), room.size());
      if (got.ok()) {
        all.append(room.data(), got.size);
        continue;
      }
      if (got.state == IoResult::State::failed) all += '!';
      if (got.state == IoResult::State::ended) all += '.';
      return all;
    }
  }
  static std::size_t send(BackendStream& stream, std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const IoResult result = stream.send(bytes.data() + sent, bytes.size() - sent);
      if (!result.ok()) break;
      sent += result.size;
    }
    return sent;
  }
  std::unique_ptr<BackendStream> open(std::string_view request = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n") {
    auto stream = std::make_unique<BackendStream>(session);
    send(*stream, request);
    run();
    return stream;
  }

  BufferPool buffers;
  Peer peer;
  BackendSession session;
  unsigned asked = 0;
  std::uint64_t now = 1000;
};

}  // namespace gatehouse::http2::backend_test
