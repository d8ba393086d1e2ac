#include "tunnel/entry_io.h"

#include "net/encoding.h"
#include "tunnel/carrier_io.h"

namespace gatehouse::tunnel {
EntrySession::EntrySession(Carrier& carrier, PlanPtr plan, const Entry& entry, const SocketAddress& peer)
    : Session(carrier, std::move(plan), peer), entry_(entry) {
  stats_ = entry.stats;
  note_local(!entry.conf.listen.socket.empty(), false);
}

EntrySession::~EntrySession() {
  if (counted_) stats_->open.fetch_sub(1, std::memory_order_relaxed);
}

// A connection that stands goes on as it was made; one whose tunnel is gone has nobody who answers for it.
std::optional<End> EntrySession::ended_by(const Plan& coming) const {
  return coming.find_entry(entry_.conf.name) == nullptr ? std::optional(End::revoked) : std::nullopt;
}

Task<> EntrySession::story() {
  const bool reached = co_await reach_exit();
  if (reached) {
    take(*target_);
    Buffer rest = unsent();
    co_await carry(entry_.conf.idle_timeout, std::move(rest));
    judge_end();
  }
  finish();
}

Task<bool> EntrySession::reach_exit() {
  std::uint64_t tried = 0;
  const std::size_t turn = carrier_.next_turn();
  for (;;) {
    const std::int64_t now = static_cast<std::int64_t>(carrier_.loop.now());
    const std::optional<std::size_t> at = next_target(entry_, tried, turn, now);
    if (!at) break;
    tried |= std::uint64_t{1} << *at;
    const bool reached = co_await try_target(entry_.targets[*at]);
    if (reached) co_return true;
    if (was_cut() || end_ == End::client_gone) co_return false;
  }
  if (tried == 0) end_ = End::unreachable, detail_ = "there is no exit with a key";
  co_return false;
}

Task<bool> EntrySession::try_target(const Target& target) {
  target_ = &target;
  if (target.addresses.empty()) {
    end_ = End::unreachable;
    detail_ = target.conf.address.text() + ": the name is not resolved";
  }
  for (const DialAddress& address : target.addresses) {
    ++attempts_;
    const std::uint64_t began_us = carrier_.loop.now_us();
    const Status reached = co_await reach(target, address);
    connect_us_ += carrier_.loop.now_us() - began_us;
    if (was_cut()) co_return false;
    if (reached) {
      target.state->answered();
      end_ = End::ok;
      detail_.clear();
      co_return true;
    }
    if (in_.socket.failed()) {
      end_ = End::client_gone;
      co_return false;
    }
    end_ = reached.error().code == Errc::refused ? End::refused_by_exit : End::unreachable;
    if (reached.error().code == Errc::tls) end_ = End::handshake;
    detail_ = address.text() + ": " + reached.error().what;
  }
  target.state->failed(static_cast<std::int64_t>(carrier_.loop.now()));
  target.stats->count(end_);
  co_return false;
}

Task<Status> EntrySession::reach(const Target& target, const DialAddress& address) {
  out_ = std::make_unique<Stream>();
  first_sent_ = 0;
  const LoopTime deadline = carrier_.loop.now() + static_cast<LoopTime>(entry_.conf.connect_timeout.count());
  const Dialling how{carrier_.loop, waker_, &in_.socket, deadline};
  const PskClientContext* context = carrier_.client_tls(entry_.conf.tls);
  if (context == nullptr) co_return Error{Errc::tls, "the TLS library refuses pre-shared keys"};
  const std::uint64_t began_us = carrier_.loop.now_us();
  const Status secured = co_await secure(*out_, entry_, target, address, *context, how, stream_protocol);
  if (!secured) co_return secured.error();
  handshake_us_ = carrier_.loop.now_us() - began_us;
  const auto named = connection_name(out_->tls->ssl());
  connection_ = base64url(named);
  word_awaited_ = chosen_alpn(out_->tls->ssl()) == stream_protocol;
  if (!word_awaited_) co_return Done{};
  const Status reached = co_await await_word(how);
  co_return reached;
}

// What the program says goes along, so that a word costs no round trip.
Task<Status> EntrySession::await_word(const Dialling& how) {
  for (;;) {
    read_first();
    if (first_ && first_sent_ < first_.size() && !out_->pending()) {
      const IoResult sent = out_->send(first_.data() + first_sent_, first_.size() - first_sent_);
      if (sent.ok()) first_sent_ += sent.size;
    }
    if (out_->pending()) {
      out_->flush();
      if (out_->pending()) out_->socket.wait_writable();
    }
    const std::optional<Status> word = read_word(*out_);
    if (word) co_return *word;
    const Waker::Why why = co_await how.waker.sleep(how.deadline);
    if (how.given_up()) co_return Error{Errc::closed, "the client is gone"};
    if (why == Waker::Why::deadline) co_return Error{Errc::timed_out, "the exit's word: no answer in time"};
  }
}

// As much as a slab holds; the rest waits where it is.
void EntrySession::read_first() {
  if (!in_.may_receive()) return in_.socket.wait_readable();
  if (carrier_.buffers.full()) return;
  if (!first_) first_ = carrier_.buffers.take();
  if (first_.room() == 0) return;
  const IoResult got = in_.receive(first_.end(), first_.room());
  if (got.ok()) first_.grew(got.size);
  if (first_.empty()) first_.release();
}

Buffer EntrySession::unsent() {
  if (!first_) return {};
  count_sent_before(first_sent_);
  first_.consume(first_sent_);
  if (first_.empty()) first_.release();
  return std::move(first_);
}

void EntrySession::take(const Target& target) {
  stats_ = target.stats;
  counted_ = true;
  stats_->open.fetch_add(1, std::memory_order_relaxed);
  stats_->connections.fetch_add(1, std::memory_order_relaxed);
  stats_->handshakes.fetch_add(1, std::memory_order_relaxed);
  stats_->handshake_us.fetch_add(handshake_us_, std::memory_order_relaxed);
  stats_->last_seen_ms.store(carrier_.loop.wall_us() / 1000, std::memory_order_relaxed);
}

// An exit that isn't ours says only by its end that it didn't reach the service: the next program tries another one.
void EntrySession::judge_end() {
  const bool nothing_came = !word_awaited_ && down_moved() == 0;
  if (nothing_came && (end_ == End::server_reset || end_ == End::truncated || told_end()))
    target_->state->failed(static_cast<std::int64_t>(carrier_.loop.now()));
}

void EntrySession::describe(Record& record) const {
  record.side = "entry";
  record.tunnel = entry_.conf.name;
  record.service = entry_.conf.asked_service();
  if (target_ == nullptr) return;
  record.identity = target_->offer->identity;
}

Task<Status> check_target(const Entry& entry, const Target& target, const DialAddress& address,
                          const PskClientContext& context, const Dialling& how, std::string& told) {
  Stream stream;
  const Status secured = co_await secure(stream, entry, target, address, context, how, check_protocol);
  if (!secured) co_return secured.error();
  if (chosen_alpn(stream.tls->ssl()) != check_protocol) {
    told = "the key is right; what stands behind can't be asked (the exit is not gatehouse)";
    co_return Done{};
  }
  for (;;) {
    const std::optional<Status> word = read_word(stream);
    if (word) {
      told = *word ? "the service is reached" : "";
      co_return *word;
    }
    const Waker::Why why = co_await how.waker.sleep(how.deadline);
    if (why == Waker::Why::deadline) co_return Error{Errc::timed_out, "the exit's word: no answer in time"};
  }
}

}  // namespace gatehouse::tunnel
