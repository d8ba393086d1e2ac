// server_session.h: one client's connection of HTTP/2, as frames: bytes in, bytes out, streams between (RFC 9113).
//   nghttp2 knows frames, HPACK, windows and states; here is what it leaves to us: what streams carry, what counts as
//   odd (odd_events.h), frames for streams that are long over, priorities by RFC 9218 and not by RFC 7540. No
//   sockets, no clock: the owner reads, writes and tells the time. Streams are the owner's, who makes them when
//   asked.
//   Order   receive() never begins an exchange by itself: head_complete() tells of a whole head; a stream may be over
//           again by the time that all bytes of a read were taken.
//   Memory  from the thread's pools; bounded by windows, streams and the bucket.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/buffer.h"
#include "proxy/http2/frame_scan.h"
#include "proxy/http2/nghttp2_ptr.h"
#include "proxy/http2/odd_events.h"
#include "proxy/http2/server_stream.h"

namespace gatehouse::http2 {

struct SessionLimits {
  unsigned streams_max = 100;
  std::uint32_t stream_window = 64 << 10, connection_window = 1 << 20, frame_bytes_max = 16 << 10;
  std::uint32_t field_bytes_max = 48 << 10;  // announced; beyond, a request is answered with 431
  unsigned fields_max = 100, odd_events_max = 1000;
};

struct SessionCounts {
  std::uint64_t streams = 0, resets_received = 0, resets_sent = 0;
  bool misbehaved = false;
};

class SessionOwner {
 public:
  virtual ServerStream* open_stream(std::int32_t id) = 0;  // null: it may not be had now
  virtual void head_complete(ServerStream& stream) = 0;
  virtual void work_to_send() = 0;
  virtual std::string_view websocket_key() = 0;
  virtual void windows_opened() = 0;  // tell each stream

 protected:
  ~SessionOwner() = default;
};

class ServerSession {
 public:
  ServerSession(SessionOwner& owner, BufferPool& buffers, const SessionLimits& limits);
  ServerSession(const ServerSession&) = delete;

  // False: nothing that comes can be read any more; what is to be said about it may still be sent.
  bool receive(std::string_view bytes, std::uint64_t now_ms);
  // Appends frames, as far as there is room.
  void fill(Buffer& out);
  bool over() const;  // nothing is to be read or sent any more
  bool in_head() const { return in_head_; }
  std::uint64_t bytes_made() const { return bytes_made_; }

  void announce_end();  // no more streams soon (a GOAWAY that names none)
  void take_no_more();  // none above those that have begun
  void misbehave();     // ends the connection: ENHANCE_YOUR_CALM
  const SessionCounts& counts() const { return counts_; }
  const SessionLimits& limits() const { return limits_; }
  BufferPool& buffers() { return buffers_; }

  // For streams.
  bool submit_head(ServerStream& stream, const AnswerHead& head, std::span<const nghttp2_nv> fields);
  bool submit_trailers(ServerStream& stream, std::span<const nghttp2_nv> fields);
  void resume(ServerStream& stream);
  // How many bytes of its body a stream may have waiting: what the client's windows allow, and others don't hold.
  std::size_t window_of(const ServerStream& stream) const;
  void hold(std::size_t bytes) { held_ += bytes; }  // by streams, for their frames
  void framed(std::size_t bytes) { held_ -= bytes; }
  void let_go(std::size_t bytes);  // never to be sent: there is room for others
  void consumed(ServerStream& stream, std::size_t bytes);
  void break_off(ServerStream& stream);      // the answer can't go on
  void leave_request(ServerStream& stream);  // the answer is whole; what of the request is still to come isn't wanted
  void forget(ServerStream& stream);

 private:
  struct Callbacks;
  static nghttp2_session_callbacks* callbacks();
  ServerStream* stream(std::int32_t id) const {
    return static_cast<ServerStream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
  }
  void note_odd();
  void reset(std::int32_t id, std::uint32_t code);
  void look_at(const FrameHead& frame);
  void count_frame(const FrameHead& frame);
  void end_by(std::uint32_t code);
  int frame_received(const nghttp2_frame& frame);
  int head_received(const nghttp2_frame& frame);
  void frame_sent(const nghttp2_frame& frame);
  bool was_reset(std::int32_t id) const;

  SessionOwner& owner_;
  BufferPool& buffers_;
  const SessionLimits limits_;
  SessionPtr session_;
  FrameScan scan_;
  OddEvents odd_;
  SessionCounts counts_;
  std::uint64_t now_ms_ = 0, bytes_made_ = 0;
  std::size_t held_ = 0;
  std::int32_t last_stream_ = 0;
  Buffer* filling_ = nullptr;
  std::string_view rest_;                   // made, and found no room
  std::array<std::int32_t, 128> resets_{};  // streams that we reset last: frames of theirs may be under way
  bool in_head_ = false, dead_ = false, broken_ = false;
};

}  // namespace gatehouse::http2
