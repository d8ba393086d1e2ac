// exchange_io.h: one request and its answer: admission, endpoint, backend connection, bodies both ways, log line.
//   The request head stays in the client's buffer until the end (its views feed the log); the head for the backend is
//   written into a slab of its own and kept, with what of the body fits, until the answer begins: so that a request
//   that was provably not processed can be sent once more. Bodies move both ways at once; whichever waits, waits for
//   an edge or a deadline. In steady state nothing is allocated: slabs, frames and this object come from pools.
//   Invariant  answered exactly once, or the connection is closed in a way the client can tell.
//   Files      exchange_io.cc from the head to the log line; exchange_backend_io.cc endpoints, retries and what a
//              failure means; exchange_h2_io.cc what is different where the backend speaks HTTP/2;
//              exchange_relay_io.cc the bytes; exchange_upgrade_io.cc after a 101;
//              exchange_auth_io.cc who may pass; guard_io.cc what the guard wants;
//              exchange_local_io.cc answers that no backend gives: files, and whatever else is a LocalBody.
#pragma once

#include "net/frame_pool.h"
#include "net/task.h"
#include "proxy/admission.h"
#include "proxy/body_io.h"
#include "proxy/client.h"
#include "proxy/compress/plan.h"
#include "proxy/files/file_head.h"
#include "proxy/files/find_io.h"
#include "proxy/http/access_log.h"
#include "proxy/http/head.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/local_reply.h"
#include "proxy/http/parse.h"
#include "proxy/http/request_id.h"
#include "proxy/http/trace_context.h"
#include "proxy/local_body.h"
#include "proxy/pool/pick.h"
#include "proxy/pool/tried.h"
#include "proxy/rate_guard.h"
#include "proxy/side_request_io.h"

namespace gatehouse::proxy {

// A time that is off (0) never ends.
inline LoopTime due_after(LoopTime from, Millis time) {
  return time.count() > 0 ? from + static_cast<LoopTime>(time.count()) : never;
}

inline constexpr std::size_t own_fields_most = 1024;  // what we add to a head
inline constexpr std::string_view file_methods = "GET, HEAD, OPTIONS";
inline constexpr std::size_t hsts_bytes_max = 32;  // "max-age=" and a number

class Exchange : public Pooled {
 public:
  explicit Exchange(Client& client);
  ~Exchange();

  // For the client's story, while the head comes in.
  http::ParseState parse_head();
  bool make_room();  // false: the head is too large, and refused
  void refuse_late_head();
  void refuse_head(int status, std::string_view reason);
  const conf::Limits& limits() const { return settings_->limits; }

  // Serves the request. True: the connection may carry another one.
  Task<bool> run();

 private:
  // Where the present attempt at a backend stands.
  enum class Attempt { running, answered, upgraded, failed, again_fresh, again_elsewhere };
  enum class Fault {
    connect,
    timeout,
    closed,
    withdrawn,
    malformed,
    total_time,
    client_gone,
    client_silent,
    client_slow
  };

  // exchange_io.cc
  bool admit();
  Task<> serve();
  void name_request(std::string_view told);
  bool keep_paths();
  bool prepare_body();
  bool write_request();
  const std::vector<std::string>* fields_of_auth() const;
  void refuse_body();
  void refuse(int status, http::Termination why, std::string_view detail = {});
  Task<> answer_locally();
  std::string_view hsts_value(std::span<char, hsts_bytes_max> room) const;
  http::LocalReply local_reply(std::span<char, http::page_bytes_max> page, std::span<char, own_fields_most> fields);
  Task<bool> send_all(std::string_view bytes, bool last);
  void finish();
  void write_log();
  void let_world_go();
  void mirror();
  std::string_view trace_to_send();

  // exchange_auth_io.cc
  Task<bool> authorize();
  Task<bool> ask_password(const conf::AuthPolicy& policy);
  Task<std::optional<bool>> hash_password(std::string password, std::string hash);
  Task<bool> ask_server(const conf::AuthPolicy& policy);
  Task<Status> converse_with_server(const conf::AuthPolicy& policy, const ServicePool& pool,
                                    const pool::Endpoint& endpoint, SideAnswer& answer);
  bool write_question(const conf::AuthPolicy& policy, const ServicePool& pool, Buffer& out);
  bool copy_fields(const conf::AuthPolicy& policy, const SideAnswer& answer);
  void replace_page(const conf::AuthPolicy& policy, SideAnswer& answer, std::span<char, http::page_bytes_max> room);
  Task<> pass_on(const conf::AuthPolicy& policy, SideAnswer& answer);

  // guard_io.cc
  Task<> wait_turn();
  bool leaves_silently() const;
  void tell_guard();
  void keep_application_event();

  // exchange_backend_io.cc
  Task<> forward();
  Task<bool> choose_endpoint();
  bool is_choosy() const;
  pool::PickContext pick_context();
  pool::Outcome pick_endpoint();
  Task<pool::Outcome> wait_in_queue(pool::Outcome outcome);
  bool take_idle_connection();
  Task<Result<std::unique_ptr<BackendConnection>>> make_connection();
  Task<bool> connect();
  SocketAddress asking() const;
  void count_bytes();
  void release_endpoint();
  void judge_failure(Fault fault);
  bool repeatable() const;
  bool is_stale() const;
  bool may_replay() const;
  bool retry_allowed();
  void rewind();
  void note_gateway_error(Fault fault);
  void judge_answer();
  void note_latency();
  void note_error_latency();
  void fail(Fault fault);
  void retry_elsewhere();
  void retry_for_status();

  // exchange_h2_io.cc
  bool over_http2() const { return conf::over_http2(pool_->service->protocol); }
  bool is_shared() const { return pool_->service->send_proxy == conf::SendProxy::none; }
  Task<Result<std::unique_ptr<BackendConnection>>> make_stream();
  Task<Status> open_h2();
  bool may_carry_upgrade();
  bool needs_tunnel() const { return client_.carrier != nullptr && head_.is_upgrade; }  // extended CONNECT
  bool is_proven() const;
  bool was_not_processed() const;
  Fault loss() const;
  bool is_grpc() const;
  bool speaks_grpc() const;

  // exchange_relay_io.cc
  Task<> converse();
  void pump();
  void pump_request();
  void client_left();
  void look_for_client();
  bool send_region(const char* bytes, std::size_t size, std::size_t& sent);
  void pump_answer_head();
  bool take_answer_head();
  void relay_interim();
  void put_interim(std::string_view head);
  bool awaits_continue() const;
  bool send_interims();
  void begin_answer();
  bool frame_answer(http::Framing towards_client, BodyMover::Coding& coding, std::uint64_t& left);
  void start_answer(http::Framing towards_client, BodyMover::Coding coding, std::uint64_t left);
  std::string_view sticky_field(std::span<char> room) const;
  void pump_answer_body();
  void break_off(http::Termination why);
  void note_progress();
  LoopTime total_due() const;
  LoopTime silence_due() const;
  LoopTime next_deadline() const;
  void deadline_passed();
  void give_up(Fault fault);

  compress::Plan plan_compression();
  void start_filtered(std::string_view head, BodyMover::Coding coding, std::uint64_t left);

  // exchange_upgrade_io.cc
  Task<> converse_upgraded();

  // exchange_local_io.cc
  Task<> serve_files();
  Task<bool> find_file(files::Found& found, std::shared_ptr<files::FindJob>& job);
  bool judge_found(const files::Found& found);
  Buffer local_head(int status, std::string_view fields);
  Task<> send_file(files::Found& found);
  Task<> send_local(LocalBody& body);
  LoopTime local_due(bool source_waits) const;
  void local_deadline_passed(bool source_waits);
  compress::BodyFilterPtr take_filter(conf::ContentCoding coding, std::optional<std::uint64_t> size);

  pool::ServiceShard& shard() { return pool_->stats->shard(worker_.index); }
  std::int64_t now_ms() const { return static_cast<std::int64_t>(worker_.loop.now()); }

  Client& client_;
  Worker& worker_;
  WorldKeeper::Use world_;  // until let_world_go()
  std::shared_ptr<const Settings> kept_settings_;
  PoolPtr kept_pool_, kept_canary_;
  std::string kept_head_;
  const Settings* settings_;
  http::RequestHead head_;
  http::ResponseHead answer_head_;
  struct ApplicationEvent {
    std::string reason, user;
    unsigned weight;
  };
  std::unique_ptr<const ApplicationEvent> application_event_;  // null: the backend said nothing of its client
  Admission admission_;
  const ServicePool* pool_ = nullptr;
  const conf::RoutePolicy* policy_ = nullptr;
  bool head_complete_ = false;

  // The attempt.
  const pool::Endpoint* endpoint_ = nullptr;
  std::unique_ptr<BackendConnection> backend_;
  pool::Tried tried_;
  bool fresh_only_ = false, stale_replayed_ = false, queue_was_full_ = false;
  Attempt attempt_ = Attempt::running;
  pool::Failure failure_ = pool::Failure::none;  // of a connection
  bool client_held_up_ = false;                  // the transfer: longer than a backend may be patient
  Side blame_ = Side::backend;                   // for it
  std::optional<std::uint64_t> acked_before_;    // by the backend's TCP, before this request

  // The request's side.
  Buffer out_;  // the head for the backend, and as much of the body as was there
  std::size_t out_sent_ = 0;
  std::size_t region_size_ = 0;    // body bytes in client_.in behind the head
  std::size_t region_copied_ = 0;  // of them, in out_
  std::size_t region_sent_ = 0;
  std::uint64_t region_received_ = 0;  // what request_body_ counts as received of the region
  BodyMover request_body_;             // the rest
  bool request_sent_ = false, request_broken_ = false;

  // The answer's side.
  Buffer answer_;
  Buffer interim_;  // 1xx heads on their way to the client
  BodyMover answer_body_;
  unsigned interims_ = 0;
  std::size_t answer_head_size_ = 0;  // as sent to the client
  std::size_t answer_received_ = 0;   // before the body moves
  compress::Plan plan_;
  compress::BodyFilterPtr filter_;  // until the body is started
  std::uint64_t local_moved_ = 0;   // bytes of an answer that no backend gave
  bool answering_ = false, keep_client_ = false, keep_backend_ = false;

  // Time: microseconds for what is told, LoopTime for deadlines.
  std::uint64_t started_us_, connect_us_ = 0, first_byte_us_ = 0;
  std::uint64_t sent_us_ = 0, answer_us_ = 0;  // when the request was; from then to the answer's head, 0: not known
  LoopTime sent_at_ = 0, progress_at_ = 0;
  std::uint64_t progress_seen_ = 0;
  RateGuard upload_guard_, download_guard_;
  bool waits_for_client_body_ = false, waits_for_client_to_read_ = false, yield_ = false, continued_ = false;

  // What is told.
  int status_ = 0;
  http::Termination termination_ = http::Termination::ok;
  std::string_view detail_;     // of a refusal
  std::string refused_fields_;  // whole field lines of it
  std::string_view encoding_;   // that we sent the body in
  int refused_ = 0;             // the status of our own answer; 0: none
  std::size_t local_body_size_ = 0;
  std::array<char, http::request_id_bytes_max> id_bytes_;
  std::string_view request_id_;
  std::array<char, 64> user_bytes_;
  std::string_view user_;  // who passed by a password
  http::TraceParent traceparent_;
  std::string_view trace_id_;
};

}  // namespace gatehouse::proxy
