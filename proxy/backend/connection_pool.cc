#include "proxy/backend/connection_pool.h"

#include <algorithm>

namespace gatehouse::proxy {

BackendConnection::BackendConnection(std::shared_ptr<pool::EndpointState> state) : endpoint(std::move(state)) {}

BackendConnection::~BackendConnection() {
  if (!h2) pool::end_connection(*endpoint);
}

std::unique_ptr<BackendConnection> ConnectionPool::take(std::uint32_t endpoint_id) {
  if (endpoint_id >= by_endpoint_.size()) return nullptr;
  PerEndpoint& pool = by_endpoint_[endpoint_id];
  while (pool.count > 0) {
    auto& connection = static_cast<BackendConnection&>(*pool.connections.previous);
    if (connection.idle_until <= loop_.now()) {  // the backend may be closing it at this moment
      drop(connection);
      continue;
    }
    connection.unlink();
    connection.stream.socket.set_idle_event(nullptr, nullptr);
    --pool.count;
    --idle_;
    connection.link_before(pool.used);
    return std::unique_ptr<BackendConnection>(&connection);
  }
  return nullptr;
}

ConnectionPool::PerEndpoint& ConnectionPool::of(std::uint32_t endpoint_id) {
  while (endpoint_id >= by_endpoint_.size()) by_endpoint_.emplace_back();
  return by_endpoint_[endpoint_id];
}

void ConnectionPool::know(BackendConnection& fresh) { fresh.link_before(of(fresh.endpoint->id).used); }

void ConnectionPool::on_idle_event(void* context) {
  auto& connection = *static_cast<BackendConnection*>(context);
  if (connection.stream.tls) {
    // TLS 1.3 tickets come unasked and are no answer; anything else is.
    char byte;
    if (connection.stream.receive(&byte, 1).again()) return;
  }
  connection.pool->drop(connection);
}

void ConnectionPool::give(std::unique_ptr<BackendConnection> connection) {
  PerEndpoint& pool = of(connection->endpoint->id);
  if (connection->last_use || pool.count >= limits_.idle_per_endpoint || !connection->stream.looks_idle() ||
      connection->idle_limit == 0)
    return;
  BackendConnection& kept = *connection.release();
  kept.pool = this;
  kept.stream.set_waker(nullptr);
  kept.stream.socket.set_idle_event(on_idle_event, &kept);
  kept.idle_until = loop_.now() + std::min(limits_.idle_ms, kept.idle_limit);
  kept.unlink();
  kept.link_before(pool.connections);
  ++pool.count;
  ++idle_;
}

void ConnectionPool::drop(BackendConnection& connection) {
  --by_endpoint_[connection.endpoint->id].count;
  --idle_;
  connection.unlink();
  delete &connection;
}

void ConnectionPool::reap() {
  for (PerEndpoint& pool : by_endpoint_) {
    ListNode* node = pool.connections.next;
    while (node != &pool.connections) {
      auto& connection = static_cast<BackendConnection&>(*node);
      node = node->next;
      if (connection.idle_until <= loop_.now()) drop(connection);
    }
  }
}

void ConnectionPool::close_one(std::uint32_t endpoint_id) {
  if (endpoint_id >= by_endpoint_.size()) return;
  ListNode& list = by_endpoint_[endpoint_id].connections;
  if (list.linked()) drop(static_cast<BackendConnection&>(*list.next));
}

void ConnectionPool::close_endpoint(std::uint32_t endpoint_id) {
  if (endpoint_id >= by_endpoint_.size()) return;
  ListNode& list = by_endpoint_[endpoint_id].connections;
  while (list.linked()) drop(static_cast<BackendConnection&>(*list.next));
}

void ConnectionPool::leave_endpoint(std::uint32_t endpoint_id) {
  close_endpoint(endpoint_id);
  ListNode& used = of(endpoint_id).used;
  for (ListNode* node = used.next; node != &used; node = node->next)
    static_cast<BackendConnection&>(*node).last_use = true;
}

void ConnectionPool::withdraw_endpoint(std::uint32_t endpoint_id) {
  leave_endpoint(endpoint_id);
  ListNode& used = of(endpoint_id).used;
  for (ListNode* node = used.next; node != &used; node = node->next) {
    auto& connection = static_cast<BackendConnection&>(*node);
    connection.withdrawn = true;
    connection.stream.wake();
  }
}

void ConnectionPool::close_all() {
  for (std::uint32_t id = 0; id < by_endpoint_.size(); ++id) close_endpoint(id);
}

}  // namespace gatehouse::proxy
