#include "proxy/exchange_io.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::proxy {
namespace {

constexpr std::size_t log_line_most = 8 << 10;
constexpr std::size_t request_head_most = 60 << 10;  // rewritten; the parser's limits are below it

// Holds the lower-case host and the normalised path from admission until the head for the backend is written: both
// happen without a suspension in between.
thread_local char admission_scratch[80 << 10];

}  // namespace

Exchange::Exchange(ClientConnection& client)
    : client_(client),
      worker_(client.worker),
      world_(client.worker.worlds.use()),
      request_body_(worker_.buffers, worker_.pipes),
      answer_body_(worker_.buffers, worker_.pipes),
      started_(worker_.loop.now()),
      upload_guard_(limits().body_rate, limits().body_rate_after.count()),
      download_guard_(limits().body_rate, limits().body_rate_after.count()) {}

Exchange::~Exchange() = default;

HeadState Exchange::parse_head() {
  const conf::Limits& bounds = limits();
  const http::HeadLimits head_limits{bounds.request_line, bounds.fields, bounds.field_count};
  const http::ParseResult parsed = http::parse_request_head(client_.in.view(), head_limits, head_progress_, head_);
  if (parsed.state == http::ParseState::incomplete) return HeadState::incomplete;
  head_done_ = true;
  if (parsed.state == http::ParseState::complete) return HeadState::complete;
  worker_.counters.malformed_requests.add();
  refuse(parsed.status, http::Termination::client_malformed);
  local_.reason = parsed.reason;
  return HeadState::refused;
}

bool Exchange::grow_input() {
  client_.in.compact();
  if (client_.in.room() > 0) return true;
  if (client_.in.capacity() == BufferPool::large) {
    refuse(431, http::Termination::client_malformed);
    return false;
  }
  Buffer larger = worker_.buffers.take(BufferPool::large);
  larger.append(client_.in.view());
  client_.in = std::move(larger);
  return true;
}

void Exchange::refuse_late_head() { refuse(408, http::Termination::client_timeout); }

void Exchange::refuse(int status, http::Termination why) {
  local_.status = status;
  termination_ = why;
}

Task<bool> Exchange::run() {
  worker_.counters.requests.add();
  keep_client_ = local_.status == 0 && head_.keep_alive && !worker_.draining &&
                 client_.requests < limits().keep_alive_requests;
  if (local_.status == 0 && admit()) co_await forward();
  if (local_.status != 0 && !answering_) co_await answer_locally();
  finish();
  co_return keep_client_;
}

bool Exchange::admit() {
  const Arrival arrival{head_, *client_.listener, client_.peer,
                        client_.stream.tls ? client_.selection.chosen.get() : nullptr};
  admission_ = gatehouse::proxy::admit(arrival, *world_, admission_scratch);
  make_request_id();
  if (admission_.route != nullptr) policy_ = &admission_.route->policy();
  service_ = admission_.service;
  if (admission_.refusal.status != 0) {
    refuse(admission_.refusal.status, admission_.refusal.why);
    local_.location = admission_.refusal.location;
    local_.reason = admission_.refusal.reason;
    return false;
  }
  return write_request();
}

// A trusted peer's id is kept, anybody else's is replaced.
void Exchange::make_request_id() {
  const std::string_view given = admission_.client.trusted ? head_.value(http::FieldId::x_request_id) : "";
  if (http::is_request_id(given)) {
    std::memcpy(request_id_, given.data(), given.size());
    request_id_view_ = {request_id_, given.size()};
    return;
  }
  request_id_view_ = {request_id_, http::write_request_id(worker_.dice.roll(), worker_.dice.roll(), request_id_)};
}

// Writes the head for the backend, and as much of the body as is here, into a slab of its own.
bool Exchange::write_request() {
  prepare_body();
  if (local_.status != 0) return false;
  const bool large = head_.size + body_in_region_ + Buffer::headroom * 2 > BufferPool::small;
  out_ = worker_.buffers.take(large ? BufferPool::large : BufferPool::small);
  http::HeadWriter writer({out_.data(), out_.room()});
  http::RequestRewrite rewrite;
  rewrite.target = admission_.forward_target;
  rewrite.host = service_->service->host;
  rewrite.client = &admission_.client;
  rewrite.secure = client_.stream.tls != nullptr;
  rewrite.forwarded = service_->service->forwarded;
  rewrite.request_id = request_id_view_;
  rewrite.upgrade = admission_.upgrade;
  rewrite.listener_port = client_.listener->port();
  http::write_request_head(head_, rewrite, writer);
  if (writer.overflowed()) {
    refuse(431, http::Termination::client_malformed);
    return false;
  }
  out_.grew(writer.size());
  region_copied_ = std::min(body_in_region_, out_.room());
  out_.append({client_.in.data() + head_.size, region_copied_});
  region_sent_ = region_copied_;
  return true;
}

// Decides how the request's body is framed and how much of it stands behind the head already.
void Exchange::prepare_body() {
  const std::size_t behind = client_.in.size() - head_.size;
  using Coding = BodyMover::Coding;
  switch (head_.body) {
    case http::Framing::length: {
      body_in_region_ = std::min<std::uint64_t>(behind, head_.content_length);
      region_size_ = body_in_region_;
      request_body_.start(Coding::length, head_.content_length - body_in_region_);
      return;
    }
    case http::Framing::chunked: {
      const std::size_t size = client_.in.size();
      if (!request_body_.feed_first(Coding::chunked, client_.in, head_.size)) {
        worker_.counters.malformed_requests.add();
        refuse(400, http::Termination::client_malformed);
        return;
      }
      body_in_region_ = client_.in.size() - head_.size;
      region_size_ = body_in_region_;
      (void)size;
      request_body_.start_held(Coding::chunked, {});
      return;
    }
    default: request_body_.start(Coding::length, 0);
  }
}

Task<> Exchange::answer_locally() {
  worker_.counters.local_replies.add();
  const bool whole = head_done_ && head_.size > 0 && request_is_whole();
  keep_client_ = keep_client_ && whole && local_.status != 400;
  client_.linger = !keep_client_;
  local_.close = !keep_client_;
  local_.head_only = head_done_ && head_.method == "HEAD";
  local_.retry_after = admission_.refusal.retry_after;
  if (policy_ != nullptr)
    if (const conf::Page* page = page_for(local_.status, *policy_)) {
      local_.content_type = page->content_type;
      local_.body = page->body;
      if (page->retry_after.count() > 0) local_.retry_after = page->retry_after;
    }
  if (local_.status == 503 && local_.retry_after.count() == 0) local_.retry_after = 5s;
  status_ = local_.status;
  Buffer reply = worker_.buffers.take(local_.body.size() > BufferPool::small / 2 ? BufferPool::large : BufferPool::small);
  http::HeadWriter writer({reply.data(), reply.room()});
  http::write_local_reply(local_, worker_.loop.wall_ms(), writer);
  reply.grew(writer.size());
  const std::string_view body = local_.head_only ? std::string_view() : local_.body_text();
  std::size_t body_sent = 0;
  const LoopTime deadline = worker_.loop.now() + limits().body_idle_time.count();
  while (!reply.empty() || body_sent < body.size() || client_.stream.pending()) {
    if (body_sent < body.size() && reply.room() > 0) {  // head and body leave together where they fit
      const std::size_t piece = std::min(reply.room(), body.size() - body_sent);
      reply.append(body.substr(body_sent, piece));
      body_sent += piece;
    }
    IoResult sent{IoResult::State::ok};
    if (client_.stream.pending()) sent = client_.stream.flush();
    if (sent.ok() && !reply.empty()) {
      sent = client_.stream.send(reply.data(), reply.size());
      if (sent.ok()) {
        reply.consume(sent.size);
        if (reply.empty()) reply.clear();
        continue;
      }
    }
    if (sent.ok()) continue;
    if (!sent.again()) break;
    const Waker::Why why = co_await client_.waker.sleep(deadline);
    if (why == Waker::Why::deadline || client_.stream.socket.failed()) break;
  }
  answer_head_bytes_ = writer.size();
}

// Leaves the connection ready for the next request, or not to be used again.
void Exchange::finish() {
  worker_.counters.responses[status_ / 100 <= 5 ? status_ / 100 : 0].add();
  if (service_ != nullptr) service_->stats->note(status_, worker_.loop.now() - started_);
  write_log();
  if (!keep_client_) {
    if (!request_sent_ && head_done_) client_.linger = true;
    return;
  }
  client_.in.consume(head_.size + region_size_);
  if (Buffer surplus = request_body_.take_surplus(); surplus) client_.in = std::move(surplus);
  if (client_.in.empty()) client_.in.release();
}

void Exchange::write_log() {
  if (!world_->settings().access_log) return;
  const std::span<char> line = worker_.access_log.reserve(log_line_most);
  if (line.empty()) {
    worker_.access_log.drop();
    return;
  }
  http::AccessRecord record;
  fill(record);
  worker_.access_log.commit(http::write_access_line(record, line));
  if (worker_.access_log.used() * 2 > worker_.access_log.capacity()) worker_.shared.nudge_log();
}

}  // namespace gatehouse::proxy
