#include "cli/policy_words.h"

#include <array>

#include "conf/service_keys.h"
#include "conf/values.h"

namespace gatehouse::cli {
namespace {

using conf::duration_text;

class Words {
 public:
  explicit Words(std::string_view first) : text_(first) {}
  void add(bool unless_default, std::string_view key, std::string_view value) {
    if (unless_default) text_.append(", ").append(key).append("=").append(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string hash_words(const conf::HashOn& on) {
  constexpr std::array<const char*, 4> kinds = {"client", "header:", "cookie:", "path"};
  return kinds[static_cast<std::size_t>(on.kind)] + on.name;
}

std::string health_words(const conf::HealthCheck& check) {
  constexpr std::array<const char*, 6> kinds = {"http", "tcp", "grpc", "h2ping", "ttl", "redis"};
  std::string out = kinds[static_cast<std::size_t>(check.kind)];
  if (check.kind == conf::HealthCheck::Kind::http) {
    if (check.tls) out += 's';
    if (check.port != 0) out += ":" + std::to_string(check.port);
    out += check.path;
  }
  return out + " interval=" + duration_text(check.interval);
}

std::string eject_words(const conf::Eject& eject) {
  std::string out;
  if (eject.errors != 0) out += "errors=" + std::to_string(eject.errors);
  if (eject.slow != 0) out += (out.empty() ? "slow=" : " slow=") + std::to_string(eject.slow);
  return out;
}

}  // namespace

std::string compress_words(const conf::Compress& compress) {
  std::string out;
  for (const conf::ContentCoding coding : compress.codings)
    out.append(out.empty() ? "" : " ").append(name_of(coding));
  return out;
}

std::string policy_words(const conf::Service& service) {
  const conf::Service usual;
  Words words(name_of(service.balance));
  words.add(service.hash_on != usual.hash_on, "hash_on", hash_words(service.hash_on));
  words.add(service.protocol != usual.protocol, "protocol", name_of(service.protocol));
  words.add(!service.sticky_cookie.empty(), "sticky", "cookie:" + service.sticky_cookie);
  if (service.health) words.add(true, "health", health_words(*service.health));
  words.add(service.health_none, "health", "none");
  words.add(service.single, "single", "true");
  words.add(service.eject.errors != 0 || service.eject.slow != 0, "eject", eject_words(service.eject));
  words.add(service.zone != usual.zone, "zone", name_of(service.zone));
  words.add(!service.failover.datacenter.empty(), "failover", service.failover.datacenter);
  words.add(service.slow_start != usual.slow_start, "slow_start", duration_text(service.slow_start));
  words.add(service.drain_time != usual.drain_time, "drain_time", duration_text(service.drain_time));
  words.add(service.on_unhealthy != usual.on_unhealthy, "on_unhealthy", name_of(service.on_unhealthy));
  words.add(service.on_return != usual.on_return, "on_return", name_of(service.on_return));
  words.add(service.queue != usual.queue, "queue",
            std::to_string(service.queue.length) + "," + duration_text(service.queue.wait));
  words.add(service.send_proxy != usual.send_proxy, "send_proxy", name_of(service.send_proxy));
  words.add(service.forwarded != usual.forwarded, "forwarded", name_of(service.forwarded));
  words.add(!service.host.empty(), "host", service.host);
  words.add(!service.tls_verify, "tls_verify", "false");
  return words.take();
}

}  // namespace gatehouse::cli
