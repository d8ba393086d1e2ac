// The part of an exchange that is different where the backend speaks HTTP/2: a stream of a connection that others
// share instead of a connection, and what its failures prove.
#include <algorithm>

#include "proxy/connect_io.h"
#include "proxy/exchange_io.h"
#include "proxy/http/grpc.h"

namespace gatehouse::proxy {
namespace {

using Made = Result<std::unique_ptr<BackendConnection>>;
using http2::BackendStream;

constexpr LoopTime look_ms = 10;  // for places that others release

}  // namespace

// Makes a connection to the endpoint, for this exchange and those that come behind it; or waits for another who does.
Task<Status> Exchange::open_h2() {
  H2Connections& all = worker_.h2_backends;
  const std::uint32_t id = endpoint_->live->id;
  const LoopTime deadline = worker_.loop.now() + policy_->connect_timeout.count();
  H2Connections::Waiter waiter(client_.waker);
  if (is_shared() && all.join(id, waiter)) {
    while (waiter.linked()) {
      const Waker::Why why = co_await client_.waker.sleep(deadline);
      if (!waiter.linked()) break;
      if (why == Waker::Why::deadline || client_.stream.failed()) {
        all.leave(id, waiter);
        co_return Error{Errc::timed_out, "HTTP/2: no connection in time", Side::backend};
      }
    }
    if (waiter.failed) co_return *waiter.failed;
    co_return Done{};
  }
  const ConnectRequest request{*endpoint_, *pool_, policy_->connect_timeout, &client_, asking(), head_.host_name()};
  all.begin_connect(id);
  Made made = co_await connect_backend(worker_, client_.waker, request);
  Result<H2Connection*> opened = made ? Result<H2Connection*>(nullptr) : Result<H2Connection*>(made.error());
  if (made) {
    worker_.counters.backend_connects.add();
    opened = co_await all.adopt(std::move(*made), client_.waker, deadline);
  }
  if (opened) {
    backend_ = (*opened)->open(!repeatable());
    if (!is_shared()) (*opened)->retire();
  }
  all.end_connect(id, opened ? nullptr : &opened.error());
  if (!opened) co_return opened.error();
  if (!backend_) co_return Error{Errc::unavailable, "HTTP/2: the endpoint takes no streams", Side::backend};
  co_return Done{};
}

// As make_connection(), of which this is the counterpart.
Task<Made> Exchange::make_stream() {
  const LoopTime deadline = std::min(worker_.loop.now() + pool_->service->queue.wait.count(), total_due());
  for (;;) {
    if (is_shared()) backend_ = worker_.h2_backends.open(endpoint_->live->id, !repeatable());
    if (backend_) co_return Made(std::move(backend_));
    const Status opened = co_await open_h2();
    if (opened) continue;
    const Error& failed = opened.error();
    if (failed.side != Side::self) co_return failed;
    if (failed.code != Errc::limit) {
      if (worker_.backends.idle() == 0) co_return failed;
      worker_.backends.close_all();
      continue;
    }
    if (worker_.loop.now() >= deadline || client_.stream.failed()) co_return failed;
    worker_.shared.close_idle(endpoint_->live->id);
    co_await client_.waker.sleep(std::min(deadline, worker_.loop.now() + look_ms));
  }
}

// A WebSocket needs RFC 8441 on the other side. False: refused.
bool Exchange::may_carry_upgrade() {
  if (!backend_->h2 || !admission_.upgrade || !head_.websocket || backend_->h2->allows_websocket()) return true;
  attempt_ = Attempt::failed;
  refuse(502, http::Termination::backend_malformed,
         "the backend takes no WebSockets over HTTP/2 (RFC 8441); give the service protocol=http or https");
  return false;
}

// For certain (RFC 9113 8.7): then any request may be sent again.
bool Exchange::was_not_processed() const {
  return backend_ && backend_->h2 && backend_->h2->fault() == BackendStream::Fault::not_processed;
}

// What the end of the backend's bytes means.
Exchange::Fault Exchange::loss() const {
  const bool malformed = backend_->h2 && backend_->h2->fault() == BackendStream::Fault::malformed;
  return malformed ? Fault::malformed : Fault::closed;
}

bool Exchange::is_grpc() const {
  return head_complete_ && http::is_grpc(head_.value_of(http::FieldId::content_type));
}

// A call's messages come when they come: no rate can be asked of them, and no silence but the route's idle_timeout.
bool Exchange::speaks_grpc() const { return over_http2() && is_grpc(); }

}  // namespace gatehouse::proxy
