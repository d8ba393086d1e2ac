#include "tunnel/exit_io.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/encoding.h"
#include "net/proxy_protocol.h"
#include "tunnel/carrier_io.h"

namespace gatehouse::tunnel {
namespace {

constexpr LoopTime last_word_ms = 2000;
constexpr std::uint8_t tlv_authority = 0x02, tlv_identity = 0xE1;

SocketAddress own_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return SocketAddress::from(reinterpret_cast<const sockaddr*>(&address));
}

bool is_clients_fault(End end) {
  switch (end) {
    case End::timeout:
    case End::handshake:
    case End::unknown_identity:
    case End::wrong_key:
    case End::not_psk:
    case End::no_service:
    case End::not_allowed: return true;
    default: return false;
  }
}

}  // namespace

ExitSession::ExitSession(Carrier& carrier, PlanPtr plan, const Exit& exit, const SocketAddress& peer)
    : Session(carrier, std::move(plan), peer), exit_(exit) {
  selection_.keys = exit.keys;
  stats_ = exit.stats;
}

ExitSession::~ExitSession() {
  if (half_open_) carrier_.end_handshake(peer_.ip);
  if (counted_) who_->stats->open.fetch_sub(1, std::memory_order_relaxed);
}

// The key, the identity's rights and its network: all must still hold.
std::optional<End> ExitSession::ended_by(const Plan& coming) const {
  if (!selection_.known) return std::nullopt;  // its handshake tells
  const Exit* exit = coming.find_exit(exit_.name);
  if (exit == nullptr) return End::revoked;
  const auto before = exit_.keys->find(selection_.identity), now = exit->keys->find(selection_.identity);
  if (now == exit->keys->end() || !(now->second == before->second)) return End::revoked;
  const Admission admission = admit(coming, *exit, selection_.identity, name_, peer_.ip);
  const bool same = admission.end == End::ok && (offer_ == nullptr || admission.offer->name == offer_->name);
  return same ? std::nullopt : std::optional(End::revoked);
}

Task<> ExitSession::story() {
  const bool welcome = co_await greet();
  if (welcome) {
    const bool reached = co_await reach_service();
    if (reached && protocol_ != Protocol::check) co_await carry(offer_->conf.idle_timeout);
  }
  if (is_clients_fault(end_)) carrier_.tell_gatekeeper(peer_.ip, end_);
  finish();
}

Task<bool> ExitSession::greet() {
  if (!carrier_.begin_handshake(exit_, peer_.ip)) {
    end_ = End::half_open;
    co_return false;
  }
  half_open_ = true;
  const bool secured = co_await secure();
  carrier_.end_handshake(peer_.ip);
  half_open_ = false;
  if (!secured) co_return false;
  const bool admitted = admit_identity();
  co_return admitted;
}

Task<bool> ExitSession::secure() {
  SslPtr ssl = carrier_.accept_tls(exit_.conf.tls, selection_);
  if (!ssl) {
    end_ = End::overload;
    co_return false;
  }
  in_.tls = std::make_unique<TlsSession>(std::move(ssl), in_.socket);
  const LoopTime deadline = carrier_.loop.now() + static_cast<LoopTime>(exit_.conf.handshake_time.count());
  const Dialling how{carrier_.loop, waker_, &in_.socket, deadline};
  const Status done = co_await shake_hands(in_, how);
  if (was_cut()) co_return false;
  if (!done) {
    name_failure(done.error());
    co_return false;
  }
  const PskVersion version = exit_.conf.tls == conf::TunnelTls::v13 ? PskVersion::tls13 : PskVersion::tls12;
  detail_ = psk_doubt(in_.tls->ssl(), version);
  if (!detail_.empty() || !selection_.known) {
    end_ = End::not_psk;
    co_return false;
  }
  handshake_us_ = carrier_.loop.now_us() - started_us_;
  name_ = asked_name(in_.tls->ssl());
  const auto named = connection_name(in_.tls->ssl());
  connection_ = base64url(named);
  const std::string_view protocol = chosen_alpn(in_.tls->ssl());
  if (protocol == stream_protocol) protocol_ = Protocol::stream;
  if (protocol == check_protocol) protocol_ = Protocol::check;
  co_return true;
}

void ExitSession::name_failure(const Error& error) {
  detail_ = error.what;
  // Of TLS 1.3 the binder tells a wrong key, of 1.2 the first record that it should decrypt.
  const bool by_key =
      detail_.find("binder") != std::string::npos || detail_.find("bad record mac") != std::string::npos;
  if (error.code == Errc::timed_out)
    end_ = End::timeout;
  else if (error.code == Errc::closed || in_.socket.failed())
    end_ = End::client_gone;
  else if (selection_.presented && by_key)
    end_ = selection_.known ? End::wrong_key : End::unknown_identity;
  else
    end_ = End::handshake;
}

bool ExitSession::admit_identity() {
  const Admission admission = admit(*plan_, exit_, selection_.identity, name_, peer_.ip);
  who_ = admission.who;
  offer_ = admission.offer;
  end_ = admission.end;
  if (end_ == End::ok)
    if (const auto revoked = ended_by(carrier_.plan())) end_ = *revoked;  // while the handshake went on
  if (who_ == nullptr || end_ == End::revoked) return false;
  stats_ = who_->stats;
  stats_->last_seen_ms.store(carrier_.loop.wall_us() / 1000, std::memory_order_relaxed);
  stats_->handshakes.fetch_add(1, std::memory_order_relaxed);
  stats_->handshake_us.fetch_add(handshake_us_, std::memory_order_relaxed);
  if (end_ != End::ok) return true;  // it is told why
  stats_->connections.fetch_add(1, std::memory_order_relaxed);
  counted_ = true;
  const std::uint64_t open = stats_->open.fetch_add(1, std::memory_order_relaxed);
  if (who_->conf.max_connections != 0 && open >= who_->conf.max_connections) end_ = End::too_many;
  return true;
}

Task<bool> ExitSession::reach_service() {
  if (end_ != End::ok) {
    Word word = Word::not_allowed;
    if (end_ == End::no_service) word = Word::no_service;
    if (end_ == End::too_many) word = Word::too_many;
    co_await say(word);
    co_return false;
  }
  const std::uint64_t began_us = carrier_.loop.now_us();
  for (const DialAddress& address : offer_->addresses) {
    ++attempts_;
    const Status reached = co_await reach(address);
    if (was_cut()) co_return false;
    connect_us_ = carrier_.loop.now_us() - began_us;
    if (reached) {
      reached_ = address.text();
      note_local(false, !address.socket.empty());
      detail_.clear();
      co_await say(Word::reached);
      co_return !was_cut();
    }
    detail_ = reached.error().what;
    if (in_.socket.failed()) {
      end_ = End::client_gone;
      co_return false;
    }
  }
  if (offer_->addresses.empty()) detail_ = "the name of the service is not resolved";
  end_ = End::unreachable;
  co_await say(Word::unreachable);
  co_return false;
}

Task<Status> ExitSession::reach(const DialAddress& address) {
  out_ = std::make_unique<Stream>();
  const LoopTime deadline = carrier_.loop.now() + static_cast<LoopTime>(offer_->conf.connect_timeout.count());
  const Dialling how{carrier_.loop, waker_, &in_.socket, deadline};
  Status done = co_await connect_stream(*out_, address, how);
  if (done && offer_->conf.send_proxy != conf::SendProxy::none) {
    const std::string header = proxy_header();
    done = co_await send_whole(*out_, header, how);
  }
  co_return done;
}

std::string ExitSession::proxy_header() const {
  ProxyHeader told;
  told.source = peer_;
  told.destination = own_address(in_.socket.fd());
  if (offer_->conf.send_proxy == conf::SendProxy::v1) return std::string(write_proxy_v1(told).view());
  const ProxyTlv tlvs[] = {{tlv_authority, offer_->name}, {tlv_identity, selection_.identity}};
  return write_proxy_v2(told, tlvs);
}

// To an end of ours; another one sees the connection end.
Task<> ExitSession::say(Word word) {
  if (!speaks_ours()) co_return;
  const char byte = static_cast<char>(word);
  const Dialling how{carrier_.loop, waker_, &in_.socket, carrier_.loop.now() + last_word_ms};
  const Status said = co_await send_whole(in_, std::string_view(&byte, 1), how);
  const bool last = word != Word::reached || protocol_ == Protocol::check;
  if (!said || !last || was_cut()) co_return;
  in_.tls->close_notify();
  in_.close();  // not reset: the word has to arrive
}

void ExitSession::describe(Record& record) const {
  record.side = "exit";
  record.tunnel = exit_.name;
  record.identity = selection_.identity;
  record.service = offer_ != nullptr ? std::string_view(offer_->name) : std::string_view(name_);
  record.target = reached_;
}

}  // namespace gatehouse::tunnel
