#include "proxy/http2_io.h"

#include <algorithm>
#include <array>

#include "net/of_thread.h"
#include "proxy/exchange_io.h"
#include "proxy/guard_io.h"

namespace gatehouse::proxy {
namespace {

constexpr std::size_t read_size = 64 << 10;
constexpr std::size_t read_share = 256 << 10;
struct ReadRoom : std::array<char, read_size> {};
constexpr LoopTime drain_notice_ms = 500;  // for requests that are on their way while we say that we end
constexpr std::size_t early_body_room = 64;
constexpr std::uint64_t stream_cost = 32 << 10;  // an exchange, its frames, and the slab that it reads an answer into

http2::SessionLimits session_limits(const conf::Limits& limits) {
  http2::SessionLimits out;
  out.streams_max = limits.http2_streams;
  out.stream_window = static_cast<std::uint32_t>(limits.http2_window);
  out.connection_window = static_cast<std::uint32_t>(limits.http2_connection_window);
  out.frame_bytes_max = static_cast<std::uint32_t>(limits.http2_frame);
  out.field_bytes_max = static_cast<std::uint32_t>(limits.request_line + limits.fields);
  out.fields_max = limits.field_count;
  out.odd_events_max = limits.http2_odd_events;
  return out;
}

}  // namespace

struct Http2Connection::StreamClient final : Pooled, ListNode, Client, http2::ServerStream {
  StreamClient(Http2Connection& connection, std::int32_t number)
      : Client(connection.worker_, borrowed(connection.connection_), connection.connection_.peer),
        ServerStream(connection.session_, number),
        home(connection),
        story_(story()) {
    carrier = &connection.connection_;
    stream.lane = this;
    set_waker(&waker);
    worker.counters.http2_streams_open.add();
  }
  ~StreamClient() { worker.counters.http2_streams_open.subtract(); }

  void begin() { story_.start(); }

  Http2Connection& home;

 private:
  // The connection has its part in the listener, and outlives its streams: no count is shared between workers.
  static std::shared_ptr<const Listener> borrowed(const ClientConnection& connection) {
    return {std::shared_ptr<const void>(), connection.listener.get()};
  }
  Task<> story();
  Task<> serve();
  Task<> part();
  void take_head(Exchange& exchange);

  Task<> story_;
};

// ---- a stream

void Http2Connection::StreamClient::take_head(Exchange& exchange) {
  in = request.take();
  if (request.refusal() != 0)
    return exchange.refuse_head(request.refusal(), request.refusal() == 501
                                                       ? "a protocol that CONNECT doesn't lead to here"
                                                       : "the field section is too large");
  if (exchange.parse_head() == http::ParseState::incomplete) return exchange.refuse_head(400, "no whole head");
  while (in.room() > early_body_room) {  // what of the body is here goes along with the head
    const IoResult got = receive(in.end(), in.room());
    if (!got.ok()) return;
    in.grew(got.size);
  }
}

Task<> Http2Connection::StreamClient::serve() {
  const std::unique_ptr<Exchange> exchange = std::make_unique<Exchange>(*this);
  take_head(*exchange);
  co_await exchange->run();
}

// The answer is with us: its frames leave as the client lets them.
Task<> Http2Connection::StreamClient::part() {
  in.release();
  if (!answer_whole()) reset();
  while (!answer_gone() && (!failed() || head_waits())) {
    const std::uint64_t before = bytes_framed();
    const LoopTime patience = worker.worlds.current().settings().limits.body_idle_time.count();
    const Waker::Why why = co_await waker.sleep(worker.loop.now() + patience);
    if (why != Waker::Why::deadline || bytes_framed() != before) continue;
    if (failed()) break;
    reset();
  }
  home.session_.leave_request(*this);
}

Task<> Http2Connection::StreamClient::story() {
  co_await serve();
  if (was_banned) home.expel(!answer_whole());
  co_await part();
  unlink();
  link_before(home.finished_);
  home.work_to_send();
}

// ---- what the session asks

Http2Connection::Http2Connection(ClientConnection& connection)
    : connection_(connection),
      worker_(connection.worker),
      session_(*this, worker_.buffers, session_limits(worker_.worlds.current().settings().limits)),
      idle_since_(worker_.loop.now()) {
  worker_.counters.http2_connections.add();
  worker_.counters.http2_connections_open.add();
}

Http2Connection::~Http2Connection() { worker_.counters.http2_connections_open.subtract(); }

// A connection always gets its first stream; more of them while memory and descriptors last for others, too.
bool Http2Connection::may_have_another() {
  return streams_ == 0 || (!worker_.is_short_of_memory() && streams_ < worker_.streams_share());
}

http2::ServerStream* Http2Connection::open_stream(std::int32_t id) {
  if (streams_ >= session_.limits().streams_max || worker_.buffers.exhausted() || !may_have_another()) {
    worker_.counters.http2_streams_refused.add();
    return nullptr;
  }
  auto* const opened = new StreamClient(*this, id);  // owned by the list it is in, until sweep()
  opened->link_before(opened_);
  ++streams_;
  return opened;
}

void Http2Connection::head_complete(http2::ServerStream& stream) {
  auto& client = static_cast<StreamClient&>(stream);
  client.unlink();
  client.link_before(ready_);
}

void Http2Connection::work_to_send() {
  if (!at_work_) connection_.waker.signal();
}

void Http2Connection::windows_opened() {
  for (ListNode* node = serving_.next; node != &serving_; node = node->next)
    static_cast<StreamClient&>(*node).windows_opened();
}

std::uint64_t Http2Connection::bytes_held() const {
  std::uint64_t held = out_.capacity();
  for (const ListNode* list : {&opened_, &ready_, &serving_})
    for (const ListNode* node = list->next; node != list; node = node->next) {
      const auto& client = static_cast<const StreamClient&>(*node);
      held += stream_cost + client.bytes_held() + client.in.capacity();
    }
  return held;
}

// The backend wants one (RFC 6455 4.1); what it makes of it, the client never sees.
std::string_view Http2Connection::websocket_key() {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint64_t dice = 0;
  for (std::size_t i = 0; i < 22; ++i) {
    if (i % 10 == 0) dice = worker_.dice.roll();
    key_[i] = digits[dice & 63];
    dice >>= 6;
  }
  key_[21] = 'A';  // 16 bytes leave four bits of the last digit empty
  key_[22] = key_[23] = '=';
  return {key_.data(), key_.size()};
}

// ---- the connection

// False: the client is gone, or what it says can't be read any more.
bool Http2Connection::read() {
  auto& bytes = of_thread<ReadRoom>();
  Buffer& first = connection_.in;
  bool good = true;
  if (first) {
    good = session_.receive(first.view(), worker_.loop.now());
    first.release();
  }
  std::size_t total = 0;
  more_to_read_ = false;
  while (good && connection_.stream.may_receive()) {
    if (total >= read_share) {
      more_to_read_ = true;
      break;
    }
    const IoResult got = connection_.stream.receive(bytes.data(), bytes.size());
    if (got.again()) break;
    if (!got.ok()) {
      closing_ = true;
      return false;
    }
    total += got.size;
    good = session_.receive({bytes.data(), got.size}, worker_.loop.now());
  }
  begin_requests();
  return good;
}

// All that came with them was read: a stream that was reset behind its head never began.
void Http2Connection::begin_requests() {
  for (ListNode* node = opened_.next; node != &opened_;) {
    auto& client = static_cast<StreamClient&>(*node);
    node = node->next;
    if (!client.closed()) continue;
    client.unlink();
    client.link_before(finished_);
  }
  while (ready_.linked()) {
    auto& client = static_cast<StreamClient&>(*ready_.next);
    client.unlink();
    client.link_before(client.closed() ? finished_ : serving_);
    if (!client.closed()) client.begin();
  }
}

Http2Connection::Flushed Http2Connection::flush() {
  Stream& stream = connection_.stream;
  for (;;) {
    if (stream.pending()) {
      const IoResult flushed = stream.flush();
      if (!flushed.ok()) return flushed.again() ? Flushed::blocked : Flushed::failed;
    }
    if (!out_) out_ = worker_.buffers.take(BufferPool::large);
    if (out_.empty()) {
      out_.clear();
      session_.fill(out_);
    }
    if (out_.empty()) break;
    const IoResult sent = stream.send(out_.data(), out_.size());
    if (sent.again()) return Flushed::blocked;
    if (!sent.ok()) return Flushed::failed;
    out_.consume(sent.size);
  }
  out_.release();
  return Flushed::all;
}

void Http2Connection::sweep() {
  while (finished_.linked()) {
    delete &static_cast<StreamClient&>(*finished_.next);
    --streams_;
    if (streams_ == 0) idle_since_ = worker_.loop.now();
  }
  connection_.idle = streams_ == 0;
}

void Http2Connection::count() {
  const http2::SessionCounts& now = session_.counts();
  WorkerCounters& counters = worker_.counters;
  counters.http2_streams.add(now.streams - counted_.streams);
  counters.http2_resets_received.add(now.resets_received - counted_.resets_received);
  counters.http2_resets_sent.add(now.resets_sent - counted_.resets_sent);
  if (now.misbehaved && !counted_.misbehaved) {
    counters.http2_connections_cut.add();
    show_to_guard(worker_, connection_.peer.ip, ratelimit::event_kind::http2, "flood");
  }
  counted_ = now;
  connection_.requests = static_cast<unsigned>(now.streams);
  if (!session_.in_head())
    head_since_ = never;
  else if (head_since_ == never)
    head_since_ = worker_.loop.now();
}

// Whose peer is banned takes no more requests; where the ban gives no answer, the connection ends with this one.
void Http2Connection::expel(bool silently) {
  connection_.was_banned = true;
  cut_due_ = cut_due_ || silently;
  work_to_send();
}

// Says when no more requests are taken.
void Http2Connection::consider_end() {
  if (cut_due_ && !connection_.was_cut) return connection_.cut();
  const unsigned most = worker_.worlds.current().settings().limits.keep_alive_requests;
  if (worker_.draining && !noticed_) {
    noticed_ = true;
    session_.announce_end();
    notice_at_ = worker_.loop.now() + drain_notice_ms;
  }
  const bool due = connection_.was_banned || counted_.streams >= most || worker_.loop.now() >= notice_at_;
  if (!due || closing_) return;
  closing_ = true;
  notice_at_ = never;
  session_.take_no_more();
}

LoopTime Http2Connection::deadline(Flushed flushed) const {
  const conf::Limits& limits = worker_.worlds.current().settings().limits;
  LoopTime due = notice_at_;
  if (head_since_ != never) due = std::min<LoopTime>(due, head_since_ + limits.header_time.count());
  if (streams_ == 0) {
    const Millis silence = counted_.streams == 0 ? limits.header_time : limits.keep_alive_time;
    due = std::min<LoopTime>(due, idle_since_ + silence.count());
  }
  if (flushed == Flushed::blocked) due = std::min<LoopTime>(due, blocked_since_ + limits.body_idle_time.count());
  return due;
}

// True: the connection is not worth waiting for.
bool Http2Connection::deadline_passed() {
  if (worker_.loop.now() >= notice_at_) return false;
  if (!closing_) session_.take_no_more();
  flush();
  return true;
}

void Http2Connection::abandon_streams() {
  for (ListNode* list : {&opened_, &serving_, &ready_})
    for (ListNode* node = list->next; node != list; node = node->next) {
      auto& client = static_cast<StreamClient&>(*node);
      client.was_cut = connection_.was_cut;
      client.was_banned = connection_.was_banned;
      client.was_greedy = connection_.was_greedy;
      client.connection_gone();
    }
  begin_requests();
}

Task<> Http2Connection::run() {
  std::uint64_t sent_before = 0;
  for (;;) {
    at_work_ = true;
    const bool good = read();
    at_work_ = false;
    co_await connection_.waker.behind_the_ready();
    at_work_ = true;
    count();
    consider_end();
    const Flushed flushed = flush();
    count();
    sweep();
    at_work_ = false;
    const bool lost = connection_.was_cut || connection_.stream.failed() || flushed == Flushed::failed;
    if (lost || (!good && flushed == Flushed::all) || session_.over()) break;
    if (more_to_read_) {
      co_await connection_.waker.yield();
      continue;
    }
    if (flushed != Flushed::blocked || sent_before != session_.bytes_made()) blocked_since_ = worker_.loop.now();
    sent_before = session_.bytes_made();
    connection_.stream.wait_readable();
    if (flushed == Flushed::blocked) connection_.stream.wait_writable();
    const Waker::Why why = co_await connection_.waker.sleep(deadline(flushed));
    if (why == Waker::Why::deadline && deadline_passed()) break;
  }
  abandon_streams();
  connection_.idle = false;
  while (streams_ > 0) {
    sweep();
    if (streams_ > 0) co_await connection_.waker.sleep(never);
  }
  connection_.linger = !connection_.stream.peer_ended();
}

}  // namespace gatehouse::proxy
