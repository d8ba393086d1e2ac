#include "tunnel/carrier_io.h"

#include <algorithm>

#include <unistd.h>

#include "tunnel/admission.h"
#include "tunnel/entry_io.h"
#include "tunnel/exit_io.h"
#include "tunnel/protocol.h"

namespace gatehouse::tunnel {
namespace {

constexpr unsigned refusal_lines_most = 100;  // a second and worker: a flood must not push other lines out
constexpr LoopTime second_ms = 1000;

PskVersion version_of(conf::TunnelTls tls) {
  return tls == conf::TunnelTls::v13 ? PskVersion::tls13 : PskVersion::tls12;
}

bool is_refusal(End end) { return end >= End::client_gone; }

}  // namespace

Carrier::Carrier(Loop& own_loop, BufferPool& own_buffers, PipePool& own_pipes, LogRing& ring, Shared& process,
                 std::uint64_t seed)
    : loop(own_loop), buffers(own_buffers), pipes(own_pipes), shared(process), ring_(ring), turn_(seed) {
  sweep_.carrier = this;
  sweep_.fire = [](Timer& timer) { static_cast<SweepTimer&>(timer).carrier->sweep(); };
}

Carrier::~Carrier() {
  doors_.clear();
  while (sessions_.next != &sessions_) {
    auto& session = static_cast<Session&>(*sessions_.next);
    session.unlink();
    finished_.emplace_back(&session);
  }
  sweep();
  loop.timers().cancel(sweep_);
}

void Carrier::publish(PlanPtr plan) {
  loop.post([this, plan = std::move(plan)] {
    plan_ = plan;
    for (ListNode* node = sessions_.next; node != &sessions_;) {
      auto& session = static_cast<Session&>(*node);
      node = node->next;
      if (const std::optional<End> end = session.ended_by(*plan_)) session.cut(*end);
    }
  });
}

void Carrier::listen(std::vector<OpenDoor> doors) {
  loop.post([this, doors = std::move(doors)] {
    if (!draining_) set_doors(doors);
  });
}

void Carrier::set_doors(const std::vector<OpenDoor>& doors) {
  const auto is_gone = [&](const Door& door) {
    return std::none_of(doors.begin(), doors.end(),
                        [&](const OpenDoor& each) { return each.socket == door.open.socket; });
  };
  for (Door& door : doors_)
    if (is_gone(door)) door.acceptor->close();  // serves what waits in its queue: the door must still be here
  std::erase_if(doors_, is_gone);
  for (const OpenDoor& each : doors) {
    const auto known =
        std::find_if(doors_.begin(), doors_.end(), [&](const Door& door) { return door.open.socket == each.socket; });
    known != doors_.end() ? void(known->open = each) : open_door(each);
  }
}

void Carrier::open_door(const OpenDoor& open) {
  doors_.push_back({open, nullptr});
  const ListenSocket* socket = open.socket.get();
  const auto take = [this, socket](int fd, const SocketAddress& peer) {
    for (const Door& door : doors_)
      if (door.open.socket.get() == socket) return accepted(door.open, fd, peer);
    ::close(fd);
  };
  doors_.back().acceptor = std::make_unique<Acceptor>(loop, open.socket, take, exhausted_);
}

void Carrier::accepted(const OpenDoor& door, int fd, const SocketAddress& peer) {
  const Exit* exit = door.is_exit && plan_ ? plan_->find_exit(door.name) : nullptr;
  const Entry* entry = !door.is_exit && plan_ ? plan_->find_entry(door.name) : nullptr;
  if (exit == nullptr && entry == nullptr) return refuse(door, fd, peer, End::shutdown, nullptr);
  Stats* const stats = exit != nullptr ? exit->stats.get() : entry->stats.get();
  const bool local = !door.is_exit && !entry->conf.listen.socket.empty();
  const bool welcome = exit != nullptr ? may_come_from(*exit, peer.ip)
                                       : local || entry->conf.allow.empty() || is_in(entry->conf.allow, peer.ip);
  if (exit != nullptr && gatekeeper_ && gatekeeper_->refuses(peer.ip))
    return refuse(door, fd, peer, End::banned, stats);
  if (!welcome) {
    if (exit != nullptr) tell_gatekeeper(peer.ip, End::source);
    return refuse(door, fd, peer, End::source, stats);
  }
  const bool full = shared.open_connections.load(std::memory_order_relaxed) >= shared.connections_most;
  if (full || buffers.full()) return refuse(door, fd, peer, End::overload, stats);
  shared.open_connections.fetch_add(1, std::memory_order_relaxed);
  Session* session = nullptr;  // owned by sessions_, until forget()
  if (exit != nullptr)
    session = new ExitSession(*this, plan_, *exit, peer);
  else
    session = new EntrySession(*this, plan_, *entry, local ? SocketAddress() : peer);
  session->link_before(sessions_);
  if (session->begin(fd)) return;
  stats->count(End::overload);
  forget(*session);
}

void Carrier::refuse(const OpenDoor& door, int fd, const SocketAddress& peer, End end, Stats* stats) {
  ::close(fd);
  if (stats == nullptr) return;
  stats->count(end);
  if (!plan_->access_log) return;
  Record record;
  record.time = WallTime(std::chrono::microseconds(loop.wall_us()));
  record.node = plan_->node;
  record.side = door.is_exit ? "exit" : "entry";
  record.tunnel = door.name;
  record.client = peer.ip;
  record.client_redacted = plan_->redact_client;
  record.end = end;
  log(record);
}

void Carrier::drain() {
  loop.post([this] {
    draining_ = true;
    for (Door& door : doors_) door.acceptor->close();
    doors_.clear();
    for (ListNode* node = sessions_.next; node != &sessions_;) {
      auto& session = static_cast<Session&>(*node);
      node = node->next;
      session.hurry();
    }
  });
}

void Carrier::cut() {
  loop.post([this] {
    for (ListNode* node = sessions_.next; node != &sessions_;) {
      auto& session = static_cast<Session&>(*node);
      node = node->next;
      session.cut(End::shutdown);
    }
  });
}

// The story is still on the stack.
void Carrier::forget(Session& session) {
  session.unlink();
  session.in_.close();
  finished_.emplace_back(&session);
  loop.timers().set(sweep_, loop.now());
}

void Carrier::sweep() {
  shared.open_connections.fetch_sub(finished_.size(), std::memory_order_relaxed);
  finished_.clear();
}

bool Carrier::may_log_refusal() {
  if (loop.now() - refusals_since_ >= second_ms) refusals_since_ = loop.now(), refusals_logged_ = 0;
  if (++refusals_logged_ <= refusal_lines_most) return true;
  shared.refused_lines_dropped.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Carrier::log(const Record& record) {
  if (is_refusal(record.end) && !may_log_refusal()) return;
  const std::span<char> line = ring_.reserve(log_line_bytes_max);
  if (line.empty()) return ring_.drop();
  ring_.commit(write_log_line(record, line));
  if (ring_.used() * 2 > ring_.capacity() && shared.nudge_log) shared.nudge_log();
}

void Carrier::tell_gatekeeper(const IpAddress& client, End why) {
  if (gatekeeper_) gatekeeper_->saw_refusal(client, why);
}

bool Carrier::begin_handshake(const Exit& exit, const IpAddress& client) {
  if (shared.handshakes.fetch_add(1, std::memory_order_relaxed) < exit.conf.handshakes &&
      shared.handshaking.enter(client, exit.conf.handshakes_per_client))
    return true;
  shared.handshakes.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void Carrier::end_handshake(const IpAddress& client) {
  shared.handshakes.fetch_sub(1, std::memory_order_relaxed);
  shared.handshaking.leave(client);
}

SslPtr Carrier::accept_tls(conf::TunnelTls tls, PskSelection& selection) {
  auto known = servers_.find(tls);
  if (known == servers_.end()) {
    Result<PskServerContext> made =
        PskServerContext::make(version_of(tls), {std::string(stream_protocol), std::string(check_protocol)});
    if (!made) return nullptr;
    known = servers_.emplace(tls, std::move(*made)).first;
  }
  return known->second.accept(selection);
}

const PskClientContext* Carrier::client_tls(conf::TunnelTls tls) {
  const auto known = clients_.find(tls);
  if (known != clients_.end()) return &known->second;
  Result<PskClientContext> made = PskClientContext::make(version_of(tls));
  return made ? &clients_.emplace(tls, std::move(*made)).first->second : nullptr;
}

}  // namespace gatehouse::tunnel
