#include "proxy/mirror_io.h"

#include "proxy/connect_io.h"
#include "proxy/worker_io.h"

namespace gatehouse::proxy {

struct Mirrors::Copy {
  Copy(Worker& home, PoolPtr to, const pool::Endpoint& chosen, std::string_view name)
      : worker(home), pool(std::move(to)), endpoint(chosen), host(name), waker(home.loop), task(story()) {}
  ~Copy() {
    if (!done) end();
  }

  void end() {
    done = true;
    pool::end_request(endpoint);
    pool->stats->shard(worker.index).line.wake_oldest();
  }

  Task<> story() {
    const LoopTime deadline = worker.loop.now() + copy_ms;
    bool good = false;
    connection = worker.backends.take(endpoint.live->id);
    if (!connection) {
      const ConnectRequest wanted{endpoint, *pool, 2s, nullptr, {}, host};
      Result<std::unique_ptr<BackendConnection>> made = co_await connect_backend(worker, waker, wanted);
      if (made) {
        connection = std::move(*made);
        worker.backends.know(*connection);
      }
    }
    if (connection) {
      const Status asked = co_await ask_aside(worker, waker, *connection, request.view(), deadline, 0, answer);
      good = static_cast<bool>(asked);
      if (good && answer.reusable) {
        ++connection->requests;
        worker.backends.give(std::move(connection));
      }
      connection.reset();
    }
    if (!good) worker.mirrors.failed.add();
    end();
  }

  Worker& worker;
  const PoolPtr pool;
  const pool::Endpoint& endpoint;
  const std::string host;
  Waker waker;
  Buffer request;
  SideAnswer answer;
  std::unique_ptr<BackendConnection> connection;
  bool done = false;
  Task<> task;
};

Mirrors::Mirrors(Worker& worker) : worker_(worker) {}
Mirrors::~Mirrors() = default;

void Mirrors::send(PoolPtr to, std::string_view request, std::string_view host) {
  reap();
  pool::PickContext context;
  context.dice = worker_.dice.roll();
  context.now_ms = static_cast<std::int64_t>(worker_.loop.now());
  context.cursor = &to->stats->shard(worker_.index).cursor;
  const pool::Pick picked = copies_.size() < copies_max ? pool::pick(to->endpoints, context) : pool::Pick{};
  // A PROXY header would tell of a client that may be gone; and copies are HTTP/1.1.
  const bool proxied = to->service->send_proxy != conf::SendProxy::none || conf::over_http2(to->service->protocol);
  if (proxied || worker_.buffers.full() || picked.outcome != pool::Outcome::picked ||
      !pool::begin_request(*picked.endpoint))
    return dropped.add();
  auto copy = std::make_unique<Copy>(worker_, std::move(to), *picked.endpoint, host);
  copy->request = worker_.buffers.take(request.size() > BufferPool::small - Buffer::headroom - Buffer::tailroom
                                           ? BufferPool::large
                                           : BufferPool::small);
  copy->request.append(request);
  sent.add();
  copies_.push_back(std::move(copy));
  copies_.back()->task.start();
}

void Mirrors::clear() { copies_.clear(); }

void Mirrors::reap() {
  std::erase_if(copies_, [](const std::unique_ptr<Copy>& copy) { return copy->done; });
}

}  // namespace gatehouse::proxy
