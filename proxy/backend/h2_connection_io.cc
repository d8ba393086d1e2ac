#include "proxy/backend/h2_connection_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "net/of_thread.h"
#include "proxy/backend/acked_io.h"

namespace gatehouse::proxy {
namespace {

constexpr std::size_t read_share = 512 << 10;  // of a turn
struct ReadRoom : std::array<char, BufferPool::large> {};

}  // namespace

// ---- a connection

H2Connection::H2Connection(H2Connections& all, std::unique_ptr<BackendConnection> carrier)
    : all_(all),
      carrier_(std::move(carrier)),
      session_(all.buffers_, all.limits_, carrier_->stream.tls ? "https" : "http", *this),
      waker_(all.loop_),
      heard_at_(all.loop_.now()),
      idle_since_(all.loop_.now()),
      story_(story()) {
  carrier_->stream.set_waker(&waker_);
  keep_alive(carrier_->stream.socket.fd());
  all_.counters_.h2_backend_connections.add();
  all_.counters_.h2_backend_connections_open.add();
}

H2Connection::~H2Connection() { all_.counters_.h2_backend_connections_open.subtract(); }

std::unique_ptr<BackendConnection> H2Connection::open(bool once) {
  if (!has_room()) return nullptr;
  auto made = std::make_unique<BackendConnection>(carrier_->endpoint);
  made->h2 = std::make_unique<http2::BackendStream>(session_);
  made->stream.lane = made->h2.get();
  if (once) made->h2->acked_before = acked_bytes(carrier_->stream);
  made->requests = carrier_->requests++;
  return made;
}

void H2Connection::retire() {
  retired_ = true;
  waker_.signal();
}

// False: the connection has come to its end.
bool H2Connection::read_all(bool& more) {
  auto& bytes = of_thread<ReadRoom>();
  Stream& stream = carrier_->stream;
  for (std::size_t total = 0; total < read_share;) {
    if (!stream.may_receive()) {
      stream.wait_readable();
      return true;
    }
    const IoResult got = stream.receive(bytes.data(), bytes.size());
    if (got.again()) return true;
    if (!got.ok()) return false;
    heard_at_ = all_.loop_.now();
    asked_ = false;
    session_.feed({bytes.data(), got.size}, heard_at_);
    if (!session_.broken().empty()) return true;
    total += got.size;
  }
  more = true;
  return true;
}

// True: nothing is left, or it has to wait.
bool H2Connection::send_unsent() {
  Stream& stream = carrier_->stream;
  if (stream.pending()) {
    const IoResult flushed = stream.flush();
    if (!flushed.ok()) return flushed.again();
  }
  while (unsent_ && !unsent_.empty()) {
    const IoResult sent = stream.send(unsent_.data(), unsent_.size());
    if (!sent.ok()) return sent.again();
    unsent_.consume(sent.size);
  }
  return true;
}

bool H2Connection::write_all() {
  for (;;) {
    if (!send_unsent()) return false;
    if (carrier_->stream.pending()) {
      carrier_->stream.wait_writable();
      return true;
    }
    if (unsent_ && !unsent_.empty()) return true;  // the socket is full
    if (!session_.has_something_to_say()) {
      unsent_.release();
      return true;
    }
    if (!unsent_) unsent_ = all_.buffers_.take(BufferPool::large);
    unsent_.clear();
    session_.pull(unsent_);
    if (unsent_.empty()) {
      unsent_.release();
      return true;
    }
  }
}

void H2Connection::note_counts() {
  const auto counts = session_.take_counts();
  all_.counters_.h2_backend_streams.add(counts.streams);
  all_.counters_.h2_backend_streams_refused.add(counts.refused);
  all_.counters_.h2_backend_streams_reset.add(counts.reset);
}

void H2Connection::note_idleness() {
  if (!session_.idle())
    busy_ = true;
  else if (std::exchange(busy_, false))
    idle_since_ = all_.loop_.now();
}

LoopTime H2Connection::next_deadline() const {
  if (session_.idle()) return session_.ready() ? idle_since_ + all_.idle_ms_ : never;  // who made it waits for that
  return asked_ ? asked_at_ + silence_ms : std::max(heard_at_ + silence_ms, ping_after_);
}

// False: it is time to go.
bool H2Connection::deadline_passed() {
  if (all_.loop_.now() < next_deadline()) return true;
  if (session_.idle() || asked_) return false;
  asked_ = true;
  asked_at_ = all_.loop_.now();
  ping_after_ = asked_at_ + ping_pause_ms;
  session_.ping();
  return true;
}

Task<> H2Connection::story() {
  for (;;) {
    bool more = false;
    const bool lives = read_all(more);
    if (settling_ != nullptr && session_.ready()) std::exchange(settling_, nullptr)->signal();
    const bool sent = lives && write_all();
    note_counts();
    if (!sent || !session_.broken().empty() || carrier_->stream.failed()) break;
    if (session_.idle() && (retired_ || session_.going())) break;
    if (more) {
      co_await waker_.yield();
      continue;
    }
    note_idleness();
    const Waker::Why why = co_await waker_.sleep(next_deadline());
    if (why == Waker::Why::deadline && !deadline_passed()) break;
  }
  end();
}

void H2Connection::end() {
  over_ = true;
  if (session_.broken().empty() && session_.idle() && !carrier_->stream.peer_ended()) {
    session_.say_goodbye();
    write_all();
  }
  if (!session_.broken().empty()) {
    all_.counters_.h2_backend_connections_broken.add();
    session_.lose(http2::BackendStream::Fault::malformed);
  }
  const bool ended = carrier_->stream.peer_ended() || carrier_->stream.socket.last_error() == EPIPE;
  session_.lose(http2::BackendStream::Fault::lost, ended ? acked_at_end(carrier_->stream) : std::nullopt);
  note_counts();
  if (settling_ != nullptr) std::exchange(settling_, nullptr)->signal();
  unsent_.release();
  if (carrier_->stream.tls) carrier_->stream.tls->close_notify();
  carrier_->stream.close();
  all_.forget(*this);
}

// ---- those of a worker

H2Connections::PerEndpoint& H2Connections::of(std::uint32_t endpoint_id) {
  while (endpoint_id >= by_endpoint_.size()) by_endpoint_.emplace_back();
  return by_endpoint_[endpoint_id];
}

std::unique_ptr<BackendConnection> H2Connections::open(std::uint32_t endpoint_id, bool once) {
  ListNode& list = of(endpoint_id).connections;
  H2Connection* best = nullptr;
  for (ListNode* node = list.next; node != &list; node = node->next) {
    auto& each = static_cast<H2Connection&>(*node);
    if (each.has_room() && (best == nullptr || each.streams() > best->streams())) best = &each;
  }
  return best != nullptr ? best->open(once) : nullptr;
}

bool H2Connections::join(std::uint32_t endpoint_id, Waiter& waiter) {
  PerEndpoint& place = of(endpoint_id);
  if (place.waiting >= place.connecting * (limits_.streams_max - 1)) return false;
  ++place.waiting;
  waiter.link_before(place.waiters);
  return true;
}

void H2Connections::leave(std::uint32_t endpoint_id, Waiter& waiter) {
  waiter.unlink();
  --of(endpoint_id).waiting;
}

// Those who wait look again, or share the failure.
void H2Connections::end_connect(std::uint32_t endpoint_id, const Error* failed) {
  PerEndpoint& place = of(endpoint_id);
  --place.connecting;
  while (place.waiters.linked()) {
    auto& waiter = static_cast<Waiter&>(*place.waiters.next);
    if (failed != nullptr) waiter.failed = *failed;
    waiter.unlink();
    --place.waiting;
    waiter.waker.signal();
  }
}

Task<Result<H2Connection*>> H2Connections::adopt(std::unique_ptr<BackendConnection> carrier, Waker& waker,
                                                 LoopTime deadline) {
  auto* const made = new H2Connection(*this, std::move(carrier));  // owned by the list, until forget()
  made->link_before(of(made->endpoint_id()).connections);
  made->settling_ = &waker;
  made->story_.start();
  while (!made->over_ && !made->ready()) {
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::signal || made->ready() || made->over_) continue;
    made->settling_ = nullptr;
    made->retire();
    co_return Error{Errc::timed_out, "HTTP/2: no SETTINGS in time", Side::backend};
  }
  if (!made->ready()) {
    const std::string_view why = made->session_.broken();
    const std::string text = why.empty() ? "the connection ended before it spoke HTTP/2" : std::string(why);
    co_return Error{Errc::protocol, text, Side::backend};
  }
  co_return made;
}

void H2Connections::forget(H2Connection& connection) {
  connection.unlink();
  over_.emplace_back(&connection);
}

bool H2Connections::close_one_idle(std::uint32_t endpoint_id) {
  ListNode& list = of(endpoint_id).connections;
  for (ListNode* node = list.next; node != &list; node = node->next) {
    auto& each = static_cast<H2Connection&>(*node);
    if (!each.idle() || !each.ready() || each.retired_) continue;
    each.retire();
    return true;
  }
  return false;
}

unsigned H2Connections::close_idle() {
  unsigned closed = 0;
  for (std::uint32_t id = 0; id < by_endpoint_.size(); ++id)
    while (close_one_idle(id)) ++closed;
  return closed;
}

void H2Connections::close_all() {
  for (PerEndpoint& place : by_endpoint_)
    while (place.connections.linked()) {
      std::unique_ptr<H2Connection> gone(static_cast<H2Connection*>(place.connections.next));
      gone->unlink();
    }
  over_.clear();
}

void H2Connections::leave_endpoint(std::uint32_t endpoint_id) {
  if (endpoint_id >= by_endpoint_.size()) return;
  ListNode& list = by_endpoint_[endpoint_id].connections;
  for (ListNode* node = list.next; node != &list; node = node->next) static_cast<H2Connection&>(*node).retire();
}

}  // namespace gatehouse::proxy
