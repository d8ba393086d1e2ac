#include "proxy/worker_io.h"

#include <algorithm>

#include <pthread.h>
#include <unistd.h>

#include "net/frame_pool.h"
#include "proxy/client_io.h"
#include "proxy/greed.h"
#include "proxy/guard_io.h"

namespace gatehouse::proxy {
namespace {

constexpr std::uint64_t tick_ms = 100;
constexpr std::uint64_t reap_ms = 1000;
constexpr std::uint64_t shed_pause_ms = 10;
constexpr unsigned pipes_most = 64;  // of the process

// Stages of memory pressure, in percent of limits.memory (design, invariant 4).
constexpr unsigned relieved_at = 70, close_idle_at = 85, stop_accepting_at = 95;
constexpr std::uint64_t modest_bytes = 1 << 20;  // of a client

}  // namespace

Worker::Worker(unsigned number, Shared& process, std::uint64_t seed, const TicketKeys& tickets)
    : index(number),
      shared(process),
      pipes(pipes_most),
      backends(loop, {}),
      worlds([&process](std::shared_ptr<const World> world) { process.reaper(std::move(world)); }),
      file_threads(loop),
      mirrors(*this),
      h2_backends(loop, buffers, counters),
      dice(seed),
      ticket_keys_(tickets) {
  loop.set_turn_end([this] { sweep(); });
  tick_.worker = this;
  tick_.fire = [](Timer& timer) { static_cast<Tick&>(timer).worker->tick(); };
}

Worker::~Worker() = default;

void Worker::start() {
  thread_ = std::thread([this] {
    loop.timers().set(tick_, loop.now() + tick_ms);
    loop.run();
    doors_.clear();
    sweep();
    mirrors.clear();
    backends.close_all();
    h2_backends.close_all();
  });
  pthread_setname_np(thread_.native_handle(), ("worker-" + std::to_string(index)).c_str());
}

void Worker::stop_and_join() {
  loop.stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::publish(std::shared_ptr<const World> world) {
  loop.post([this, world = std::move(world)]() mutable {
    const conf::Limits& limits = world->settings().limits;
    const auto idle_ms = static_cast<LoopTime>(limits.backend_idle_time.count());
    backends.set_limits({limits.backend_idle_connections, idle_ms});
    h2_backends.set_limits({limits.backend_http2_streams, static_cast<std::uint32_t>(limits.backend_http2_window)},
                           idle_ms);
    if (worlds.live() > 0) leave_gone(worlds.current(), *world);
    roots.forget();
    compressors.set_most(limits.compressions);
    log_lines = http::AccessLineWriter(world->settings().redact);
    worlds.publish(std::move(world));
    report_memory(), shed_load();  // its limit holds from now on, as the first one does from the first connection
  });
}

// Idle connections to endpoints that the next world doesn't know are of no use to it; the others may be used for the
// service's drain_time.
void Worker::leave_gone(const World& last, const World& next) {
  std::vector<std::uint32_t> live;
  for (const PoolPtr& pool : next.pools())
    pool->each_endpoint([&](const pool::Endpoint& endpoint) { live.push_back(endpoint.live->id); });
  std::sort(live.begin(), live.end());
  for (const PoolPtr& pool : last.pools())
    pool->each_endpoint([&](const pool::Endpoint& endpoint) {
      if (std::binary_search(live.begin(), live.end(), endpoint.live->id)) return;
      backends.leave_endpoint(endpoint.live->id);
      h2_backends.leave_endpoint(endpoint.live->id);
      gone_[endpoint.live->id] = loop.now() + static_cast<LoopTime>(pool->service->drain_time.count());
    });
  std::erase_if(gone_, [&](const auto& gone) { return std::binary_search(live.begin(), live.end(), gone.first); });
}

void Worker::withdraw_gone() {
  std::erase_if(gone_, [this](const auto& gone) {
    const bool due = gone.second <= loop.now();
    if (due) withdraw_now(gone.first);
    return due;
  });
}

void Worker::listen(std::vector<OpenListener> listeners) {
  loop.post([this, listeners = std::move(listeners)] {
    const auto is_gone = [&](const Door& door) {
      return std::none_of(listeners.begin(), listeners.end(),
                          [&](const OpenListener& each) { return each.socket == door.open.socket; });
    };
    for (Door& door : doors_)
      if (is_gone(door)) door.acceptor->close();  // serves what waits in its queue: the door must still be here
    std::erase_if(doors_, is_gone);
    for (const OpenListener& each : listeners) {
      const auto known = std::find_if(doors_.begin(), doors_.end(),
                                      [&](const Door& door) { return door.open.socket == each.socket; });
      if (known != doors_.end()) {
        known->open = each;
        continue;
      }
      doors_.push_back({each, nullptr});
      // The door is looked up at each accept: a reload may have changed what the listener says.
      const ListenSocket* socket = each.socket.get();
      const auto take = [this, socket](int fd, const SocketAddress& peer) {
        for (const Door& door : doors_)
          if (door.open.socket.get() == socket) return accepted(door.open.listener, fd, peer);
        ::close(fd);
      };
      doors_.back().acceptor = std::make_unique<Acceptor>(loop, each.socket, take, counters.accept_pauses);
    }
  });
}

void Worker::accepted(const std::shared_ptr<const Listener>& listener, int fd, const SocketAddress& peer) {
  const bool full = shared.open_connections.load(std::memory_order_relaxed) >= shared.connections_most;
  // Behind a PROXY header the client is counted once its name is read.
  const bool proxied = is_in(listener->conf.proxy_protocol, peer.ip);
  if (full || !(proxied ? shared.clients.enter(peer.ip, 0) : enter(peer.ip))) {
    counters.connections_refused.add();
    ::close(fd);
    return;
  }
  shared.open_connections.fetch_add(1, std::memory_order_relaxed);
  counters.connections_accepted.add();
  counters.connections_open.add();
  auto* connection = new ClientConnection(*this, listener, peer);  // owned by clients_, until forget()
  connection->link_before(clients_);
  if (connection->begin(fd)) return;
  counters.connections_refused.add();
  forget(*connection);
}

bool Worker::enter(const IpAddress& client) {
  const Settings& settings = worlds.current().settings();
  const bool trusted = is_in(settings.trusted_proxies, client);
  if (!trusted && drops(*this, client)) {
    counters.connections_banned.add();
    return false;
  }
  return shared.clients.enter(client, trusted ? 0 : settings.limits.connections_per_client);
}

// The story is still on the stack: the connection is destroyed at the end of the turn.
void Worker::forget(ClientConnection& connection) {
  connection.unlink();
  connection.stream.socket.close();
  finished_.emplace_back(&connection);
}

void Worker::sweep() {
  h2_backends.sweep();
  if (finished_.empty()) return;
  counters.connections_open.subtract(finished_.size());
  shared.open_connections.fetch_sub(finished_.size(), std::memory_order_relaxed);
  finished_.clear();
  if (std::exchange(given_up_, 0) > 0) report_memory(), shed_load();  // what they gave up is there now
}

void Worker::drain() {
  loop.post([this] {
    draining = true;
    for (Door& door : doors_) door.acceptor->close();
    doors_.clear();
    for (ListNode* node = clients_.next; node != &clients_; node = node->next)
      static_cast<ClientConnection&>(*node).drain();
    shared.workers_drained.fetch_add(1, std::memory_order_release);
  });
}

void Worker::cut() {
  loop.post([this] {
    for (ListNode* node = clients_.next; node != &clients_; node = node->next)
      static_cast<ClientConnection&>(*node).cut();
  });
}

void Worker::close_idle(std::uint32_t endpoint) {
  loop.post([this, endpoint] {
    backends.close_one(endpoint);
    h2_backends.close_one_idle(endpoint);
  });
}

void Worker::withdraw(std::uint32_t endpoint) {
  loop.post([this, endpoint] { withdraw_now(endpoint); });
}

// Those who use its connections are known to `backends`, streams too.
void Worker::withdraw_now(std::uint32_t endpoint) {
  backends.withdraw_endpoint(endpoint);
  h2_backends.leave_endpoint(endpoint);
}

void Worker::warn(std::string text) {
  constexpr LoopTime least_pause_ms = 1000;
  if (!shared.warn || (warned_at_ != 0 && loop.now() - warned_at_ < least_pause_ms)) return;
  warned_at_ = loop.now();
  shared.warn(std::move(text));
}

// The oldest first: who sends a request sends it in one go, who holds memory with half of one takes his time.
// Gives what is still to be freed.
std::uint64_t Worker::cut_half_heads(std::uint64_t bytes) {
  for (ListNode* node = clients_.next; node != &clients_ && bytes > 0; node = node->next) {
    auto& connection = static_cast<ClientConnection&>(*node);
    if (!connection.in_head) continue;
    bytes -= std::min<std::uint64_t>(bytes, connection.in.capacity());
    if (connection.was_cut) continue;
    counters.connections_refused.add();
    connection.cut();
  }
  return bytes;
}

// Gives about what is free in a moment.
std::uint64_t Worker::cut_greediest(std::uint64_t bytes, std::uint64_t modest) {
  const std::vector<IpPrefix>& trusted = worlds.current().settings().trusted_proxies;
  std::vector<ClientConnection*> connections;
  std::vector<Holding> holdings;
  for (ListNode* node = clients_.next; node != &clients_; node = node->next) {
    auto& connection = static_cast<ClientConnection&>(*node);
    if (connection.was_cut) continue;
    connections.push_back(&connection);
    holdings.push_back({connection.peer.ip, is_in(trusted, connection.peer.ip), connection.bytes_held()});
  }
  std::uint64_t freed = 0;
  for (const std::size_t which : greediest(holdings, bytes, modest)) {
    freed += holdings[which].bytes;
    counters.connections_cut_for_memory.add();
    connections[which]->was_greedy = true;
    connections[which]->cut();
  }
  return freed;
}

// A look that found nobody to pay is not worth another at once; else the room that the last one gave was used since.
bool Worker::has_room() {
  if (!buffers.full()) return true;
  if (!full_ || loop.now() >= shed_at_ + shed_pause_ms) report_memory(), shed_load();
  return !buffers.full();
}

unsigned Worker::streams_share() const {
  const auto most = static_cast<std::int64_t>(shared.descriptors_most);
  const auto open = static_cast<std::int64_t>(shared.open_connections.load(std::memory_order_relaxed));
  const std::int64_t free = most - most / 4 - 2 * open;  // a connection has one, and one to a backend
  const std::int64_t here = free / shared.workers - static_cast<std::int64_t>(counters.http2_streams_open.value());
  return static_cast<unsigned>(std::clamp<std::int64_t>(here / 2, 0, 1 << 20));
}

// `fresh` ones have asked for nothing yet, and are about to.
void Worker::cut_idle(bool fresh) {
  for (ListNode* node = clients_.next; node != &clients_; node = node->next) {
    auto& connection = static_cast<ClientConnection&>(*node);
    if (connection.idle && (fresh || connection.requests > 0)) connection.cut();
  }
}

// Who holds a quarter of all goes before it is short for others; at the end of it, whoever holds more than a few.
void Worker::shed_load() {
  const std::uint64_t most = worlds.current().settings().limits.memory;
  const std::uint64_t stop = most / 100 * stop_accepting_at, enough = most / 100 * relieved_at;
  const std::uint64_t used = shared.memory_used.load(std::memory_order_relaxed);
  short_from_ = most / 100 * close_idle_at;
  const bool anew = loop.now() != shed_at_;
  if (anew) given_up_ = 0;  // those that were cut have gone since
  shed_at_ = loop.now();
  const std::uint64_t before = used - std::min(used, given_up_);
  std::uint64_t freed = 0;
  if (before > short_from_ && (anew || before > stop)) {
    cut_idle(false);
    backends.close_all();
    h2_backends.close_idle();
    compressors.clear_kept();
    const double part = static_cast<double>(memory_reported_) / static_cast<double>(used);
    const auto ours = static_cast<std::uint64_t>(static_cast<double>(before - enough) * part);
    const std::uint64_t rest = before > stop ? cut_half_heads(ours) : ours;
    if (rest > 0) freed = cut_greediest(rest, before > stop ? modest_bytes : most / 4);
    given_up_ += freed;
  }
  // Who has paid our part of it leaves the rest to the other workers.
  const bool full = used > stop + given_up_ && freed == 0;
  if (full && !full_) full_since_ = loop.now();
  if (full && loop.now() >= full_since_ + 2 * tick_ms) cut_idle(true);  // all workers have had their look
  // Where others hold it all, or may take it, they are about to give it up: half of the reserve is for who holds little.
  const bool relief = !full || memory_reported_ < stop / shared.workers / 2;
  take_room(stop, relief ? (most - stop) / 2 : 0, most - stop);
  for (Door& door : doors_) full ? door.acceptor->pause() : door.acceptor->resume();
  if (full && !full_) counters.accept_pauses.add();
  full_ = full;
}

// What we may take until the next look: a share of what nobody has or may take, so that what all workers have yet to
// tell of is a quarter of the limit at most. What those that were cut are about to free is had in advance as far as
// half of the reserve goes: it is there when they are gone.
void Worker::take_room(std::uint64_t stop, std::uint64_t least, std::uint64_t reserve) {
  const std::uint64_t all = shared.memory_granted.load(std::memory_order_relaxed);
  const std::uint64_t ours = memory_reported_ - std::min(memory_reported_, given_up_);
  const std::uint64_t taken = all - std::min(all, granted_) + ours;
  const std::uint64_t share = std::min(stop - std::min(stop, taken), stop / 4) / shared.workers;
  std::uint64_t room = std::max(share, least);
  if (given_up_ > 0) room = std::min(room, reserve / 2);
  buffers.set_most(buffers.bytes_out() + room, reserve);
  shared.memory_granted.fetch_add(ours + room - granted_, std::memory_order_relaxed);
  granted_ = ours + room;
}

// What this worker holds, as far as it is ours to bound: slabs, pipes, coroutines and what they tell of, TLS.
std::uint64_t Worker::memory_used() const {
  return buffers.bytes_out() + pipes.bytes_out() + compressors.bytes() + FramePool::bytes_out() +
         TlsSession::bytes_pending() + counters.tls_connections_open.value() * tls_cost;
}

std::uint64_t Worker::report_memory() {
  const std::uint64_t used = memory_used();
  const std::uint64_t before = std::exchange(memory_reported_, used);
  return shared.memory_used.fetch_add(used - before, std::memory_order_relaxed) + (used - before);
}

bool Worker::is_short_of_memory() {
  const std::uint64_t unreported = memory_used() - memory_reported_;  // below zero, too
  const bool much = unreported + short_from_ / 64 > short_from_ / 32;
  const std::uint64_t all = much ? report_memory() : shared.memory_used.load(std::memory_order_relaxed) + unreported;
  return all > short_from_;
}

void Worker::tick() {
  loop.timers().set(tick_, loop.now() + tick_ms);
  report_memory();
  shed_load();
  withdraw_gone();
  part_with_banned();
  if (loop.now() < reap_at_) return;
  reap_at_ = loop.now() + reap_ms;
  backends.reap();
  mirrors.reap();
  ticket_keys_.advance(WallTime(std::chrono::microseconds(loop.wall_us())));
}

const TlsServerContext& Worker::tls_server(const Listener& listener) {
  const std::string key = listener.conf.name + (listener.conf.http2 ? " h2" : "");
  const auto known = tls_servers_.find(key);
  if (known != tls_servers_.end()) return known->second;
  TlsServerPolicy policy;
  policy.name = listener.conf.name;
  if (listener.conf.http2) policy.alpn.insert(policy.alpn.begin(), "h2");
  Result<TlsServerContext> made = TlsServerContext::make(std::move(policy), ticket_keys_);
  if (!made) throw std::runtime_error("TLS: " + made.error().what);  // a broken OpenSSL: nothing can be served
  return tls_servers_.emplace(key, std::move(*made)).first->second;
}

Result<const TlsClientContext*> Worker::tls_client(const ServicePool& pool) {
  if (!pool.tls) return invalid("this service's TLS is not usable: see its finding in status");
  const auto known = tls_clients_.find(pool.tls);
  if (known != tls_clients_.end()) return &known->second;
  Result<TlsClientContext> made = TlsClientContext::make(*pool.tls);
  if (!made) return made.error();
  // Policies of replaced worlds go when nobody else holds them.
  std::erase_if(tls_clients_, [](const auto& each) { return each.first.use_count() == 1; });
  return &tls_clients_.emplace(pool.tls, std::move(*made)).first->second;
}

}  // namespace gatehouse::proxy
