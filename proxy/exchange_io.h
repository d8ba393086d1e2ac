// exchange_io.h: one request and its answer: admission, endpoint, backend connection, bodies both ways, log line.
//   The request head stays in the client's buffer until the end (its views feed the log); the head for the backend is
//   written into a slab of its own and kept, with what of the body fits, until the answer begins: so that a request
//   that was provably not processed can be sent once more. Bodies move both ways at once; whichever waits, waits for
//   an edge or a deadline. In steady state nothing is allocated: slabs, frames and this object come from pools.
//   Invariant: answered exactly once, or the connection is closed in a way the client can tell (design, invariant 1).
#pragma once

#include <optional>

#include "net/frame_pool.h"
#include "net/task.h"
#include "proxy/admission.h"
#include "proxy/body_io.h"
#include "proxy/client_io.h"
#include "proxy/http/access_log.h"
#include "proxy/http/head.h"
#include "proxy/http/local_reply.h"
#include "proxy/http/parse.h"
#include "proxy/rate_guard.h"

namespace gatehouse::proxy {

enum class HeadState { incomplete, complete, refused };

class Exchange : public Pooled {
 public:
  explicit Exchange(ClientConnection& client);
  ~Exchange();

  // For the client's story, while the head comes in.
  HeadState parse_head();
  bool grow_input();  // false: the head is too large; it is refused
  void refuse_late_head();
  const conf::Limits& limits() const { return world_->settings().limits; }

  // Serves the request. True: the connection may carry another one.
  Task<bool> run();

 private:
  // How an attempt at a backend ended.
  enum class Attempt { running, answered, upgraded, failed, again_fresh, again_elsewhere };
  enum class Fault { none, connect, stale, timeout, closed, malformed, client_gone, client_slow };

  // exchange_io.cc: from the parsed head to the log line
  bool admit();
  Task<> answer_locally();
  void refuse(int status, http::Termination why);
  void finish();
  void write_log();

  // exchange_backend_io.cc: attempts at endpoints
  Task<> forward();
  Task<bool> choose_endpoint();
  Task<bool> connect();
  bool take_idle_connection();
  void release_endpoint(bool success);
  bool write_request();
  void prepare_body();
  void judge_failure(Fault fault);
  bool may_replay() const;
  bool retry_on_status(int status) const;
  void fail(Fault fault);

  // exchange_relay_io.cc: both directions of an attempt
  Task<> converse();
  Task<> converse_upgraded();
  void pump();
  bool pump_request();
  bool pump_answer_head();
  void pump_answer_body();
  void take_answer_head();
  void relay_interim();
  void begin_answer();
  void settle_answer();
  std::size_t write_answer_head(std::span<char> out, bool chunked_by_us);
  LoopTime next_deadline() const;
  void deadline_passed();
  void note_progress();

  ClientConnection& client_;
  Worker& worker_;
  WorldKeeper::Use world_;
  http::RequestHead head_;
  http::ParseProgress head_progress_;
  http::ResponseHead answer_head_;
  Admission admission_;
  std::shared_ptr<const conf::Service> kept_service_;  // once the world was let go
  const pool::ServicePool* service_ = nullptr;
  const conf::RoutePolicy* policy_ = nullptr;

  // The attempt.
  const pool::Endpoint* endpoint_ = nullptr;
  std::unique_ptr<BackendConnection> backend_;
  std::uint32_t tried_[8] = {};
  unsigned attempts_ = 0;
  bool fresh_only_ = false, stale_replayed_ = false;
  Attempt attempt_ = Attempt::running;
  std::uint64_t acked_before_ = 0;

  // The request's side.
  Buffer out_;                      // head for the backend, and as much of the body as was there
  std::size_t out_sent_ = 0;
  std::size_t body_in_region_ = 0;  // body bytes of client_.in behind the head
  std::size_t region_copied_ = 0;   // of them, in out_
  BodyMover request_body_;
  bool request_sent_ = false, request_broken_ = false, head_done_ = false;

  // The answer's side.
  Buffer answer_;
  Buffer interim_;                  // 1xx heads on their way to the client
  BodyMover answer_body_;
  unsigned interims_ = 0;
  bool answering_ = false, keep_client_ = false, keep_backend_ = false;

  // Time.
  LoopTime started_, sent_at_ = 0, progress_at_ = 0, connected_ms_ = 0, first_byte_ms_ = 0;
  std::uint64_t progress_seen_ = 0;
  RateGuard upload_guard_, download_guard_;
  bool waits_for_client_send_ = false, waits_for_client_read_ = false;

  // What is told.
  http::LocalReply local_;
  int status_ = 0;
  http::Termination termination_ = http::Termination::ok;
  char request_id_[http::request_id_most];
  std::string_view request_id_view_;
};

}  // namespace gatehouse::proxy
