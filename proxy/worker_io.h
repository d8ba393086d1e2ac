// worker_io.h: one data-plane thread: its loop, buffers, backend connections, clients, counters and log ring.
//   Everything is the worker's own; what comes from outside (a new world, listeners, drain) is posted to its loop.
//   Nothing here waits for the control plane. Counters are read by any thread (net/counter.h).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "net/buffer.h"
#include "net/client_counts.h"
#include "net/counter.h"
#include "net/dice.h"
#include "net/file_pool.h"
#include "net/listener.h"
#include "net/log_ring.h"
#include "net/loop.h"
#include "net/pipe_pool.h"
#include "net/tls_client_context.h"
#include "net/tls_server_context.h"
#include "proxy/auth/password_pool_io.h"
#include "proxy/auth/verdict_cache.h"
#include "proxy/backend/connection_pool.h"
#include "proxy/backend/h2_connection_io.h"
#include "proxy/compress/contexts.h"
#include "proxy/files/find_io.h"
#include "proxy/http/access_log.h"
#include "proxy/http/timestamps.h"
#include "proxy/listener.h"
#include "proxy/mirror_io.h"
#include "proxy/world_use.h"
#include "ratelimit/tables.h"

namespace gatehouse::proxy {

struct ClientConnection;

struct WorkerCounters : H2Counters {
  Counter connections_banned, requests_banned, connections_cut_for_memory;
  Counter application_events, application_events_unread;                                      // X-Ban-Event
  Counter connections_accepted, connections_open, tls_connections_open, connections_refused;  // refused: over a limit
  Counter handshakes, handshakes_failed, handshakes_resumed;
  Counter requests, bytes_in, bytes_out;
  std::array<Counter, 6> responses;  // by status class; 0: none was sent
  Counter backend_connects, backend_reuses, backend_connect_failures;
  Counter retries, stale_replays, local_replies, malformed_requests, malformed_responses;
  Counter upgrades_open, accept_pauses;
  Counter tcp_sessions, tcp_sessions_open;
  Counter http2_connections, http2_connections_open, http2_connections_cut;  // cut: for misbehaviour
  Counter http2_streams, http2_streams_open, http2_streams_refused;
  Counter http2_resets_received, http2_resets_sent;
  Counter file_answers, file_waits, file_waits_refused;  // waits: for a file thread
  std::array<Counter, conf::content_coding_count> compressions;
  Counter compressions_left_out, compressed_in, compressed_out;
};

// What the workers of a process share.
struct Shared {
  ClientCounts clients;
  std::unique_ptr<ratelimit::Tables> guard;  // null in tests of parts
  auth::PasswordPool passwords;
  std::function<void(std::shared_ptr<const World>)> reaper;  // any thread
  std::function<void()> nudge_log;                           // any thread; a log ring is half full
  std::function<void(std::uint32_t endpoint)> close_idle;    // any thread; each worker closes one connection to it
  std::function<void(std::string)> warn;                     // any thread; of what an operator has to mend
  std::atomic<std::uint64_t> open_connections{0}, memory_used{0};
  std::atomic<std::uint64_t> memory_granted{0};  // what all workers hold and may take until their next look
  std::uint64_t connections_most = 0;            // of all workers
  std::uint64_t descriptors_most = 1u << 20;     // of the process
  unsigned workers = 1;
  std::atomic<unsigned> workers_drained{0};  // those that accept nothing any more
  std::atomic<bool> succeeded{false};        // another process serves the same sockets: nobody need leave in a hurry
};

class Worker {
 public:
  Worker(unsigned number, Shared& process, std::uint64_t seed, const TicketKeys& tickets);
  ~Worker();

  void start();  // the thread
  void stop_and_join();

  // The next ones are posted to the loop by any thread.
  void publish(std::shared_ptr<const World> world);
  void listen(std::vector<OpenListener> listeners);  // the whole new set
  // No new connections but those that stand in the queue; idle ones close, busy ones when their request is done.
  void drain();
  void cut();                               // whatever is left
  void close_idle(std::uint32_t endpoint);  // one connection to it, if one idles here
  void withdraw(std::uint32_t endpoint);    // ends all use of it

  // Tells an operator what no code of a log line can; the first of each second alone.
  void warn(std::string text);

  // For the coroutines that run here.
  const unsigned index;
  Shared& shared;
  Loop loop;
  BufferPool buffers;
  PipePool pipes;
  ConnectionPool backends;
  WorldKeeper worlds;
  FilePool file_threads;
  files::Roots roots;
  compress::Contexts compressors;
  LogRing access_log, guard_told;  // the second: records of ratelimit/watch.h
  http::AccessLineWriter log_lines;
  auth::VerdictCache verdicts;
  Mirrors mirrors;
  WorkerCounters counters;
  H2Connections h2_backends;
  Dice dice;
  bool draining = false;

  void forget(ClientConnection& connection);  // its story is over
  // Counts a connection of the client, unless it has as many as it may. Trusted proxies may have any number.
  bool enter(const IpAddress& client);
  bool has_room();  // for a request; looks who holds too much where there is none
  // Who has something already asks before it takes more.
  bool is_short_of_memory();
  // How many streams a connection may have at once: each may hold a descriptor. The more of them are held, the fewer
  // each may have, so that there are always some for who comes next.
  unsigned streams_share() const;
  std::string_view date() { return date_.at(WallTime(std::chrono::microseconds(loop.wall_us()))); }
  const TlsServerContext& tls_server(const Listener& listener);
  // Null: the service's TLS can't be used, with the reason.
  Result<const TlsClientContext*> tls_client(const ServicePool& pool);

 private:
  struct Door {
    OpenListener open;
    std::unique_ptr<Acceptor> acceptor;
  };
  struct Tick : Timer {
    Worker* worker = nullptr;
  };
  void accepted(const std::shared_ptr<const Listener>& listener, int fd, const SocketAddress& peer);
  void sweep();
  void part_with_banned();
  void leave_gone(const World& last, const World& next);
  void withdraw_gone();
  void withdraw_now(std::uint32_t endpoint);
  std::uint64_t cut_half_heads(std::uint64_t bytes);
  std::uint64_t cut_greediest(std::uint64_t bytes, std::uint64_t modest);
  void cut_idle(bool fresh);
  void take_room(std::uint64_t stop, std::uint64_t least, std::uint64_t reserve);
  void shed_load();
  void tick();
  std::uint64_t memory_used() const;
  std::uint64_t report_memory();  // gives what all have

  std::vector<Door> doors_;
  http::HttpDate date_;
  TicketKeys ticket_keys_;
  std::map<std::string, TlsServerContext> tls_servers_;  // by listener, and what it speaks
  std::map<std::shared_ptr<const TlsClientPolicy>, TlsClientContext> tls_clients_;
  ListNode clients_;
  std::vector<std::unique_ptr<ClientConnection>> finished_;  // destroyed at the end of the turn
  Tick tick_;
  std::uint64_t memory_reported_ = 0;                 // of our own
  std::uint64_t short_from_ = ~std::uint64_t{0} / 2;  // of all
  LoopTime warned_at_ = 0;
  bool full_ = false;  // accepting pauses for want of memory
  LoopTime reap_at_ = 0, shed_at_ = 0, full_since_ = 0;
  std::uint64_t given_up_ = 0;              // about, by those that were cut at shed_at_
  std::uint64_t granted_ = 0;               // our part of Shared::memory_granted
  std::uint64_t bans_seen_ = 0;             // of BanTable::changes
  std::map<std::uint32_t, LoopTime> gone_;  // endpoints that were removed, and when they are withdrawn
  std::thread thread_;
};

}  // namespace gatehouse::proxy
