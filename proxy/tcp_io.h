// tcp_io.h: one TCP session: a client's connection carried to an endpoint of a service, byte for byte.
//   Order    the client's address is judged before anything of it is read; where services share an address, its
//            ClientHello is read first, and replayed to whoever gets the connection. Then an endpoint by the
//            service's policy, another one should the connection fail, the PROXY header, and bytes both ways.
//   End      each direction ends by itself: an end on one side becomes an end on the other, and the other direction
//            goes on. A reset, a withdrawn endpoint or the door's own end cut both sides with a reset, so that nobody
//            takes it for an end.
//   Limits   idle_timeout and total_timeout of the service; no slab while nothing moves. A peer that is gone without
//            a word is found by keep-alives, which begin once a session has been silent.
//   Threads  the worker's own.
#pragma once

#include "net/client_hello.h"
#include "net/relay.h"
#include "net/task.h"
#include "proxy/client_io.h"
#include "proxy/http/access_log.h"
#include "proxy/pool/pick.h"
#include "proxy/pool/tried.h"
#include "proxy/tcp_table.h"

namespace gatehouse::proxy {

class TcpSession : public Pooled {
 public:
  explicit TcpSession(ClientConnection& client);

  // False: this connection is for the TLS listener it came through; what was read of it stands in client.in.
  Task<bool> run();

 private:
  enum class Hello { none, read, silence, gone };

  Task<bool> choose_service();
  bool end_unheard(Hello hello, bool shared);
  Task<Hello> read_hello();
  bool take(const std::optional<TcpTarget>& target);
  bool admits(const World& world) const;
  Task<bool> reach_endpoint();
  pool::Outcome pick_endpoint();
  Task<pool::Outcome> wait_for_endpoint(pool::Outcome outcome);
  Task<Result<std::unique_ptr<BackendConnection>>> make_connection();
  Task<bool> connect();
  bool may_try_again();
  Task<> relay();
  void move_bytes();
  bool is_over();
  LoopTime next_look() const;
  void look_after_silence();
  void count_bytes();
  void release_endpoint();
  void write_log();

  pool::ServiceShard& shard() { return pool_->stats->shard(worker_.index); }
  LoopTime idle_due() const;

  ClientConnection& client_;
  Worker& worker_;
  std::shared_ptr<const Settings> settings_;
  PoolPtr pool_;
  const conf::TcpEntry* entry_ = nullptr;  // of pool_'s service
  std::optional<HostName> name_;           // that the ClientHello asks for
  const pool::Endpoint* endpoint_ = nullptr;
  std::unique_ptr<BackendConnection> backend_;
  pool::Tried tried_;
  pool::Failure failure_ = pool::Failure::none;  // of a connection
  bool queue_was_full_ = false;

  bool unheard_ = false;  // ended before it asked for anybody

  Relay up_, down_;
  Relay::State up_state_ = Relay::State::blocked, down_state_ = Relay::State::blocked;
  std::uint64_t moved_seen_ = 0, in_counted_ = 0, out_counted_ = 0;
  LoopTime progress_at_ = 0;
  bool kept_alive_ = false, was_cut_ = false;

  std::uint64_t started_us_, connect_us_ = 0;
  http::Termination termination_ = http::Termination::ok;
};

}  // namespace gatehouse::proxy
