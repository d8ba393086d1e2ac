// h2_connection_io.h: a connection of HTTP/2 to an endpoint, shared by exchanges of its worker; and those of a
//   worker.
//   Each connection is a story of its own: reads, and says what its streams have given it, once a turn. One that
//   carries streams and hears nothing for silence_ms is asked by a PING, gets no new ones until it answers, and is
//   lost if it doesn't for as long again; at most once in ping_pause_ms, since servers of gRPC end who asks oftener.
//   One that carries none goes after the pool's idle time, with a GOAWAY. An exchange gets a stream on the connection
//   that has room and is the fullest, so that few carry all. Where there is none, one exchange connects and those
//   behind it wait for that, as many as it will have room for.
//   Limits  streams of a connection (ours and the backend's), connections by the endpoint's max_connections; what
//           waits to be sent is one large slab a connection. Threads: the worker's.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "net/counter.h"
#include "net/result.h"
#include "net/task.h"
#include "proxy/backend/connection_pool.h"
#include "proxy/http2/backend_session.h"

namespace gatehouse::proxy {

struct H2Counters {
  Counter h2_backend_connections, h2_backend_connections_open;
  Counter h2_backend_connections_broken;  // because the backend broke HTTP/2, or was too odd
  Counter h2_backend_streams, h2_backend_streams_refused, h2_backend_streams_reset, h2_backend_replays;
};

class H2Connections;

class H2Connection final : public Pooled, public ListNode, private http2::BackendSession::Owner {
 public:
  static constexpr LoopTime silence_ms = 15'000, ping_pause_ms = 305'000;

  H2Connection(H2Connections& all, std::unique_ptr<BackendConnection> carrier);
  ~H2Connection();

  bool ready() const { return session_.ready(); }
  bool has_room() const { return session_.has_room() && !retired_ && !asked_; }
  unsigned streams() const { return session_.in_use(); }
  bool idle() const { return session_.idle(); }
  std::unique_ptr<BackendConnection> open(bool once);  // `once`: its request may not be repeated
  void retire();                                       // takes no more streams, and goes when the last is over
  std::uint32_t endpoint_id() const { return carrier_->endpoint->id; }

 private:
  friend class H2Connections;
  void has_output() override { waker_.signal(); }
  Task<> story();
  bool read_all(bool& more);
  bool write_all();
  bool send_unsent();
  void end();
  void note_counts();
  LoopTime next_deadline() const;
  bool deadline_passed();
  void note_idleness();

  H2Connections& all_;
  std::unique_ptr<BackendConnection> carrier_;
  http2::BackendSession session_;
  Waker waker_;
  Waker* settling_ = nullptr;
  Buffer unsent_;
  LoopTime heard_at_, idle_since_, asked_at_ = 0, ping_after_ = 0;
  bool asked_ = false;  // by a PING that is not answered yet
  bool over_ = false, retired_ = false, busy_ = false;
  Task<> story_;
};

class H2Connections {
 public:
  using Limits = http2::BackendSession::Limits;

  // One who waits for a connection that another one makes. `failed` once that came to nothing.
  struct Waiter : ListNode {
    explicit Waiter(Waker& its_waker) : waker(its_waker) {}
    Waker& waker;
    std::optional<Error> failed;
  };

  H2Connections(Loop& loop, BufferPool& buffers, H2Counters& counters)
      : loop_(loop), buffers_(buffers), counters_(counters) {}
  ~H2Connections() { close_all(); }

  void set_limits(Limits limits, LoopTime idle_ms) { limits_ = limits, idle_ms_ = idle_ms; }
  std::unique_ptr<BackendConnection> open(std::uint32_t endpoint_id, bool once);
  // Behind those who connect now, if they will have room.
  bool join(std::uint32_t endpoint_id, Waiter& waiter);
  void leave(std::uint32_t endpoint_id, Waiter& waiter);
  void begin_connect(std::uint32_t endpoint_id) { ++of(endpoint_id).connecting; }
  void end_connect(std::uint32_t endpoint_id, const Error* failed);
  // Begins the story of a connection that stands; done once its backend has shown, by its SETTINGS, that it speaks
  // so.
  Task<Result<H2Connection*>> adopt(std::unique_ptr<BackendConnection> carrier, Waker& waker, LoopTime deadline);

  bool close_one_idle(std::uint32_t endpoint_id);
  unsigned close_idle();
  void close_all();
  void leave_endpoint(std::uint32_t endpoint_id);  // its connections take no more
  // Destroys those that are over. Called when no story is on the stack.
  void sweep() { over_.clear(); }

 private:
  friend class H2Connection;
  struct PerEndpoint {
    ListNode connections, waiters;
    unsigned connecting = 0, waiting = 0;
  };
  PerEndpoint& of(std::uint32_t endpoint_id);
  void forget(H2Connection& connection);

  Loop& loop_;
  BufferPool& buffers_;
  H2Counters& counters_;
  Limits limits_;
  LoopTime idle_ms_ = 30'000;
  std::deque<PerEndpoint> by_endpoint_;  // by EndpointState::id
  std::vector<std::unique_ptr<H2Connection>> over_;
};

}  // namespace gatehouse::proxy
