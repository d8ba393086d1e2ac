#include "cli/status.h"

#include <array>
#include <chrono>
#include <span>

#include "cli/ban_view.h"
#include "cli/policy_words.h"
#include "cli/text.h"
#include "cli/tunnel_view.h"
#include "conf/claims.h"
#include "proxy/pool/panic.h"
#include "proxy/pool/selection.h"

namespace gatehouse::cli {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::size_t bans_shown = 10;

template <class T>
T load(const std::atomic<T>& value) {
  return value.load(std::memory_order_relaxed);
}

json::array strings(const auto& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

std::int64_t ms_of(WallTime time) { return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count(); }

json::array listeners_json(const conf::Config& config) {
  json::array out;
  for (const conf::Listen& listen : config.listen) {
    json::object each{{"name", listen.name}, {"address", listen.address.text()}, {"tls", listen.tls}};
    if (!listen.proxy_protocol.empty()) {
      json::array from;
      for (const IpPrefix& prefix : listen.proxy_protocol) from.emplace_back(prefix.text());
      each["proxy_protocol"] = std::move(from);
    }
    if (!listen.only.empty()) each["only"] = strings(listen.only);
    out.push_back(std::move(each));
  }
  return out;
}

json::array routes_json(const conf::Service& service) {
  json::array out;
  for (const conf::Route& route : service.routes) {
    json::object each{{"match", route.match.text()}, {"spelling", conf::spelling_text(route)}};
    if (!route.at.file.empty()) each["at"] = route.at.file + ":" + std::to_string(route.at.line);
    if (route.policy.files) each["files"] = route.policy.files->folder;
    if (route.policy.compress.on()) each["compress"] = compress_words(route.policy.compress);
    if (route.policy.redirect) each["redirect"] = route.policy.redirect->url;
    if (!route.refused.empty()) each["refused"] = route.refused;
    out.push_back(std::move(each));
  }
  return out;
}

json::array tcp_json(const conf::Service& service) {
  json::array out;
  for (const conf::TcpEntry& entry : service.tcp) {
    json::object each{{"address", entry.address.text()}, {"spelling", entry.spelling}};
    if (!entry.sni.empty()) each["sni"] = entry.sni;
    if (!entry.at.file.empty()) each["at"] = entry.at.file + ":" + std::to_string(entry.at.line);
    if (!entry.refused.empty()) each["refused"] = entry.refused;
    out.push_back(std::move(each));
  }
  return out;
}

std::string_view result_name(pool::CheckResult result) {
  constexpr std::array<std::string_view, 3> names = {"passing", "warning", "critical"};
  return names[static_cast<std::size_t>(result)];
}

json::array checks_json(const pool::Endpoint& endpoint, const DoorView& view) {
  json::array out;
  if (!view.checks || !endpoint.checked) return out;
  for (const pool::CheckView& check : view.checks(endpoint.live->id))
    out.push_back(json::object{{"check", check.check},
                               {"result", result_name(check.result)},
                               {"output", printable(check.output)},
                               {"at", utc_text(check.at_ms)}});
  return out;
}

json::object endpoint_json(const pool::Endpoint& endpoint, const DoorView& view) {
  const pool::EndpointState& live = *endpoint.live;
  json::object out{{"name", endpoint.name},
                   {"address", endpoint.address.text()},
                   {"health", pool::name_of(pool::health_of(endpoint))},
                   {"weight", endpoint.weight},
                   {"in_flight", load(live.requests)},
                   {"connections", load(live.connections)},
                   {"requests", load(live.requests_total)},
                   {"failures", load(live.failures_total)},
                   {"connect_failures", load(live.connect_failures_total)},
                   {"bytes_in", load(live.bytes_in_total)},
                   {"bytes_out", load(live.bytes_out_total)},
                   {"backup", endpoint.backup},
                   {"maintenance", endpoint.maintenance},
                   {"draining", load(live.draining_since_ms) != 0}};
  const std::int64_t since = load(live.since_ms), ejected_until = load(live.ejected_until_ms);
  if (since != 0) {
    out["since"] = utc_text(view.wall_ms - (view.steady_ms - since));
    out["since_ms"] = view.steady_ms - since;
  }
  if (ejected_until > view.steady_ms)
    out["ejected_until"] = utc_text(view.wall_ms + (ejected_until - view.steady_ms));
  if (endpoint.max_requests != 0) out["max_requests"] = endpoint.max_requests;
  if (endpoint.max_connections != 0) out["max_connections"] = endpoint.max_connections;
  if (const pool::Failure failure = load(live.last_failure); failure != pool::Failure::none)
    out["last_failure"] = pool::name_of(failure);
  if (const std::string words = standing_words(endpoint, view.steady_ms); !words.empty()) out["out"] = words;
  if (pool::health_of(endpoint) != pool::Health::up) out["reason"] = printable(health_reason(endpoint, view));
  if (json::array checks = checks_json(endpoint, view); !checks.empty()) out["checks"] = std::move(checks);
  return out;
}

json::object totals_json(const pool::ServiceStats& stats) {
  const auto sum = [&stats](auto of) {
    std::uint64_t total = 0;
    for (const pool::ServiceShard& shard : stats.shards()) total += of(shard).value();
    return total;
  };
  json::object responses;
  constexpr std::array classes = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < classes.size(); ++i)
    responses[classes[i]] =
        sum([i](const pool::ServiceShard& shard) -> const Counter& { return shard.responses[i]; });
  json::array bounds(pool::latency_bounds_ms.begin(), pool::latency_bounds_ms.end()), counts;
  for (std::size_t i = 0; i <= pool::latency_bounds_ms.size(); ++i)
    counts.push_back(sum([i](const pool::ServiceShard& shard) -> const Counter& { return shard.latency[i]; }));
  using Shard = const pool::ServiceShard&;
  return {{"responses", std::move(responses)},
          {"aborted", sum([](Shard shard) -> const Counter& { return shard.aborted; })},
          {"retries", sum([](Shard shard) -> const Counter& { return shard.retries; })},
          {"auth_refused", sum([](Shard shard) -> const Counter& { return shard.auth_refused; })},
          {"auth_failed", sum([](Shard shard) -> const Counter& { return shard.auth_failed; })},
          {"latency", json::object{{"bounds_ms", std::move(bounds)}, {"counts", std::move(counts)}}},
          {"queued", load(stats.queued)},
          {"bytes_in", sum([](Shard shard) -> const Counter& { return shard.bytes_in; })},
          {"bytes_out", sum([](Shard shard) -> const Counter& { return shard.bytes_out; })},
          {"tcp_sessions", sum([](Shard shard) -> const Counter& { return shard.sessions; })},
          {"tcp_sessions_failed", sum([](Shard shard) -> const Counter& { return shard.sessions_failed; })}};
}

json::array services_json(const DoorView& view) {
  json::array out;
  for (const proxy::PoolPtr& pool : view.world.pools()) {
    json::object each{{"name", pool->service->name},
                      {"policy", policy_words(*pool->service)},
                      {"drained", view.drained.contains(pool->service->name)},
                      {"panic", pool::in_panic(pool->endpoints)},
                      {"routes", routes_json(*pool->service)},
                      {"tcp", tcp_json(*pool->service)}};
    json::array endpoints;
    for (const pool::Endpoint& endpoint : pool->endpoints.endpoints())
      endpoints.push_back(endpoint_json(endpoint, view));
    for (const pool::Endpoint& endpoint : pool->standby) {
      json::object standby = endpoint_json(endpoint, view);
      standby["out"] = "stands by in " + endpoint.instance->datacenter;
      endpoints.push_back(std::move(standby));
    }
    if (const std::int64_t until = load(pool->stats->maintenance_until_ms); until > view.wall_ms) {
      each["maintenance"] = true;
      if (until != std::numeric_limits<std::int64_t>::max()) each["maintenance_until"] = utc_text(until);
    }
    if (!pool->service->datacenter.empty()) each["datacenter"] = pool->service->datacenter;
    if (const auto away = view.away.find(pool->service->name); away != view.away.end())
      each["failover"] = {{"datacenter", away->second.datacenter}, {"by_hand", away->second.by_hand}};
    each["endpoints"] = std::move(endpoints);
    for (auto& [name, value] : totals_json(*pool->stats)) each[name] = value;
    out.push_back(std::move(each));
  }
  return out;
}

// Whole days; negative once it has ended.
std::int64_t days_until(std::int64_t end_ms, std::int64_t now_ms) {
  const std::int64_t left = end_ms - now_ms;
  return left < 0 ? -((-left + day_ms - 1) / day_ms) : left / day_ms;
}

json::array certificates_json(const DoorView& view) {
  constexpr std::array<const char*, 3> keys = {"ecdsa", "rsa", "ed25519"};
  json::array out;
  for (const NamedCertificate& each : view.world.certificates().all()) {
    const Certificate& certificate = *each.certificate;
    const std::int64_t ends = ms_of(certificate.not_after);
    json::array names = strings(certificate.names);
    for (const IpAddress& address : certificate.addresses) names.emplace_back(address.text());
    out.push_back(json::object{{"name", each.name},
                               {"names", std::move(names)},
                               {"key", keys[static_cast<std::size_t>(certificate.key_type)]},
                               {"issuer", printable(certificate.issuer)},
                               {"fingerprint", certificate.fingerprint_text()},
                               {"not_after", utc_text(ends)},
                               {"days_left", days_until(ends, view.wall_ms)}});
    if (certificate.placeholder) out.back().get_object()["placeholder"] = true;
  }
  return out;
}

json::array consul_json(const DoorView& view) {
  json::array out;
  for (const catalog::ConsulSource::View& consul : view.consuls) {
    json::object each{{"datacenter", consul.datacenter},
                      {"address", consul.address},
                      {"trusted", consul.trusted},
                      {"registered", consul.canary.registers && consul.canary.seen},
                      {"leader", consul.canary.leader},
                      {"index", consul.index},
                      {"services", consul.services},
                      {"watched", consul.watched},
                      {"held", consul.held},
                      {"connections", consul.connections},
                      {"queries", consul.queries},
                      {"failures", consul.failures},
                      {"changes", consul.changes}};
    if (consul.canary.fresh_ms != 0)
      each["age_ms"] = std::max<std::int64_t>(0, view.wall_ms - consul.canary.fresh_ms);
    if (consul.good_at_ms != 0) each["good_at"] = utc_text(consul.good_at_ms);
    if (consul.fault != catalog::ConsulFault::none) each["fault"] = catalog::name_of(consul.fault);
    if (!consul.trouble.empty()) each["trouble"] = printable(consul.trouble);
    out.push_back(std::move(each));
  }
  return out;
}

json::object bans_json(const DoorView& view) {
  NewestBans found = newest_bans(view.guard->bans, view.steady_ms, view.wall_ms, bans_shown);
  return {{"count", found.live}, {"newest", std::move(found.newest)}};
}

json::array problems_json(const DoorView& view) {
  json::array out;
  for (const conf::Finding& finding : problems_of(view))
    out.push_back(json::object{{"severity", conf::name_of(finding.severity)}, {"text", printable(finding.text())}});
  return out;
}

json::object routing_json(const DoorView& view) {
  constexpr std::size_t waiting_most = 50;
  json::object out{{"table", view.table}};
  if (!view.frozen) return out;
  json::object frozen{{"since", utc_text(view.frozen->since_ms)}, {"by", view.frozen->by}};
  if (view.frozen->table != 0) frozen["at_table"] = view.frozen->table;
  const std::size_t shown = std::min(view.waiting.size(), waiting_most);
  frozen["waiting"] = strings(std::span(view.waiting).first(shown));
  frozen["waiting_more"] = view.waiting.size() - shown;
  out["frozen"] = std::move(frozen);
  return out;
}

std::string rest_cause(const pool::EndpointState& live) {
  if (load(live.last_failure) == pool::Failure::slow) return "slow answers";
  const unsigned refusals = load(live.consecutive_refusals);
  if (refusals != 0) return std::to_string(refusals) + " failed connection" + (refusals == 1 ? "" : "s");
  return "errors (" + std::string(pool::name_of(load(live.last_failure))) + ")";
}

}  // namespace

std::string standing_words(const pool::Endpoint& endpoint, std::int64_t steady_ms) {
  const pool::EndpointState& live = *endpoint.live;
  pool::PickContext context;
  context.now_ms = steady_ms;
  switch (pool::standing(endpoint, context)) {
    case pool::Standing::usable:
    case pool::Standing::tried: return {};
    case pool::Standing::busy: return "has all the requests it may have";
    case pool::Standing::unchecked: return "awaits its first check";
    case pool::Standing::ejected:
      return "rests after " + rest_cause(live) + ", is tried again in " +
             ago(load(live.ejected_until_ms) - steady_ms);
    case pool::Standing::out: break;
  }
  if (endpoint.maintenance) return "in maintenance";
  if (load(live.draining_since_ms) != 0) return "draining";
  if (pool::health_of(endpoint) == pool::Health::down) return "down";
  return endpoint.far && endpoint.weight == 0 ? "in another zone" : "weight 0";
}

std::string health_reason(const pool::Endpoint& endpoint, const DoorView& view) {
  const conf::Instance& instance = *endpoint.instance;
  std::string out;
  if (instance.catalog_health != conf::CatalogHealth::passing) out = instance.catalog_reason.text;
  if (view.checks)
    for (const pool::CheckView& check : view.checks(endpoint.live->id))
      if (check.result != pool::CheckResult::passing)
        out += (out.empty() ? "" : "; ") + check.check + ": " + check.output;
  if (!out.empty()) return out;
  const pool::Failure failure = load(endpoint.live->last_failure);
  return failure == pool::Failure::none ? "no check has answered yet" : std::string(pool::name_of(failure));
}

std::optional<Emergency> emergency_of(const proxy::ServicePool& pool) {
  const std::string& name = pool.service->name;
  if (pool::in_panic(pool.endpoints))
    return Emergency{{{}, name, "panic: no endpoint is healthy; those that the catalog calls passing are tried"},
                     "no panic any more"};
  const std::vector<const pool::Endpoint*> contenders = pool::contenders(pool.endpoints);
  if (!pool.service->single || contenders.size() < 2) return std::nullopt;
  std::string names;
  for (const pool::Endpoint* each : contenders) names += (names.empty() ? "" : ", ") + each->name;
  return Emergency{{{}, name, "single: more than one is healthy (" + names + "): nothing new until one is left"},
                   "no more than one primary again"};
}

conf::Findings problems_of(const DoorView& view) {
  conf::Findings out = view.certificate_findings;
  for (const proxy::PoolPtr& pool : view.world.pools())
    if (std::optional<Emergency> emergency = emergency_of(*pool)) out.push_back(std::move(emergency->finding));
  for (const conf::Findings* more : {&view.tcp_findings, &view.world.findings()})
    out.insert(out.end(), more->begin(), more->end());
  return out;
}

std::string serving_words(const DoorView& view) {
  std::string out;
  for (const conf::Listen& listen : view.config.listen)
    out += listen.name + " " + listen.address.text() + (listen.tls ? " (tls), " : ", ");
  for (const conf::TunnelAccept& accept : view.config.tunnel.accept)
    out += "tunnel " + (accept.name.empty() ? "" : accept.name + " ") + accept.address.text() + ", ";
  for (const conf::TunnelConnect& connect : view.config.tunnel.connect)
    out += "tunnel " + connect.name + (connect.listens() ? " " + connect.listen.text() : "") + ", ";
  std::int64_t endpoints = 0;
  for (const proxy::PoolPtr& pool : view.world.pools()) endpoints += std::ssize(pool->endpoints.endpoints());
  const conf::Findings found = problems_of(view);
  const std::int64_t problems = std::count_if(
      found.begin(), found.end(), [](const conf::Finding& each) { return each.severity != conf::Severity::note; });
  return out + "metrics " + view.config.metrics.address.text() + "; " +
         counted(std::ssize(view.world.pools()), "service") + ", " + counted(endpoints, "endpoint") + ", " +
         (problems == 0 ? "no problems" : counted(problems, "problem"));
}

json::object status_json(const DoorView& view) {
  json::object out{{"node", view.config.node.name},
                   {"version", GATEHOUSE_VERSION},
                   {"pid", view.pid},
                   {"started", utc_text(view.started_ms)},
                   {"time", utc_text(view.wall_ms)},
                   {"uptime_ms", view.wall_ms - view.started_ms},
                   {"ready", view.ready},
                   {"file", view.config.file},
                   {"file_differs", view.file_differs},
                   {"generation", view.world.generation()},
                   {"worlds_live", view.worlds_live},
                   {"workers", view.workers.size()},
                   {"requests", view.sum(&proxy::WorkerCounters::requests)}};
  if (const std::string reason = unready_reason(view); !reason.empty()) out["unready"] = reason;
  if (!view.degraded.empty()) out["degraded"] = view.degraded;
  out["routing"] = routing_json(view);
  out["connections"] = {{"open", view.connections_open},
                        {"most", view.connections_most},
                        {"tls", view.sum(&proxy::WorkerCounters::tls_connections_open)},
                        {"accepted", view.sum(&proxy::WorkerCounters::connections_accepted)},
                        {"refused", view.sum(&proxy::WorkerCounters::connections_refused)}};
  out["memory"] = {{"used", view.memory_used}, {"limit", view.config.limits.memory}};
  out["access_log"] = {{"to", view.config.access_log.to},
                       {"lines_dropped", view.log_lines_dropped},
                       {"writes_failed", view.log_writes_failed}};
  out["listeners"] = listeners_json(view.config);
  if (!view.consuls.empty()) out["consul"] = consul_json(view);
  out["services"] = services_json(view);
  if (view.tunnels != nullptr && !view.config.tunnel.empty())
    out["tunnels"] = tunnels_json(*view.tunnels, view.wall_ms, view.steady_ms);
  out["drained"] = strings(view.drained);
  if (view.guard != nullptr) out["bans"] = bans_json(view);
  out["certificates"] = certificates_json(view);
  out["problems"] = problems_json(view);
  return out;
}

json::object status_page_json(const DoorView& view) {
  json::object out = status_json(view);
  if (json::value* bans = out.if_contains("bans")) bans->as_object().erase("newest");  // whom, operators are told
  json::array recent;
  for (const HistoryEntry& entry : view.recent)
    recent.push_back(json::object{{"time_ms", entry.time_ms},
                                  {"what", printable(entry.what)},
                                  {"text", printable(entry.text)},
                                  {"by", printable(entry.by)}});
  out["recent"] = std::move(recent);
  return out;
}

}  // namespace gatehouse::cli
