#include "net/tls_session.h"

#include <algorithm>
#include <cstring>

#include <openssl/err.h>

#include "net/tls_client_context.h"

namespace gatehouse {
namespace {

// Where the records of one write are gathered before they are sent. Shared by all sessions of a thread: it is empty
// whenever control leaves a TlsSession.
constexpr std::size_t stage_size = 160 << 10;
struct Stage {
  char bytes[stage_size];
  std::size_t used = 0;
};
Stage& stage() {
  thread_local std::unique_ptr<Stage> instance = std::make_unique<Stage>();
  return *instance;
}

constexpr std::size_t record_size = 16384;
// Reads in a row that found key updates, tickets and the like, but no data. Each costs us more than its sender, and
// OpenSSL works on as long as it has some: beyond, it is an attack.
constexpr unsigned empty_reads_most = 16;

thread_local std::size_t pending_of_all = 0;

}  // namespace

TlsSession::TlsSession(SslPtr ssl, Socket& socket) : ssl_(std::move(ssl)), socket_(socket) {
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSession::Failure TlsSession::failure_of(unsigned long error) {
  if (error == 0 || ERR_GET_LIB(error) != ERR_LIB_SSL) return error == 0 ? Failure::closed : Failure::protocol;
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return Failure::closed;
  return reason > SSL_AD_REASON_OFFSET ? Failure::alert : Failure::protocol;
}

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int TlsSession::bio_write(BIO* bio, const char* data, int size) {
  auto& self = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  self.stage_held();
  Stage& out = stage();
  if (out.used + size > stage_size) self.send_stage();  // full: what the socket doesn't take becomes pending
  if (self.pending()) {
    self.keep_pending(data, size);
  } else {
    std::memcpy(out.bytes + out.used, data, size);
    out.used += size;
  }
  return size;
}

int TlsSession::bio_read(BIO* bio, char* data, int size) {
  auto& self = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.first_) return self.replay_some(data, size);
  const IoResult got = self.socket_.receive(data, size);
  self.starved_ = got.again();
  if (got.ok()) return static_cast<int>(got.size);
  if (got.again()) BIO_set_retry_read(bio);
  return got.state == IoResult::State::ended ? 0 : -1;
}

int TlsSession::replay_some(char* data, int size) {
  const std::size_t some = std::min(first_.size(), static_cast<std::size_t>(size));
  std::memcpy(data, first_.data(), some);
  first_.consume(some);
  if (first_.empty()) first_.release();
  return static_cast<int>(some);
}

std::string_view TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::size_t TlsSession::bytes_pending() { return pending_of_all; }

void TlsSession::keep_pending(const char* data, std::size_t size) {
  pending_.append(data, size);
  pending_of_all += size;
}

void TlsSession::drop_pending() {
  pending_of_all -= pending_.size();
  pending_ = std::string();
  sent_ = 0;
}

long TlsSession::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// Sends what the stage gathered; the rest is kept. The stage is empty afterwards.
IoResult TlsSession::send_stage(bool more) {
  Stage& out = stage();
  std::size_t done = 0;
  IoResult result{IoResult::State::ok};
  while (result.ok() && pending()) {
    result = socket_.send(pending_.data() + sent_, pending_.size() - sent_);
    if (result.ok()) sent_ += result.size;
  }
  if (sent_ != 0 && !pending()) drop_pending();
  while (result.ok() && done < out.used) {
    result = socket_.send(out.bytes + done, out.used - done, more);
    if (result.ok()) done += result.size;
  }
  if (result.again()) keep_pending(out.bytes + done, out.used - done);
  out.used = 0;
  return result;
}

IoResult TlsSession::judge(int result) {
  if (result > 0) return {IoResult::State::ok, static_cast<std::size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return {IoResult::State::again};
    case SSL_ERROR_ZERO_RETURN: return {IoResult::State::ended};  // close_notify: an authentic end
    default: break;
  }
  failure_ = failure_of(ERR_peek_error());
  error_ = describe_tls_failure(ssl_.get());
  return {IoResult::State::failed};
}

IoResult TlsSession::handshake() {
  ERR_clear_error();
  const IoResult result = judge(SSL_do_handshake(ssl_.get()));
  if (result.ok() && has_buffered_input()) {
    hold_stage();
    return result;
  }
  const IoResult sent = send_stage();  // alerts too
  if (sent.state == IoResult::State::failed && !result.ok()) return sent;
  return result;
}

// The first request came along with the end of the handshake, so nobody waits for our ticket (nor, under Nagle's
// algorithm, for what acknowledges the handshake): it goes with the answer and saves a packet.
void TlsSession::hold_stage() {
  Stage& out = stage();
  held_.assign(out.bytes, out.used);
  out.used = 0;
}

// Records leave in the order they were written in.
void TlsSession::stage_held() {
  if (held_.empty()) return;
  Stage& out = stage();
  std::memcpy(out.bytes + out.used, held_.data(), held_.size());
  out.used += held_.size();
  held_ = std::string();
}

void TlsSession::stage_close_notify() {
  if (SSL_is_init_finished(ssl_.get()) && (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0)
    SSL_shutdown(ssl_.get());
}

IoResult TlsSession::receive(char* data, std::size_t size) {
  if (end_.state != IoResult::State::again) return end_;
  ERR_clear_error();
  std::size_t total = 0;
  IoResult result{IoResult::State::again};
  const std::size_t kept = pending_.size();
  while (total < size) {
    result =
        judge(SSL_read(ssl_.get(), data + total, static_cast<int>(std::min<std::size_t>(size - total, 1 << 20))));
    if (result.again() && !starved_ && ++empty_reads_ <= empty_reads_most) continue;
    if (!result.ok()) break;
    empty_reads_ = 0;
    total += result.size;
    if (!has_buffered_input() && !socket_.readable()) break;
  }
  const bool answered = stage().used > 0 || pending_.size() > kept;
  if (stage().used > 0) send_stage();  // a key update or an alert
  if (empty_reads_ > empty_reads_most) {
    error_ = "too many records without data";
    return {IoResult::State::failed};
  }
  // Of TLS 1.2 that was the alert which refuses a renegotiation. Who asks for many and doesn't read would make us
  // keep them all.
  if (answered && SSL_version(ssl_.get()) < TLS1_3_VERSION && result.state != IoResult::State::failed) {
    error_ = "a renegotiation was asked for";
    return {IoResult::State::failed};
  }
  if (total == 0) return result;
  moved_ += total;
  if (result.state == IoResult::State::ended || result.state == IoResult::State::failed) end_ = result;
  return {IoResult::State::ok, total};
}

IoResult TlsSession::send(const char* data, std::size_t size, bool last) {
  if (pending()) {
    const IoResult flushed = flush();
    if (!flushed.ok()) return flushed;
  }
  if (renew_after_ != 0) renew_keys_when_due();
  moved_ += size;
  ERR_clear_error();
  for (std::size_t done = 0; done < size;) {
    const IoResult written =
        judge(SSL_write(ssl_.get(), data + done, static_cast<int>(std::min(size - done, record_size))));
    if (!written.ok()) {
      stage().used = 0;
      return {IoResult::State::failed};
    }
    done += written.size;
    ++records_sent_;
  }
  if (last) stage_close_notify();
  const IoResult sent = send_stage(last);
  if (sent.state == IoResult::State::failed) return sent;
  return {IoResult::State::ok, size};
}

IoResult TlsSession::flush() {
  if (!pending()) return {IoResult::State::ok};
  return send_stage();
}

void TlsSession::update_keys() {
  if (SSL_version(ssl_.get()) >= TLS1_3_VERSION) SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
  ERR_clear_error();
}

void TlsSession::renew_keys_when_due() {
  if (moved_ - moved_at_renewal_ < renew_after_ && records_sent_ - records_at_renewal_ < records_most) return;
  update_keys();
  moved_at_renewal_ = moved_, records_at_renewal_ = records_sent_;
}

void TlsSession::close_notify() {
  ERR_clear_error();
  stage_held();
  stage_close_notify();
  send_stage();
  ERR_clear_error();
}

}  // namespace gatehouse
