// backend_stream.h: one request to a backend that speaks HTTP/2, and its answer: a Lane of its connection.
//   What is sent is an HTTP/1.1 request as the exchange writes it (the head in one piece), what is received is the
//   answer as HTTP/1.1. fault() tells why there is none: `not_processed` is certain (RFC 9113 8.7), so that the
//   request may be sent again. Destroyed before its end, it resets the stream.
//   Limits  of the request's body, body_waiting_max waits here; of the answer's, what the stream's window lets come;
//           both are slabs of the worker's pool. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/frame_pool.h"
#include "net/intrusive_list.h"
#include "net/lane.h"
#include "proxy/http/chunked.h"
#include "proxy/http2/backend_answer.h"

struct nghttp2_session;

namespace gatehouse::http2 {

class BackendSession;

inline constexpr std::size_t body_waiting_max = 32 << 10;

class BackendStream final : public Lane, public ListNode, public Pooled {
 public:
  enum class Fault : std::uint8_t { none, not_processed, reset, malformed, lost };

  explicit BackendStream(BackendSession& session);
  ~BackendStream();

  IoResult receive(char* data, std::size_t size) override;
  IoResult send(const char* data, std::size_t size) override;
  void end_sending() override;
  void reset() override;

  Fault fault() const { return fault_; }
  // Bytes that the backend's TCP had acknowledged when the stream was opened; nothing where nobody asked.
  std::optional<std::uint64_t> acked_before;
  bool allows_websocket() const;

 private:
  friend class BackendSession;
  enum class Sending : std::uint8_t { head, body, done, closed };

  bool send_head(std::string_view head);
  std::size_t take_body(const char* data, std::size_t size);
  std::size_t take_chunked(const char* data, std::size_t size);
  void offer();
  std::size_t read_some(char* data, std::size_t size);
  void stage_chunk_head();
  std::size_t take_payload(char* data, std::size_t most);
  void settle_readable();

  // For the session.
  void fail(Fault fault);
  void note_arrival();
  void add_payload(std::string_view bytes);
  void end_answer();
  std::size_t ready_bytes(std::size_t most, bool& last, bool& trailers);
  void body_taken();
  bool has_trailers() const { return !trailers_.empty(); }

  BackendSession* session_;  // null: the connection is gone
  std::int32_t id_ = -1;     // -1: no request was submitted
  Fault fault_ = Fault::none;
  bool is_open_ = false;    // the connection counts it
  bool head_sent_ = false;  // the request's; before that, nobody can have acted on it

  Sending sending_ = Sending::head;
  http::Framing body_ = http::Framing::none;
  bool tunnel_ = false, deferred_ = false;
  std::uint64_t body_left_ = 0;  // of a known length
  http::ChunkedBody chunks_{http::ChunkedBody::Mode::split};
  ByteQueue out_;
  std::string trailers_;

  BackendAnswer answer_;
  ByteQueue in_;                // text of heads, then the payload, then what ends it
  std::size_t front_text_ = 0;  // bytes of heads
  std::size_t payload_ = 0;
  std::size_t chunk_left_ = 0;
  char stage_[20];  // of a chunk's framing
  std::uint8_t stage_at_ = 0, stage_end_ = 0;
  bool in_head_ = false;  // a head is coming in
};

}  // namespace gatehouse::http2
