// carrier_io.h: one worker's part in the tunnels: listeners, TLS contexts and connections, on the worker's own loop.
//   What comes from outside (a plan, listeners, drain) is posted to the loop. A new plan cuts at once what it no
//   longer allows; all else goes on under the plan that it began with.
//   Limits  connections and handshakes are counted over all workers (Shared); memory by the worker's pools.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/client_counts.h"
#include "net/listener.h"
#include "net/log_ring.h"
#include "net/pipe_pool.h"
#include "net/psk.h"
#include "tunnel/gatekeeper.h"
#include "tunnel/log_line.h"
#include "tunnel/plan.h"
#include "tunnel/session_io.h"

namespace gatehouse::tunnel {

// What the carriers of a process share.
struct Shared {
  std::atomic<std::uint64_t>& open_connections;  // of the whole process
  const std::uint64_t& connections_most;
  std::function<void()> nudge_log;  // any thread; a log ring is half full
  std::atomic<unsigned> handshakes{0};
  ClientCounts handshaking;
  std::atomic<std::uint64_t> refused_lines_dropped{0};
};

struct OpenDoor {
  std::shared_ptr<ListenSocket> socket;
  bool is_exit = false;
  std::string name;  // of the exit or the entry
};

class Carrier {
 public:
  Carrier(Loop& loop, BufferPool& buffers, PipePool& pipes, LogRing& ring, Shared& shared, std::uint64_t seed);
  ~Carrier();  // REQUIRES that the loop runs no more
  // REQUIRES that the loop doesn't run yet.
  void set_gatekeeper(std::unique_ptr<Gatekeeper> gatekeeper) { gatekeeper_ = std::move(gatekeeper); }

  // Any thread; done in the loop's.
  void publish(PlanPtr plan);
  void listen(std::vector<OpenDoor> doors);  // the whole new set
  void drain();                              // no new connections; those that are carried go on
  void cut();                                // whatever is left

  Loop& loop;
  BufferPool& buffers;
  PipePool& pipes;
  Shared& shared;

  // For sessions.
  const Plan& plan() const { return *plan_; }  // that holds now
  void forget(Session& session);
  void log(const Record& record);
  void tell_gatekeeper(const IpAddress& client, End why);
  bool begin_handshake(const Exit& exit, const IpAddress& client);  // false: too many are under way
  void end_handshake(const IpAddress& client);
  SslPtr accept_tls(conf::TunnelTls tls, PskSelection& selection);
  const PskClientContext* client_tls(conf::TunnelTls tls);  // null: there is none
  std::size_t next_turn() { return turn_++; }

 private:
  struct Door {
    OpenDoor open;
    std::unique_ptr<Acceptor> acceptor;
  };
  struct SweepTimer : Timer {
    Carrier* carrier = nullptr;
  };
  void set_doors(const std::vector<OpenDoor>& doors);
  void open_door(const OpenDoor& open);
  void accepted(const OpenDoor& door, int fd, const SocketAddress& peer);
  void refuse(const OpenDoor& door, int fd, const SocketAddress& peer, End end, Stats* stats);
  bool may_log_refusal();
  void sweep();

  LogRing& ring_;
  std::unique_ptr<Gatekeeper> gatekeeper_;  // null: there is none
  PlanPtr plan_;
  std::vector<Door> doors_;
  ListNode sessions_;
  std::vector<std::unique_ptr<Session>> finished_;  // destroyed when none of them runs
  SweepTimer sweep_;
  std::map<conf::TunnelTls, PskServerContext> servers_;
  std::map<conf::TunnelTls, PskClientContext> clients_;
  Counter exhausted_;
  std::size_t turn_;
  LoopTime refusals_since_ = 0;
  unsigned refusals_logged_ = 0;
  bool draining_ = false;
};

}  // namespace gatehouse::tunnel
