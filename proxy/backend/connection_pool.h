// connection_pool.h: the connections of one worker to the endpoints, and what a connection is.
//   Idle ones are kept per endpoint, last in first out; those in use are only known, so that they can be withdrawn:
//   their exchanges are woken and end. An idle connection stays registered: when its backend closes it, or says
//   anything unasked, it is gone at once. Limits: idle ones per endpoint, idle time (the backend's own Keep-Alive
//   hint less a second, if that is shorter). Never shared between threads.
#pragma once

#include <deque>
#include <memory>

#include "net/frame_pool.h"
#include "net/stream.h"
#include "proxy/http2/backend_stream.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::proxy {

class ConnectionPool;

// Over HTTP/2 it is a stream, `h2`, of a connection that others share (h2_connection_io.h).
struct BackendConnection : Pooled, ListNode {
  // The place that begin_connection counted is ours, and given back at the end; a stream has none.
  explicit BackendConnection(std::shared_ptr<pool::EndpointState> state);
  ~BackendConnection();

  std::unique_ptr<http2::BackendStream> h2;  // the stream's lane; null over HTTP/1.1
  Stream stream;
  std::shared_ptr<pool::EndpointState> endpoint;
  ConnectionPool* pool = nullptr;  // while idle
  LoopTime idle_until = 0;
  LoopTime idle_limit = never;  // by the backend's hint
  unsigned requests = 0;        // answered so far: 0 on a fresh one
  bool last_use = false;        // not to be kept
  bool withdrawn = false;       // the endpoint is to be left now
  bool large_answers = false;   // the last one did not fit a small slab: read the next into a large one
};

class ConnectionPool {
 public:
  struct Limits {
    unsigned idle_per_endpoint = 64;
    LoopTime idle_ms = 30'000;
  };

  ConnectionPool(Loop& loop, Limits limits) : loop_(loop), limits_(limits) {}
  ~ConnectionPool() { close_all(); }

  std::unique_ptr<BackendConnection> take(std::uint32_t endpoint_id);
  void know(BackendConnection& fresh);  // one in use that was not taken here
  void give(std::unique_ptr<BackendConnection> connection);
  void set_limits(Limits limits) { limits_ = limits; }
  // Closes what idled too long. Called about once a second.
  void reap();
  void close_one(std::uint32_t endpoint_id);  // the one that idles longest
  void close_all();
  void leave_endpoint(std::uint32_t endpoint_id);     // closes the idle ones, and keeps none of the others
  void withdraw_endpoint(std::uint32_t endpoint_id);  // the same, and ends what uses the others
  std::size_t idle() const { return idle_; }

 private:
  struct PerEndpoint {
    ListNode connections;  // the idle ones; the last given is the last linked
    ListNode used;
    unsigned count = 0;  // of the idle ones
  };
  static void on_idle_event(void* context);
  void close_endpoint(std::uint32_t endpoint_id);
  void drop(BackendConnection& connection);
  PerEndpoint& of(std::uint32_t endpoint_id);

  Loop& loop_;
  Limits limits_;
  std::deque<PerEndpoint> by_endpoint_;  // by EndpointState::id; a deque: the list heads must not move
  std::size_t idle_ = 0;
};

}  // namespace gatehouse::proxy
