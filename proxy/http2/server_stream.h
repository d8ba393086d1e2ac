// server_stream.h: one stream of a client's HTTP/2 connection: to its exchange a Lane of HTTP/1.1, to the session
//   what a frame is made from and goes to.
//   In   the head is a text of its own; the body waits in a queue that the stream's window bounds, and is framed as
//        the head said it would be (by length, in chunks, or not at all behind an upgrade) when it is read. Windows
//        open again as it is read, not before.
//   Out  heads become HEADERS at once; of the body as much as the client's windows have room for waits in one slab
//        until its frames are made. No more is taken while the slab is full, and none while a window is closed.
//   One thread. Limits: the window; one slab; 8 KiB of trailers each way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/lane.h"
#include "proxy/http2/answer_text.h"
#include "proxy/http2/byte_queue.h"
#include "proxy/http2/request_text.h"

namespace gatehouse::http2 {

class ServerSession;

class ServerStream : public Lane {
 public:
  ServerStream(ServerSession& session, std::int32_t id);

  // For the exchange.
  IoResult receive(char* data, std::size_t size) override;
  IoResult send(const char* data, std::size_t size) override;
  void end_sending() override;
  void reset() override;

  const std::int32_t id;
  RequestText request;

  bool request_ended() const { return request_ended_; }
  bool answer_begun() const { return phase_ != Phase::head; }
  bool answer_whole() const { return phase_ == Phase::done; }         // nothing more will come of it
  bool answer_gone() const { return answer_gone_; }                   // and its last frame was sent
  bool closed() const { return closed_; }                             // as far as HTTP/2 is concerned
  bool head_waits() const { return heads_waiting_ > 0 && !closed_; }  // for its frame
  std::uint64_t bytes_framed() const { return framed_; }
  void connection_gone() { close(false); }
  std::size_t bytes_waiting() const { return out_ ? out_.size() : 0; }  // of the answer, for their frames
  std::size_t bytes_held() const { return out_.capacity() + queue_.size(); }
  void windows_opened();

 protected:
  ~ServerStream();

 private:
  friend class ServerSession;
  enum class Phase : std::uint8_t { head, body, done };

  // For the session.
  void take_data(std::string_view bytes);
  bool take_trailer(std::string_view name, std::string_view value);  // false: malformed, or too much
  void end_request();
  void close(bool whole);  // by the session: the stream is over
  ssize_t frame_data(std::size_t most, std::uint32_t* flags);
  void write_data(Buffer& out, std::size_t size);
  void head_sent();
  void last_frame_sent();

  IoResult receive_plain(char* data, std::size_t size);
  IoResult receive_chunked(char* data, std::size_t size);
  IoResult nothing_to_receive();
  void note_readable();
  bool take_head(std::string_view& text);
  void take_body(std::string_view& text);
  std::size_t keep(std::string_view bytes);
  std::size_t room_for(std::size_t wanted);
  void put(std::string_view bytes);
  bool finish_answer();
  void break_down();

  ServerSession& session_;

  ByteQueue queue_;
  std::string tail_;  // of a chunked body: what is left of its last chunk and trailers
  unsigned trailers_ = 0, heads_waiting_ = 0;
  bool request_ended_ = false, tail_made_ = false;

  Phase phase_ = Phase::head;
  AnswerHead answer_;
  std::uint64_t left_ = 0, framed_ = 0;
  std::optional<ChunkReader> chunks_;
  Buffer out_;
  bool deferred_ = false, waits_for_window_ = false, answer_gone_ = false, closed_ = false;
};

}  // namespace gatehouse::http2
