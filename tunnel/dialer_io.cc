#include "tunnel/dialer_io.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <map>
#include <memory>

#include "net/psk.h"
#include "tunnel/admission.h"
#include "tunnel/dial_io.h"
#include "tunnel/protocol.h"

namespace gatehouse::tunnel {
namespace {

constexpr Millis unacknowledged_most{90'000};

const PskClientContext* context_of(conf::TunnelTls tls) {
  thread_local std::map<conf::TunnelTls, PskClientContext> contexts;
  const auto known = contexts.find(tls);
  if (known != contexts.end()) return &known->second;
  Result<PskClientContext> made =
      PskClientContext::make(tls == conf::TunnelTls::v13 ? PskVersion::tls13 : PskVersion::tls12);
  return made ? &contexts.emplace(tls, std::move(*made)).first->second : nullptr;
}

// Held by the stream: the key that its TLS borrows, and the count of those that are open.
struct Lease {
  Lease(std::shared_ptr<const Entry> way, const Target& target) : entry(std::move(way)), stats(target.stats) {
    stats->connections.fetch_add(1, std::memory_order_relaxed);
    stats->open.fetch_add(1, std::memory_order_relaxed);
  }
  ~Lease() {
    stats->open.fetch_sub(1, std::memory_order_relaxed);
    stats->count(End::ok);
  }
  const std::shared_ptr<const Entry> entry;
  const StatsPtr stats;
};

End end_of(const Error& error) {
  if (error.code == Errc::refused) return End::refused_by_exit;
  return error.code == Errc::tls ? End::handshake : End::unreachable;
}

class EntryDialer final : public Dialer {
 public:
  EntryDialer(std::shared_ptr<const Entry> entry, std::uint64_t rekey_bytes)
      : entry_(std::move(entry)), rekey_bytes_(rekey_bytes) {}

  Task<Status> dial(Stream& stream, Waker& waker, LoopTime deadline, std::string_view node) const override {
    Status last =
        Error{Errc::unavailable, called() + "there is no exit with a key that leads to " + std::string(node)};
    std::uint64_t tried = exits_of_others(*entry_, node);
    const std::size_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
    for (;;) {
      const LoopTime now = waker.loop().now();
      const std::optional<std::size_t> at = next_target(*entry_, tried, turn, static_cast<std::int64_t>(now));
      if (!at || now >= deadline) break;
      const auto left = static_cast<LoopTime>(entry_->targets.size() - std::popcount(tried));
      tried |= std::uint64_t{1} << *at;
      last = co_await try_target(stream, waker, now + (deadline - now) / left, entry_->targets[*at]);
      if (last || last.error().code == Errc::limit) break;
    }
    co_return last;
  }

 private:
  std::string called() const { return "tunnel " + entry_->conf.name + ": "; }

  Task<Status> try_target(Stream& stream, Waker& waker, LoopTime deadline, const Target& target) const {
    Loop& loop = waker.loop();
    Status last = Error{Errc::unavailable, called() + target.conf.address.text() + ": the name is not resolved"};
    LoopTime left = static_cast<LoopTime>(target.addresses.size());
    for (const DialAddress& address : target.addresses) {
      const LoopTime share = (deadline - loop.now()) / left--;
      const Dialling how{loop, waker, nullptr, loop.now() + std::max<LoopTime>(share, 1)};
      const Status reached = co_await reach(stream, target, address, how);
      if (reached) {
        target.state->answered();
        co_return Done{};
      }
      std::destroy_at(&stream);  // a socket is opened once
      std::construct_at(&stream);
      last = Error{reached.error().code, called() + address.text() + ": " + reached.error().what};
    }
    if (last.error().code != Errc::limit) target.state->failed(static_cast<std::int64_t>(loop.now()));
    target.stats->count(end_of(last.error()));
    co_return last;
  }

  Task<Status> reach(Stream& stream, const Target& target, const DialAddress& address, const Dialling& how) const {
    const PskClientContext* context = context_of(entry_->conf.tls);
    if (context == nullptr) co_return Error{Errc::tls, "the TLS library refuses pre-shared keys"};
    const std::uint64_t began_us = how.loop.now_us();
    const Status secured = co_await secure(stream, *entry_, target, address, *context, how, stream_protocol);
    if (!secured) co_return secured.error();
    target.stats->handshakes.fetch_add(1, std::memory_order_relaxed);
    target.stats->handshake_us.fetch_add(how.loop.now_us() - began_us, std::memory_order_relaxed);
    if (chosen_alpn(stream.tls->ssl()) == stream_protocol) {
      const Status reached = co_await await_word(stream, how);
      if (!reached) co_return reached.error();
    }
    target.stats->last_seen_ms.store(how.loop.wall_us() / 1000, std::memory_order_relaxed);
    keep_alive(stream.socket.fd());
    give_up_after(stream.socket.fd(), unacknowledged_most);
    stream.tls->renew_keys_after(rekey_bytes_);
    stream.ends_by_tls = true;
    stream.lease = std::make_shared<const Lease>(entry_, target);
    co_return Done{};
  }

  static Task<Status> await_word(Stream& stream, const Dialling& how) {
    for (;;) {
      const std::optional<Status> word = read_word(stream);
      if (word) co_return *word;
      const Waker::Why why = co_await how.waker.sleep(how.deadline);
      if (why == Waker::Why::deadline) co_return Error{Errc::timed_out, "the exit's word: no answer in time"};
    }
  }

  const std::shared_ptr<const Entry> entry_;
  const std::uint64_t rekey_bytes_;
  mutable std::atomic<std::size_t> turn_{0};
};

}  // namespace

DialerOf make_dialer(std::shared_ptr<const Entry> entry, std::uint64_t rekey_bytes) {
  auto dialer = std::make_shared<const EntryDialer>(entry, rekey_bytes);
  return {std::move(entry), rekey_bytes, std::move(dialer)};
}

}  // namespace gatehouse::tunnel
