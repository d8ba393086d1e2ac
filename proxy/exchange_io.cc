#include "proxy/exchange_io.h"

#include <algorithm>

#include "net/of_thread.h"
#include "proxy/guard_io.h"
#include "proxy/http/framing.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::proxy {
namespace {

constexpr Seconds default_retry_after = 5s;

bool is_client_fault(int status) { return status == 413 || status == 414 || status == 431; }

}  // namespace

Exchange::Exchange(Client& client)
    : client_(client),
      worker_(client.worker),
      world_(client.worker.worlds.use()),
      settings_(&world_->settings()),
      request_body_(worker_.buffers, worker_.pipes),
      answer_body_(worker_.buffers, worker_.pipes),
      started_us_(worker_.loop.now_us()),
      upload_guard_(limits().body_rate, limits().body_rate_after.count()),
      download_guard_(limits().body_rate, limits().body_rate_after.count()) {}

Exchange::~Exchange() = default;

http::ParseState Exchange::parse_head() {
  const conf::Limits& bounds = limits();
  const http::HeadLimits head_limits{static_cast<std::uint32_t>(bounds.request_line),
                                     static_cast<std::uint32_t>(bounds.fields), bounds.field_count};
  const http::ParseState state = http::parse_request_head(client_.in.view(), head_limits, head_);
  head_complete_ = state == http::ParseState::complete;
  if (state == http::ParseState::refused) {
    worker_.counters.malformed_requests.add();
    const int status = head_.refusal.status;
    refuse(status,
           is_client_fault(status) ? http::Termination::client_too_large : http::Termination::client_malformed,
           head_.refusal.reason);
  }
  return state;
}

bool Exchange::make_room() {
  client_.in.compact();
  if (client_.in.room() > 0) return true;
  if (client_.in.capacity() == BufferPool::large) {
    refuse(431, http::Termination::client_too_large);
    return false;
  }
  if (!worker_.has_room()) {
    refuse(503, http::Termination::overload);
    return false;
  }
  Buffer larger = worker_.buffers.take(BufferPool::large);
  larger.append(client_.in.view());
  client_.in = std::move(larger);
  return true;
}

void Exchange::refuse_late_head() { refuse(408, http::Termination::client_timeout); }

void Exchange::refuse_head(int status, std::string_view reason) {
  worker_.counters.malformed_requests.add();
  const auto why =
      is_client_fault(status) ? http::Termination::client_too_large : http::Termination::client_malformed;
  refuse(status, why, reason);
}

void Exchange::refuse(int status, http::Termination why, std::string_view detail) {
  refused_ = status;
  termination_ = why;
  detail_ = detail;
}

Task<bool> Exchange::run() {
  worker_.counters.requests.add();
  keep_client_ =
      refused_ == 0 && head_.keep_alive && !worker_.draining && client_.requests < limits().keep_alive_requests;
  if (refused_ != 0) {
    name_request({});
  } else if (admit()) {
    if (admission_.limit.answer == ratelimit::LimitAnswer::delayed) co_await wait_turn();
    if (refused_ == 0) co_await serve();
  }
  if (refused_ != 0 && !answering_) {
    if (leaves_silently())
      keep_client_ = false;
    else
      co_await answer_locally();
  }
  finish();
  co_return keep_client_;
}

// A request that was admitted, and has waited for its turn.
Task<> Exchange::serve() {
  bool may = true;
  if (policy_->auth.policy) may = co_await authorize();
  if (may && policy_->files) {
    co_await serve_files();
  } else if (may) {
    if (!pool_->service->mirror.service.empty()) mirror();
    co_await forward();
  }
}

// The id is copied: the slab with the head may go before the log line is written.
void Exchange::name_request(std::string_view told) {
  const http::RequestId made = http::make_request_id(worker_.dice.roll(), worker_.dice.roll());
  const std::string_view id = told.empty() ? http::view(made) : told;
  request_id_ = {id_bytes_.data(), id.copy(id_bytes_.data(), id_bytes_.size())};
}

bool Exchange::admit() {
  const std::optional<ratelimit::Gate> gate = gate_of(worker_, *settings_);
  Arrival arrival{head_, *client_.listener, client_.peer.ip, client_.tls(), gate ? &*gate : nullptr};
  arrival.wall_ms = worker_.loop.wall_us() / 1000;
  arrival.dice = worker_.dice.roll();
  // The scratch is ours from admission until the head for the backend is written; nothing suspends in between.
  admission_ = gatehouse::proxy::admit(arrival, *world_, of_thread<AdmissionScratch>());
  name_request(admission_.client.request_id);
  pool_ = admission_.pool;
  policy_ = admission_.policy;
  trace_id_ = http::trace_id(head_.value_of(http::FieldId::traceparent));
  const Refusal& refusal = admission_.refusal;
  if (refusal.status != 0) {
    refuse(refusal.status, refusal.why, refusal.reason);
    return false;
  }
  if (!worker_.has_room()) {
    refuse(503, http::Termination::overload, "no memory is left for more requests");
    return false;
  }
  if (policy_->files) return keep_paths();
  shard().budget.on_request(now_ms());
  if (admission_.canary) shard().canaries.add();
  return prepare_body() && write_request();
}

// Who is asked for a password, or is ahead of its rate, waits, and the scratch is another request's then: the paths
// are kept where a backend's head would be.
bool Exchange::keep_paths() {
  if (!policy_->auth.policy && admission_.limit.answer != ratelimit::LimitAnswer::delayed) return true;
  const std::size_t size = admission_.forward.size() + admission_.path.size();
  out_ = worker_.buffers.take(size > BufferPool::small / 2 ? BufferPool::large : BufferPool::small);
  if (size > out_.room()) {
    refuse(414, http::Termination::client_too_large);
    return false;
  }
  out_.append(admission_.forward);
  out_.append(admission_.path);
  admission_.path = out_.view().substr(admission_.forward.size());
  admission_.forward = out_.view().substr(0, admission_.forward.size());
  return true;
}

// How the request's body is framed, and how much of it stands behind the head already.
bool Exchange::prepare_body() {
  const std::size_t behind = client_.in.size() - head_.size;
  if (head_.body == http::Framing::chunked) {
    if (policy_->max_body) request_body_.set_limit(*policy_->max_body);
    const http::TrailerGuard guard{&policy_->headers.request, fields_of_auth(), true};
    if (!request_body_.feed_first(BodyMover::Coding::chunked, client_.in, head_.size, guard)) {
      refuse_body();
      return false;
    }
    region_size_ = client_.in.size() - head_.size;
    request_body_.start_held(BodyMover::Coding::chunked, {});
    region_received_ = request_body_.received();
    return true;
  }
  const std::uint64_t length = head_.body == http::Framing::length ? head_.content_length : 0;
  region_size_ = std::min<std::uint64_t>(behind, length);
  request_body_.start(BodyMover::Coding::length, length - region_size_);
  return true;
}

// The fields that the server which is asked says to the backend, and nobody else may; null: none.
const std::vector<std::string>* Exchange::fields_of_auth() const {
  const conf::AuthPolicy* const auth = policy_->auth.policy.get();
  return auth != nullptr && !auth->fields.empty() ? &auth->fields : nullptr;
}

// A chunked body that can't be passed on.
void Exchange::refuse_body() {
  if (request_body_.too_large())
    return refuse(413, http::Termination::client_too_large, "the body is larger than this route takes");
  worker_.counters.malformed_requests.add();
  refuse(400, http::Termination::client_malformed, "the chunked body is malformed");
}

// Writes the head for the backend, and behind it what of the body is here and fits.
bool Exchange::write_request() {
  const conf::FieldRules& rules = policy_->headers.request;
  const bool large = head_.size + region_size_ + own_fields_most + rules.bytes > BufferPool::small - Buffer::headroom;
  out_ = worker_.buffers.take(large ? BufferPool::large : BufferPool::small);
  http::HeadWriter writer({out_.data(), out_.room()});
  http::RequestRewrite rewrite;
  rewrite.target = admission_.forward;
  rewrite.host = pool_->service->host;
  rewrite.pass_upgrade = admission_.upgrade;
  rewrite.forwarded = pool_->service->forwarded;
  rewrite.client = &admission_.client;
  rewrite.scheme = client_.tls() ? "https" : "http";
  rewrite.port = client_.listener->port();
  rewrite.request_id = request_id_;
  if (!rules.empty()) rewrite.rules = &rules;
  rewrite.left_out = fields_of_auth();
  if (policy_->trace == conf::Trace::make && trace_id_.empty()) rewrite.traceparent = trace_to_send();
  http::write_request_head(head_, rewrite, writer);
  if (!writer.ok()) {
    refuse(431, http::Termination::client_too_large);
    return false;
  }
  out_.grew(writer.size());
  region_copied_ = std::min(region_size_, out_.room());
  out_.append({client_.in.data() + head_.size, region_copied_});
  region_sent_ = region_copied_;
  return true;
}

// Of Strict-Transport-Security; empty where we have nothing to say: a placeholder's certificate proves nothing.
std::string_view Exchange::hsts_value(std::span<char, hsts_bytes_max> room) const {
  if (admission_.hsts.count() <= 0 || !client_.tls() || client_.tls()->served.placeholder()) return {};
  http::HeadWriter value(room);
  value.put("max-age=");
  value.put(static_cast<std::uint64_t>(std::chrono::duration_cast<Seconds>(admission_.hsts).count()));
  return value.text();
}

http::LocalReply Exchange::local_reply(std::span<char, http::page_bytes_max> page,
                                       std::span<char, own_fields_most> fields) {
  http::LocalReply reply;
  reply.status = refused_;
  reply.close = !keep_client_;
  reply.to_head = head_complete_ && head_.method_id == http::Method::head;
  reply.client_minor = head_complete_ ? head_.minor : 1;
  reply.location = admission_.refusal.location;
  if (!admission_.fields.empty()) reply.fields = &admission_.fields;
  if (admission_.preflight) reply.preflight = &head_;
  reply.allow = admission_.refusal.allow;
  http::HeadWriter extra(fields);
  if (refused_ == 401 && policy_ != nullptr && policy_->auth.policy) {
    extra.put("WWW-Authenticate: Basic realm=\"");
    extra.put(policy_->auth.policy->realm);
    extra.put("\", charset=\"UTF-8\"\r\n");
  }
  std::array<char, hsts_bytes_max> room;
  const std::string_view hsts = hsts_value(room);
  if (!hsts.empty()) extra.field("Strict-Transport-Security", hsts);
  extra.field("X-Request-Id", request_id_);
  if (admission_.ban || admission_.limit.by != nullptr) put_guard_fields(admission_, extra);
  extra.put(refused_fields_);
  reply.extra = extra.text();
  if (refused_ == 204) return reply;
  if (refused_ == 429) reply.retry_after = retry_after(admission_, worker_.loop.now());
  const Seconds wanted = std::chrono::ceil<Seconds>(admission_.refusal.retry_after);
  if (is_grpc()) {
    reply.to_grpc = true;
    reply.detail = detail_;
    return reply;
  }
  if (refused_ == 405 && reply.allow.empty() && policy_ != nullptr && policy_->files) reply.allow = file_methods;
  if (refused_ == 503) reply.retry_after = wanted.count() > 0 ? wanted : default_retry_after;
  if (admission_.challenge != nullptr) {
    reply.body = *admission_.challenge;
    reply.content_type = "application/octet-stream";
    return reply;
  }
  if (refused_ < 300) return reply;  // OPTIONS: a word, and no page
  const conf::Page* own = page_for(refused_, policy_ != nullptr ? policy_->pages : world_->table().pages);
  if (own == nullptr) {
    std::array<char, ban_words_bytes> words;
    reply.body = http::html_page(refused_, admission_.ban ? ban_words(*admission_.ban, words) : detail_, page);
    return reply;
  }
  reply.body = own->body;
  reply.content_type = own->content_type;
  if (own->retry_after.count() > 0) reply.retry_after = std::chrono::ceil<Seconds>(own->retry_after);
  if (wanted.count() > 0) reply.retry_after = wanted;
  return reply;
}

// A copy for another service, of what is here whole: head and body stand in out_.
void Exchange::mirror() {
  const conf::Share& share = pool_->service->mirror;
  const bool whole = head_.body != http::Framing::chunked && region_copied_ == region_size_ &&
                     (head_.body == http::Framing::none || head_.content_length == region_size_);
  if (worker_.dice.roll() % 10'000 >= share.per_myriad) return;
  PoolPtr to = world_->share(share.service);
  if (!to || !whole || admission_.upgrade) return worker_.mirrors.dropped.add();
  worker_.mirrors.send(std::move(to), out_.view(), head_.host_name());
}

std::string_view Exchange::trace_to_send() {
  traceparent_ = http::make_traceparent(worker_.dice.roll(), worker_.dice.roll(), worker_.dice.roll());
  const std::string_view made(traceparent_.data(), traceparent_.size());
  trace_id_ = http::trace_id(made);
  return made;
}

Task<> Exchange::answer_locally() {
  worker_.counters.local_replies.add();
  // A request whose body is not read yet can't be followed by another one.
  const bool whole = head_complete_ && (head_.body == http::Framing::none || request_sent_);
  keep_client_ = keep_client_ && whole && refused_ != 400 && !admission_.ban;
  client_.linger = !keep_client_;
  if (needs_tunnel() && refused_ / 100 == 2) refused_ = 502;  // a 2xx would open it
  status_ = refused_;
  std::array<char, http::page_bytes_max> page;
  std::array<char, own_fields_most> fields;
  const http::LocalReply reply = local_reply(page, fields);
  const bool large =
      reply.fields != nullptr || reply.location.size() + own_fields_most > BufferPool::small - Buffer::headroom;
  Buffer head = worker_.buffers.take(large ? BufferPool::large : BufferPool::small);
  http::HeadWriter writer({head.data(), head.room()});
  http::write_local_head(reply, worker_.date(), writer);
  if (!writer.ok()) {  // half a head would be joined with whatever comes next
    keep_client_ = client_.linger = false;
    co_return client_.stream.reset();
  }
  head.grew(writer.size());
  answer_head_size_ = head.size();
  std::string_view rest = reply.to_head ? std::string_view() : reply.body;
  const std::size_t first = std::min(rest.size(), head.room());
  head.append(rest.substr(0, first));
  rest.remove_prefix(first);
  local_body_size_ = reply.to_head ? 0 : reply.body.size();
  if (!keep_client_) client_.stream.part_after_message();
  bool sent = true;
  if (interim_) sent = co_await send_all(interim_.view(), false);  // what is left of it
  if (sent) sent = co_await send_all(head.view(), rest.empty());
  if (sent) sent = co_await send_all(rest, true);
  if (sent) co_return;
  keep_client_ = false;
  client_.linger = false;
}

// Sends bytes of our own to the client. False: it is gone, or took nothing for too long.
Task<bool> Exchange::send_all(std::string_view bytes, bool last) {
  const LoopTime deadline = worker_.loop.now() + limits().body_idle_time.count();
  while (!bytes.empty() || client_.stream.pending()) {
    const IoResult sent =
        client_.stream.pending() ? client_.stream.flush() : client_.stream.send(bytes.data(), bytes.size(), last);
    if (sent.ok()) {
      bytes.remove_prefix(std::min(sent.size, bytes.size()));
      continue;
    }
    if (!sent.again()) break;
    const Waker::Why why = co_await client_.waker.sleep(deadline);
    if (why == Waker::Why::deadline || client_.stream.failed()) break;
  }
  co_return bytes.empty() && !client_.stream.pending();
}

// A long transfer keeps its service's policy and endpoint, and lets the rest of the world be replaced.
void Exchange::let_world_go() {
  if (!world_) return;
  kept_settings_ = world_->shared_settings();
  kept_pool_ = world_->pools()[admission_.match.target->service];
  if (admission_.canary) kept_canary_ = world_->share(pool_->service->name);
  settings_ = kept_settings_.get();
  world_.end();
}

// Leaves the connection ready for the next request, or not to be used again.
void Exchange::finish() {
  worker_.counters.compressed_in.add(answer_body_.filtered());
  if (answer_body_.filtered() > 0) worker_.counters.compressed_out.add(answer_body_.moved());
  if (client_.was_cut && termination_ != http::Termination::ok)
    termination_ = client_.was_banned   ? http::Termination::banned
                   : client_.was_greedy ? http::Termination::overload
                                        : http::Termination::shutdown;
  worker_.counters.responses[status_ >= 100 && status_ < 600 ? status_ / 100 : 0].add();
  if (pool_ != nullptr) {
    if (status_ == 0)
      shard().aborted.add();
    else
      shard().on_response(status_, worker_.loop.now_us() - started_us_);
  }
  write_log();
  tell_guard();
  if (!keep_client_) {
    // What the client still sends is read off, so that our answer reaches it.
    if (!request_sent_ && status_ != 0) client_.linger = true;
    return;
  }
  client_.in.consume(head_.size + region_size_);
  if (Buffer surplus = request_body_.take_surplus()) client_.in = std::move(surplus);
  if (client_.in.empty()) client_.in.release();
}

void Exchange::write_log() {
  const std::uint64_t duration = worker_.loop.now_us() - started_us_;
  const std::uint64_t bytes_in = head_.size + region_size_ + (request_body_.received() - region_received_);
  const std::uint64_t bytes_out =
      answer_head_size_ * (refused_ != 0) + local_body_size_ + local_moved_ + answer_body_.moved();
  worker_.counters.bytes_in.add(bytes_in);
  worker_.counters.bytes_out.add(bytes_out);
  if (pool_ != nullptr) {
    shard().bytes_in.add(bytes_in);
    shard().bytes_out.add(bytes_out);
  }
  if (!settings_->access_log) return;
  const std::span<char> line = worker_.access_log.reserve(http::access_line_bytes_max);
  if (line.empty()) return worker_.access_log.drop();
  http::AccessRecord record;
  record.time = WallTime(std::chrono::microseconds(worker_.loop.wall_us() - static_cast<std::int64_t>(duration)));
  record.node = settings_->node;
  record.peer_address = client_.peer.ip;
  record.client_address = admission_.client.hop_count > 0 ? admission_.client.address() : client_.peer.ip;
  if (head_complete_) {
    record.method = head_.method();
    record.host = head_.host();
    record.path = head_.target();
    record.http_version = client_.carrier ? "HTTP/2" : head_.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
    record.user_agent = head_.value_of(http::FieldId::user_agent);
    record.referer = head_.value_of(http::FieldId::referer);
    if (settings_->redact_query) {
      record.path = record.path.substr(0, record.path.find('?'));
      record.referer = record.referer.substr(0, record.referer.find('?'));
    }
  }
  record.status = status_;
  record.bytes_in = bytes_in;
  record.bytes_out = bytes_out;
  record.duration = http::Micros(duration);
  if (connect_us_ != 0) record.connect = http::Micros(connect_us_);
  if (first_byte_us_ != 0) record.first_byte = http::Micros(first_byte_us_);
  if (pool_ != nullptr) record.service = pool_->service->name;
  if (endpoint_ != nullptr) record.endpoint = endpoint_->name;
  record.attempts = static_cast<unsigned>(tried_.ids.size());
  record.termination = termination_;
  if (client_.tls()) record.tls_version = client_.tls()->version;
  record.request_id = request_id_;
  std::array<char, ratelimit::ban_id_bytes> ban_id;
  if (admission_.ban) {
    ratelimit::write_ban_id(admission_.ban->id, ban_id);
    record.ban_id = {ban_id.data(), ban_id.size()};
  }
  record.user = user_;
  record.trace_id = trace_id_;
  record.encoding = encoding_;
  worker_.access_log.commit(worker_.log_lines.write(record, line));
  if (worker_.access_log.used() * 2 > worker_.access_log.capacity()) worker_.shared.nudge_log();
}

}  // namespace gatehouse::proxy
