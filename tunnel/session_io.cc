#include "tunnel/session_io.h"

#include <algorithm>

#include "net/encoding.h"
#include "tunnel/carrier_io.h"

namespace gatehouse::tunnel {
namespace {

using State = Relay::State;

constexpr Millis unacknowledged_most{90'000};
constexpr LoopTime pipe_ms = 1000;                    // a pipe that moved nothing for so long is of no use
constexpr std::uint64_t counted_at_least = 64 << 10;  // bytes, while a connection goes on
constexpr LoopTime last_words_ms = 5000;              // for a close_notify that doesn't leave at once

bool ended(State state) { return state == State::source_ended; }
bool failed(State state) { return state == State::source_failed || state == State::sink_failed; }

std::string_view tls_name(const TlsSession* tls) {
  if (tls == nullptr) return {};
  return SSL_version(const_cast<TlsSession*>(tls)->ssl()) == TLS1_3_VERSION ? "1.3" : "1.2";
}

}  // namespace

Session::Session(Carrier& carrier, PlanPtr plan, const SocketAddress& peer)
    : carrier_(carrier),
      plan_(std::move(plan)),
      peer_(peer),
      waker_(carrier.loop),
      started_us_(carrier.loop.now_us()),
      up_(carrier.buffers, carrier.pipes),
      down_(carrier.buffers, carrier.pipes) {}

bool Session::begin(int fd) {
  if (!in_.socket.open(carrier_.loop, fd)) return false;
  in_.socket.set_waker(&waker_);
  story_.emplace(story());
  story_->start();
  return true;
}

void Session::cut(End why) {
  if (over_ || cut_) return;
  cut_ = true;
  end_ = why;
  in_.socket.reset();
  if (out_) out_->socket.reset();
  waker_.signal();
}

void Session::hurry() {
  if (!carrying_) cut(End::shutdown);
}

void Session::prepare() {
  for (const int fd : {in_.socket.fd(), out_->socket.fd()}) {
    keep_alive(fd);
    give_up_after(fd, unacknowledged_most);
  }
  rekeyed_at_ = progress_at_ = carrier_.loop.now();
  carrying_ = true;
}

Task<> Session::carry(Millis idle_timeout, Buffer first) {
  prepare();
  idle_ms_ = static_cast<LoopTime>(idle_timeout.count());
  up_.start_stream(std::move(first));
  down_.start_stream();
  for (;;) {
    if (!cut_) move_bytes();
    if (is_over()) break;
    if (up_state_ == State::yielded || down_state_ == State::yielded) {
      co_await waker_.yield();
      continue;
    }
    const Waker::Why why = co_await waker_.sleep(next_look());
    if (why == Waker::Why::deadline && !cut_) look_after_silence(idle_ms_);
    if (end_ == End::idle) break;
  }
  const LoopTime patience = carrier_.loop.now() + last_words_ms;
  while (end_ == End::ok && !cut_ && (in_.pending() || out_->pending()) && carrier_.loop.now() < patience) {
    flush_ends();
    if (in_.socket.failed() || out_->socket.failed()) break;
    if (!in_.pending() && !out_->pending()) break;
    co_await waker_.sleep(patience);
  }
}

// Both ways, as far as it goes now.
void Session::move_bytes() {
  flush_ends();
  if (!ended(up_state_)) {
    up_state_ = up_.run(in_, *out_);
    if (ended(up_state_)) pass_end_on(*out_);
  }
  if (!ended(down_state_)) {
    down_state_ = down_.run(*out_, in_);
    if (ended(down_state_)) pass_end_on(in_);
  }
  const std::uint64_t moved = up_.moved() + down_.moved();
  if (moved == moved_seen_) return;
  moved_seen_ = moved;
  progress_at_ = carrier_.loop.now();
  if (moved + sent_before_ - in_counted_ - out_counted_ >= counted_at_least) {
    count_bytes();
    renew_keys();
  }
}

// Over TLS that is the close_notify alone: stunnel takes a FIN for the end of both directions.
void Session::pass_end_on(Stream& to) { to.tls ? to.tls->close_notify() : to.end_sending(); }

// A close_notify that didn't leave at once.
void Session::flush_ends() {
  if (ended(up_state_) && out_->pending()) {
    out_->flush();
    if (out_->pending()) out_->socket.wait_writable();
  }
  if (ended(down_state_) && in_.pending()) {
    in_.flush();
    if (in_.pending()) in_.socket.wait_writable();
  }
}

bool Session::is_over() {
  if (cut_) return true;
  if (ended(up_state_) && ended(down_state_)) return true;
  const bool in_failed = in_.socket.failed(), out_failed = out_->socket.failed();
  // Whoever closed a Unix socket wholly has said his end and hears no more: that is no reset.
  if ((in_local_ && in_failed && ended(up_state_)) || (out_local_ && out_failed && ended(down_state_))) return true;
  const bool broke = failed(up_state_) || failed(down_state_) || (ended(up_state_) && in_failed) ||
                     (ended(down_state_) && out_failed);
  if (!broke) return false;
  const Stream& secure = in_.tls ? in_ : *out_;
  if (!in_failed && !out_failed) {  // TLS itself is at an end
    end_ = End::truncated;
    detail_ = secure.tls->error_text();
  } else {
    end_ = in_failed ? End::client_reset : End::server_reset;
  }
  return true;
}

LoopTime Session::next_look() const {
  LoopTime look = progress_at_ + idle_ms_;
  if (up_.holds_pipe() || down_.holds_pipe()) look = std::min(look, carrier_.loop.now() + pipe_ms);
  return look;
}

void Session::look_after_silence(LoopTime idle_ms) {
  const LoopTime now = carrier_.loop.now();
  if (now >= progress_at_ + idle_ms) {
    end_ = End::idle;
    return;
  }
  up_.relieve();
  down_.relieve();
}

// OpenSSL never does it by itself, nor does stunnel.
void Session::renew_keys() {
  TlsSession* const secure = tls();
  if (secure == nullptr) return;
  const LoopTime now = carrier_.loop.now();
  const bool due = moved_seen_ - rekeyed_bytes_ >= plan_->rekey_bytes ||
                   secure->records_sent() - rekeyed_records_ >= TlsSession::records_most ||
                   now - rekeyed_at_ >= static_cast<LoopTime>(plan_->rekey_time.count());
  if (!due) return;
  secure->update_keys();
  if (stats_) stats_->rekeys.fetch_add(1, std::memory_order_relaxed);
  rekeyed_bytes_ = moved_seen_, rekeyed_records_ = secure->records_sent(), rekeyed_at_ = now;
}

void Session::count_bytes() {
  const std::uint64_t in = sent_before_ + up_.moved() - in_counted_, out = down_.moved() - out_counted_;
  in_counted_ += in;
  out_counted_ += out;
  if (!stats_) return;
  stats_->bytes_in.fetch_add(in, std::memory_order_relaxed);
  stats_->bytes_out.fetch_add(out, std::memory_order_relaxed);
}

void Session::finish() {
  over_ = true;
  count_bytes();
  if (stats_) stats_->count(end_);
  write_log();
  if (end_ != End::ok) {
    in_.socket.reset();
    if (out_) out_->socket.reset();
  }
  if (out_) out_->close();
  carrier_.forget(*this);
}

void Session::write_log() {
  if (!plan_->access_log) return;
  Record record;
  const std::uint64_t duration = carrier_.loop.now_us() - started_us_;
  record.time = WallTime(std::chrono::microseconds(carrier_.loop.wall_us() - static_cast<std::int64_t>(duration)));
  record.node = plan_->node;
  record.client = peer_.ip;
  record.client_redacted = plan_->redact_client;
  record.client_local = peer_ == SocketAddress();
  record.connection = connection_;
  record.detail = detail_;
  record.bytes_in = in_counted_;
  record.bytes_out = out_counted_;
  record.duration_us = duration;
  record.handshake_us = handshake_us_;
  record.connect_us = connect_us_;
  record.attempts = attempts_;
  record.end = end_;
  if (carrying_) record.tls = tls_name(tls());
  describe(record);
  carrier_.log(record);
}

}  // namespace gatehouse::tunnel
