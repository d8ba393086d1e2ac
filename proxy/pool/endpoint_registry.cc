#include "proxy/pool/endpoint_registry.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "proxy/pool/hash.h"

namespace gatehouse::pool {
namespace {

std::string channel_of(const conf::Service& service, bool through) {
  std::string text = std::to_string(static_cast<int>(service.protocol));
  text += static_cast<char>('a' + static_cast<int>(service.send_proxy));
  if (conf::over_tls(service.protocol)) {
    text += service.tls_verify ? "verify" : "trust";
    for (const auto* part :
         {&service.tls_name, &service.tls_ca_file, &service.tls_certificate_file, &service.tls_key_file}) {
      text += '\0';
      text += *part;
    }
  }
  if (through) text += "through" + service.through.tunnel;
  return text;
}

}  // namespace

EndpointIdentity EndpointIdentity::of(const conf::Service& service, const conf::Instance& instance,
                                      const SocketAddress& address) {
  return {instance.datacenter, instance.node, instance.id, address,
          channel_of(service, service.leads_through(instance))};
}

std::uint64_t EndpointIdentity::key() const {
  // Without the channel: a service that turns to TLS keeps its keys at their endpoints.
  std::uint64_t h = hash_bytes(datacenter);
  h = hash_bytes(node, h);
  h = hash_bytes(service_id, h);
  const auto* bytes = reinterpret_cast<const char*>(address.ip.bytes.data());
  return hash_bytes({bytes, address.ip.bytes.size()}, h ^ address.port);
}

std::shared_ptr<EndpointState> EndpointRegistry::acquire(const EndpointIdentity& identity, Health health,
                                                         std::int64_t now_ms) {
  auto [place, fresh] = states_.try_emplace(identity);
  Entry& entry = place->second;
  if (auto living = entry.state.lock()) return living;
  if (fresh) entry.id = take_id();  // else the dead one's id is free again, and this is its place
  auto state = std::make_shared<EndpointState>(entry.id);
  state->health.store(health, std::memory_order_relaxed);
  state->since_ms.store(now_ms, std::memory_order_relaxed);
  state->healthy_since_ms.store(now_ms, std::memory_order_relaxed);
  entry.state = state;
  return state;
}

void EndpointRegistry::forget_dead() {
  std::erase_if(states_, [this](const auto& item) {
    if (!item.second.state.expired()) return false;
    free_ids_.push_back(item.second.id);
    std::push_heap(free_ids_.begin(), free_ids_.end(), std::greater<>());
    return true;
  });
}

std::uint32_t EndpointRegistry::take_id() {
  if (free_ids_.empty()) return next_id_++;
  std::pop_heap(free_ids_.begin(), free_ids_.end(), std::greater<>());
  const auto id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

std::vector<const conf::HealthCheck*> checks_of(const conf::Service& service, const conf::Instance& instance) {
  std::vector<const conf::HealthCheck*> checks;
  // Who is held is served because it answers, whatever else is asked of it.
  for (const auto& check : instance.checks)
    if (!service.health_none || !instance.held.empty()) checks.push_back(&check);
  if (service.health_none) return checks;
  if (service.health) checks.push_back(&*service.health);
  return checks;
}

Health first_health(const std::vector<const conf::HealthCheck*>& checks) {
  Health worst = Health::up;
  for (const auto* check : checks) worst = worse(worst, initially(*check));
  return worst;
}

Health initially(const conf::HealthCheck& check) {
  if (check.initial == "passing") return Health::up;
  if (check.initial == "warning") return Health::warning;
  return check.kind == conf::HealthCheck::Kind::ttl ? Health::down : Health::unknown;
}

}  // namespace gatehouse::pool
