// backend_session.h: HTTP/2 as a client (RFC 9113), by nghttp2's memory interface: bytes in, bytes out, no socket.
//   Streams are BackendStreams, owned by whoever opened them; the session outlives none of them and ends all it
//   loses. Backends are not trusted: what they send is bounded (streams_max, window, heads, trailers), oddity is
//   counted in one bucket, and a backend that overdoes it or breaks the protocol loses the connection: broken() says
//   why.
//   Memory   of answers streams × window, no more: what an exchange hasn't taken is not credited again; the
//            connection's window is as large as all of its streams' together, so that a slow client holds up nobody
//            else.
//   Threads  one. Time: milliseconds of the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "net/buffer.h"
#include "proxy/http2/backend_stream.h"
#include "proxy/http2/frame_scan.h"
#include "proxy/http2/nghttp2_ptr.h"
#include "proxy/http2/odd_events.h"

namespace gatehouse::http2 {

class BackendSession {
 public:
  // Told when there is something to pull().
  class Owner {
   public:
    virtual void has_output() = 0;

   protected:
    ~Owner() = default;
  };
  struct Counts {
    std::uint64_t streams = 0, refused = 0, reset = 0;  // opened; certainly not processed; reset by the backend
  };
  struct Limits {
    unsigned streams_max = 100;       // at once; fewer if the backend says so
    std::uint32_t window = 64 << 10;  // of a stream's answer
  };
  static constexpr unsigned odd_events_max = 1000;
  // What pull() needs at least: a frame of the usual size with its head.
  static constexpr std::size_t frame_room = (16 << 10) + 512;

  BackendSession(BufferPool& buffers, Limits limits, std::string_view scheme, Owner& owner);
  ~BackendSession();
  BackendSession(const BackendSession&) = delete;

  // Bytes from the backend. Once it has broken the protocol (which may only show while the answer to that is pulled),
  // pull() what is to be said, and end the connection.
  void feed(std::string_view bytes, std::uint64_t now_ms);
  // Puts frames into the slab, which is large, as long as frame_room is there.
  void pull(Buffer& out);
  bool has_something_to_say() const { return nghttp2_session_want_write(session_.get()) != 0; }
  void ping();
  // The connection is gone, or useless: every stream that isn't over ends with that fault. `acked`: all that the
  // backend had acknowledged when it closed; a stream that was opened behind that was not processed.
  void lose(BackendStream::Fault fault, std::optional<std::uint64_t> acked = {});
  // Says that we go; whatever runs may end.
  void say_goodbye();

  bool ready() const { return ready_; }  // the backend's SETTINGS came: it speaks HTTP/2
  bool going() const { return going_; }  // takes no more streams
  bool has_room() const { return ready_ && !going_ && broken_.empty() && in_use() < room_; }
  unsigned in_use() const { return open_ + reserved_; }
  bool idle() const { return !streams_.linked() && open_ == 0; }
  bool allows_websocket() const { return allows_websocket_; }
  std::string_view broken() const { return broken_; }
  std::string_view scheme() const { return scheme_; }
  Counts take_counts() { return std::exchange(counts_, {}); }

  // For its streams.
  BufferPool& buffers() { return buffers_; }
  void begin(BackendStream& stream);
  bool submit(BackendStream& stream, std::span<const nghttp2_nv> fields, bool has_body);
  void resume(BackendStream& stream);
  void consume(BackendStream& stream, std::size_t count);
  void leave(BackendStream& stream);
  void has_output() { owner_.has_output(); }

 private:
  friend struct SessionCallbacks;
  void judge_frame(const FrameHead& head);
  std::string_view breach() const;
  bool begin_head(const nghttp2_frame& frame);
  bool take_field(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  void take_frame(const nghttp2_frame& frame);
  void take_settings();
  void take_end_of_head(const nghttp2_frame& frame);
  void take_data(std::int32_t id, std::string_view bytes);
  void close_stream(std::int32_t id, std::uint32_t code);
  void refuse_answer(std::int32_t id);
  void note_odd();
  void overdone();
  void note_sent(const nghttp2_frame& frame);
  std::size_t read_body(std::int32_t id, std::size_t most, std::uint32_t& flags);
  bool write_body(std::int32_t id, const std::uint8_t* frame_head, std::size_t size);
  BackendStream* find(std::int32_t id) const;

  BufferPool& buffers_;
  const Limits limits_;
  const std::string_view scheme_;
  Owner& owner_;
  SessionPtr session_;
  ListNode streams_;
  FrameScan scan_{FrameScan::From::server};
  OddEvents odd_{odd_events_max};
  Counts counts_;
  std::uint64_t now_ms_ = 0;
  unsigned open_ = 0, reserved_ = 0, room_ = 0;
  Buffer* out_ = nullptr;  // while pulling
  bool settings_came_ = false, ready_ = false, going_ = false, allows_websocket_ = false;
  std::string_view broken_;  // a constant text
};

}  // namespace gatehouse::http2
