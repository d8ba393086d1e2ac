// http2_io.h: a client's connection once it speaks HTTP/2: reads for the session, writes what it has, and lets each
//   stream live as a small client of its own, with its own exchange, waker and deadlines.
//   Turns   what came in a turn is read first, and its requests begin; then everything else that is ready has its
//           say; then all frames leave together. So many answers become few records and few packets.
//   End     GOAWAY when the door drains, at limits.keep_alive_requests, when idle too long, once the client is banned
//           (cut, where its ban gives no answer), or for misbehaviour; what has begun may finish, but for the last.
//           Streams never outlive their connection.
//   Limits  limits.http2_*; header_time for each head, keep_alive_time without a stream, body_idle_time for a client
//           that takes nothing.
#pragma once

#include "net/frame_pool.h"
#include "proxy/client_io.h"
#include "proxy/http2/server_session.h"

namespace gatehouse::proxy {

class Http2Connection final : public Pooled, private http2::SessionOwner {
 public:
  explicit Http2Connection(ClientConnection& connection);
  ~Http2Connection();

  Task<> run();
  std::uint64_t bytes_held() const;  // about; walks through the streams

 private:
  struct StreamClient;
  enum class Flushed : std::uint8_t { all, blocked, failed };

  http2::ServerStream* open_stream(std::int32_t id) override;
  void head_complete(http2::ServerStream& stream) override;
  void work_to_send() override;
  std::string_view websocket_key() override;
  void windows_opened() override;

  bool may_have_another();
  bool read();
  void begin_requests();
  Flushed flush();
  void consider_end();
  void expel(bool silently);
  void sweep();
  LoopTime deadline(Flushed flushed) const;
  bool deadline_passed();
  void abandon_streams();
  void count();

  ClientConnection& connection_;
  Worker& worker_;
  http2::ServerSession session_;
  http2::SessionCounts counted_;
  ListNode opened_, ready_, serving_, finished_;
  unsigned streams_ = 0;
  Buffer out_;
  LoopTime head_since_ = never, idle_since_, blocked_since_ = 0, notice_at_ = never;
  bool at_work_ = false, more_to_read_ = false, noticed_ = false, closing_ = false, cut_due_ = false;
  std::array<char, 24> key_;
};

}  // namespace gatehouse::proxy
