// session_io.h: a connection through a tunnel: who came in, who was dialled, and the bytes between them.
//   End      each direction ends by itself: an end (of TLS the close_notify) is passed on as an end, and the other
//            direction goes on. What breaks off, TLS without its end too, resets both sides, so that nobody takes it
//            for an end. idle_timeout ends what says nothing.
//   Limits   one slab each way while bytes move, none while they don't. Nothing is read that can't be passed on.
//   Dead     keep-alives after 30 s of silence, and TCP_USER_TIMEOUT of 90 s for what was sent.
//   Keys     of a TLS 1.3 connection are renewed by bytes, records and time.
//   Threads  the worker's own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/frame_pool.h"
#include "net/intrusive_list.h"
#include "net/relay.h"
#include "net/task.h"
#include "tunnel/log_line.h"
#include "tunnel/plan.h"

namespace gatehouse::tunnel {

class Carrier;

class Session : public Pooled, public ListNode {
 public:
  Session(Carrier& carrier, PlanPtr plan, const SocketAddress& peer);
  virtual ~Session() = default;
  Session(const Session&) = delete;

  bool begin(int fd);  // starts the story; false: there is none, the descriptor is closed
  void cut(End why);   // both sides, with a reset
  void hurry();        // the process is stopping: what is not carried yet ends
  // Whether the connection may go on under another plan. A reason, or none.
  virtual std::optional<End> ended_by(const Plan& coming) const = 0;

 protected:
  virtual Task<> story() = 0;
  virtual void describe(Record& record) const = 0;  // what the log line says of it

  // A Unix socket, unlike TCP, tells its peer's full close as a hang-up.
  void note_local(bool in, bool out) { in_local_ = in, out_local_ = out; }
  bool was_cut() const { return cut_; }
  // Until both directions have ended, one way or another. `first`: what was read of who came in and not sent on yet.
  Task<> carry(Millis idle_timeout, Buffer first = {});
  void finish();  // counts, logs, and leaves the carrier: the last thing a story does
  void count_bytes();
  void count_sent_before(std::uint64_t bytes) { sent_before_ += bytes; }  // of who came in, before carry()
  std::uint64_t down_moved() const { return down_.moved(); }
  bool told_end() const { return down_state_ == Relay::State::source_ended; }

  Carrier& carrier_;
  const PlanPtr plan_;  // of its begin
  const SocketAddress peer_;
  Stream in_;
  std::unique_ptr<Stream> out_;
  Waker waker_;
  StatsPtr stats_;  // whose it is; null: nobody's yet
  End end_ = End::ok;
  std::string detail_, connection_;
  std::uint64_t started_us_, handshake_us_ = 0, connect_us_ = 0;
  unsigned attempts_ = 0;

 private:
  void prepare();
  void move_bytes();
  void pass_end_on(Stream& to);
  void flush_ends();
  bool is_over();
  LoopTime next_look() const;
  void look_after_silence(LoopTime idle_ms);
  void renew_keys();
  void write_log();
  TlsSession* tls() { return in_.tls ? in_.tls.get() : out_ ? out_->tls.get() : nullptr; }

  std::optional<Task<>> story_;
  Relay up_, down_;
  Relay::State up_state_ = Relay::State::blocked, down_state_ = Relay::State::blocked;
  std::uint64_t moved_seen_ = 0, in_counted_ = 0, out_counted_ = 0, sent_before_ = 0;
  std::uint64_t rekeyed_bytes_ = 0, rekeyed_records_ = 0;
  LoopTime progress_at_ = 0, rekeyed_at_ = 0, idle_ms_ = never;
  bool cut_ = false, carrying_ = false, over_ = false, in_local_ = false, out_local_ = false;
  friend class Carrier;
};

}  // namespace gatehouse::tunnel
