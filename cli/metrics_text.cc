// The figures of /metrics: which counter has which name, told once in a table.
#include <array>
#include <span>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "cli/metrics_page.h"
#include "cli/text.h"
#include "cli/tunnel_view.h"
#include "proxy/pool/panic.h"
#include "proxy/pool/pick.h"

namespace gatehouse::cli {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using proxy::WorkerCounters;
using Labels = std::vector<ClientMetric::Label>;

struct WorkerRow {
  Counter WorkerCounters::* counter;
  MetricType type;
  const char *name, *help;
};

constexpr WorkerRow worker_rows[] = {
    {&WorkerCounters::connections_accepted, MetricType::Counter, "gatehouse_connections_accepted_total",
     "Client connections accepted."},
    {&WorkerCounters::connections_refused, MetricType::Counter, "gatehouse_connections_refused_total",
     "Client connections closed because a limit was reached, at once or before a head was whole."},
    {&WorkerCounters::connections_banned, MetricType::Counter, "gatehouse_connections_banned_total",
     "Of those, the ones of clients whose bans drop them at accept."},
    {&WorkerCounters::requests_banned, MetricType::Counter, "gatehouse_requests_banned_total",
     "Requests of banned clients, refused."},
    {&WorkerCounters::application_events, MetricType::Counter, "gatehouse_application_events_total",
     "Answers with an X-Ban-Event."},
    {&WorkerCounters::application_events_unread, MetricType::Counter, "gatehouse_application_events_unread_total",
     "Answers whose X-Ban-Event can't be read; nothing came of it."},
    {&WorkerCounters::tls_connections_open, MetricType::Gauge, "gatehouse_tls_connections_open",
     "Client connections that speak TLS."},
    {&WorkerCounters::handshakes, MetricType::Counter, "gatehouse_tls_handshakes_total",
     "TLS handshakes with clients that succeeded."},
    {&WorkerCounters::handshakes_resumed, MetricType::Counter, "gatehouse_tls_handshakes_resumed_total",
     "Of those, the ones that resumed a session."},
    {&WorkerCounters::handshakes_failed, MetricType::Counter, "gatehouse_tls_handshakes_failed_total",
     "TLS handshakes with clients that failed."},
    {&WorkerCounters::requests, MetricType::Counter, "gatehouse_requests_total", "Requests, malformed ones too."},
    {&WorkerCounters::bytes_in, MetricType::Counter, "gatehouse_received_bytes_total",
     "Bytes of requests, heads included."},
    {&WorkerCounters::bytes_out, MetricType::Counter, "gatehouse_sent_bytes_total",
     "Bytes of responses, heads included."},
    {&WorkerCounters::backend_connects, MetricType::Counter, "gatehouse_backend_connects_total",
     "Connections made to endpoints."},
    {&WorkerCounters::backend_reuses, MetricType::Counter, "gatehouse_backend_reuses_total",
     "Requests sent over an idle connection to an endpoint."},
    {&WorkerCounters::backend_connect_failures, MetricType::Counter, "gatehouse_backend_connect_failures_total",
     "Connections to endpoints that could not be made."},
    {&WorkerCounters::h2_backend_connections, MetricType::Counter, "gatehouse_backend_http2_connections_total",
     "Connections of HTTP/2 made to endpoints."},
    {&WorkerCounters::h2_backend_connections_open, MetricType::Gauge, "gatehouse_backend_http2_connections_open",
     "Connections of HTTP/2 to endpoints, busy and idle."},
    {&WorkerCounters::h2_backend_connections_broken, MetricType::Counter,
     "gatehouse_backend_http2_connections_broken_total",
     "Of those, the ones ended because the endpoint broke HTTP/2 or sent too much that moves nothing on."},
    {&WorkerCounters::h2_backend_streams, MetricType::Counter, "gatehouse_backend_http2_streams_total",
     "Requests sent to endpoints over HTTP/2."},
    {&WorkerCounters::h2_backend_streams_refused, MetricType::Counter,
     "gatehouse_backend_http2_streams_refused_total",
     "Of those, the ones that the endpoint certainly did not process."},
    {&WorkerCounters::h2_backend_streams_reset, MetricType::Counter, "gatehouse_backend_http2_streams_reset_total",
     "Of those, the ones reset with another reason, by the endpoint or by us."},
    {&WorkerCounters::h2_backend_replays, MetricType::Counter, "gatehouse_backend_http2_replays_total",
     "Requests sent once more because the endpoint certainly did not process them."},
    {&WorkerCounters::retries, MetricType::Counter, "gatehouse_retries_total", "Requests sent once more."},
    {&WorkerCounters::stale_replays, MetricType::Counter, "gatehouse_stale_replays_total",
     "Of those, the ones whose idle connection the endpoint had closed."},
    {&WorkerCounters::local_replies, MetricType::Counter, "gatehouse_local_replies_total",
     "Requests answered by gatehouse itself: refusals, redirects, pages."},
    {&WorkerCounters::malformed_requests, MetricType::Counter, "gatehouse_malformed_requests_total",
     "Requests refused because they were not HTTP as RFC 9112 has it."},
    {&WorkerCounters::malformed_responses, MetricType::Counter, "gatehouse_malformed_responses_total",
     "Responses of endpoints turned into 502 for the same reason."},
    {&WorkerCounters::upgrades_open, MetricType::Gauge, "gatehouse_upgrades_open",
     "Upgraded connections (WebSocket) open."},
    {&WorkerCounters::tcp_sessions, MetricType::Counter, "gatehouse_tcp_sessions_total",
     "TCP sessions of services that carry TCP, those that were refused too."},
    {&WorkerCounters::tcp_sessions_open, MetricType::Gauge, "gatehouse_tcp_sessions_open",
     "Of those, the open ones."},
    {&WorkerCounters::connections_cut_for_memory, MetricType::Counter, "gatehouse_connections_cut_for_memory_total",
     "Connections ended because their client held most of the memory when it was short."},
    {&WorkerCounters::http2_connections, MetricType::Counter, "gatehouse_http2_connections_total",
     "Client connections that spoke HTTP/2."},
    {&WorkerCounters::http2_connections_open, MetricType::Gauge, "gatehouse_http2_connections_open",
     "Of those, the open ones."},
    {&WorkerCounters::http2_connections_cut, MetricType::Counter, "gatehouse_http2_connections_cut_total",
     "Of those, the ones ended for misbehaviour: more odd events than limits.http2_odd_events."},
    {&WorkerCounters::http2_streams, MetricType::Counter, "gatehouse_http2_streams_total",
     "Streams that clients began, refused and malformed ones too."},
    {&WorkerCounters::http2_streams_open, MetricType::Gauge, "gatehouse_http2_streams_open",
     "Of those, the open ones."},
    {&WorkerCounters::http2_streams_refused, MetricType::Counter, "gatehouse_http2_streams_refused_total",
     "Of those, the ones refused for want of room or memory."},
    {&WorkerCounters::http2_resets_received, MetricType::Counter, "gatehouse_http2_resets_received_total",
     "Streams that clients reset."},
    {&WorkerCounters::http2_resets_sent, MetricType::Counter, "gatehouse_http2_resets_sent_total",
     "Streams that gatehouse reset."},
    {&WorkerCounters::file_answers, MetricType::Counter, "gatehouse_file_answers_total",
     "Requests answered from files, refusals among them."},
    {&WorkerCounters::file_waits, MetricType::Counter, "gatehouse_file_waits_total",
     "Times that a file was not in memory, and a file thread read it."},
    {&WorkerCounters::file_waits_refused, MetricType::Counter, "gatehouse_file_waits_refused_total",
     "Requests for files refused because too many waited for the disk."},
    {&WorkerCounters::compressions_left_out, MetricType::Counter, "gatehouse_compressions_left_out_total",
     "Answers sent as they are because limits.compressions or limits.memory was reached."},
    {&WorkerCounters::compressed_in, MetricType::Counter, "gatehouse_compressed_in_bytes_total",
     "Bytes of answers before they were compressed."},
    {&WorkerCounters::compressed_out, MetricType::Counter, "gatehouse_compressed_out_bytes_total",
     "The same when they were sent, heads included."},
    {&WorkerCounters::accept_pauses, MetricType::Counter, "gatehouse_accept_pauses_total",
     "Times that accepting was paused for want of descriptors or memory."},
};

using Shard = pool::ServiceShard;
struct ServiceRow {
  Counter Shard::* counter;
  const char *name, *help;
};

constexpr ServiceRow service_rows[] = {
    {&Shard::aborted, "gatehouse_service_aborted_total", "Requests that ended without a response."},
    {&Shard::retries, "gatehouse_service_retries_total", "Requests sent once more."},
    {&Shard::retries_refused, "gatehouse_service_retries_refused_total", "Retries that the budget did not allow."},
    {&Shard::queue_full, "gatehouse_service_queue_full_total", "Requests answered 503 because the queue was full."},
    {&Shard::queue_timeout, "gatehouse_service_queue_timeouts_total", "Requests that waited in the queue in vain."},
    {&Shard::auth_refused, "gatehouse_service_auth_refused_total", "Requests that `auth` did not let pass."},
    {&Shard::auth_failed, "gatehouse_service_auth_failed_total",
     "Requests answered 503 because it could not be found out whether they may pass."},
    {&Shard::auth_pages_replaced, "gatehouse_service_auth_pages_replaced_total",
     "Pages of the server that `auth` asks which were too large, and one of the door's was sent."},
    {&Shard::canaries, "gatehouse_service_canary_requests_total", "Requests that came as another service's canary."},
    {&Shard::sessions, "gatehouse_service_tcp_sessions_total", "TCP sessions carried to an endpoint."},
    {&Shard::sessions_failed, "gatehouse_service_tcp_sessions_failed_total", "TCP sessions that got no endpoint."},
    {&Shard::bytes_in, "gatehouse_service_received_bytes_total", "Bytes of requests, from clients."},
    {&Shard::bytes_out, "gatehouse_service_sent_bytes_total", "Bytes of responses, to clients."},
};

using State = pool::EndpointState;
struct EndpointRow {
  std::atomic<std::uint64_t> State::* counter;
  const char *name, *help;
};

constexpr EndpointRow endpoint_rows[] = {
    {&State::requests_total, "gatehouse_endpoint_requests_total", "Requests sent to the endpoint."},
    {&State::failures_total, "gatehouse_endpoint_failures_total", "Of those, the ones that failed."},
    {&State::connect_failures_total, "gatehouse_endpoint_connect_failures_total",
     "Connections to the endpoint that could not be made."},
    {&State::bytes_in_total, "gatehouse_endpoint_received_bytes_total", "Bytes from the endpoint."},
    {&State::bytes_out_total, "gatehouse_endpoint_sent_bytes_total", "Bytes to the endpoint."},
};

template <class T>
double load(const std::atomic<T>& value) {
  return static_cast<double>(value.load(std::memory_order_relaxed));
}

class Families {
 public:
  void add(MetricType type, const char* name, const char* help, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family(type, name, help).metric.push_back(std::move(metric));
  }
  void counter(const char* name, const char* help, double value, Labels labels = {}) {
    add(MetricType::Counter, name, help, value, std::move(labels));
  }
  void gauge(const char* name, const char* help, double value, Labels labels = {}) {
    add(MetricType::Gauge, name, help, value, std::move(labels));
  }
  void histogram(const char* name, const char* help, ClientMetric::Histogram value, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = std::move(value);
    family(MetricType::Histogram, name, help).metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serializer::Serialize(families_); }

 private:
  // All series of a name stand together, whatever the order they come in.
  MetricFamily& family(MetricType type, const char* name, const char* help) {
    const auto [known, fresh] = index_.try_emplace(name, families_.size());
    if (fresh) families_.push_back({name, help, type, {}});
    return families_[known->second];
  }

  std::vector<MetricFamily> families_;
  std::map<std::string, std::size_t> index_;
};

constexpr std::array classes = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

void add_process(const DoorView& view, Families& out) {
  out.gauge("gatehouse_build_info", "Always 1; the version is a label.", 1, {{"version", GATEHOUSE_VERSION}});
  out.gauge("gatehouse_start_time_seconds", "When the program began to serve, in seconds since 1970.",
            static_cast<double>(view.started_ms) / 1000);
  out.gauge("gatehouse_ready", "1 while the door should get traffic.", view.ready ? 1 : 0);
  out.gauge("gatehouse_configuration_differs", "1 when gatehouse.yaml was changed since it was applied.",
            view.file_differs ? 1 : 0);
  out.gauge("gatehouse_worlds_live", "Routing snapshots in use: 1, and those that requests under way began with.",
            static_cast<double>(view.worlds_live));
  out.gauge("gatehouse_connections_open", "Client connections open.", static_cast<double>(view.connections_open));
  out.gauge("gatehouse_connections_limit", "Client connections that may be open.",
            static_cast<double>(view.connections_most));
  out.gauge("gatehouse_memory_used_bytes",
            "Memory for connections and what they carry, as counted against the limit.",
            static_cast<double>(view.memory_used));
  out.gauge("gatehouse_memory_limit_bytes", "limits.memory.", static_cast<double>(view.config.limits.memory));
  out.counter("gatehouse_access_log_lines_dropped_total", "Access log lines lost because the disk was too slow.",
              static_cast<double>(view.log_lines_dropped));
  out.counter("gatehouse_access_log_write_failures_total", "Writes of the access log that failed.",
              static_cast<double>(view.log_writes_failed));
  out.counter("gatehouse_event_log_lines_dropped_total", "Lines of the events log lost because nobody took them.",
              static_cast<double>(view.event_lines_dropped));
}

void add_workers(const DoorView& view, Families& out) {
  for (const WorkerRow& row : worker_rows)
    out.add(row.type, row.name, row.help, static_cast<double>(view.sum(row.counter)));
  for (std::size_t i = 0; i < classes.size(); ++i) {
    std::uint64_t total = 0;
    for (const WorkerCounters* worker : view.workers) total += worker->responses[i].value();
    out.counter("gatehouse_responses_total", "Responses to clients by class; none: the request ended without one.",
                static_cast<double>(total), {{"class", classes[i]}});
  }
  for (std::size_t i = 0; i < conf::content_coding_count; ++i) {
    std::uint64_t total = 0;
    for (const WorkerCounters* worker : view.workers) total += worker->compressions[i].value();
    out.counter("gatehouse_compressions_total", "Answers compressed on their way, by coding.",
                static_cast<double>(total),
                {{"coding", std::string(conf::name_of(static_cast<conf::ContentCoding>(i)))}});
  }
  for (std::size_t i = 0; i < view.workers.size(); ++i)
    out.gauge("gatehouse_worker_connections_open", "Client connections open, by worker.",
              static_cast<double>(view.workers[i]->connections_open.value()), {{"worker", std::to_string(i)}});
}

template <class Member>
double sum(std::span<const Shard> shards, Member of) {
  std::uint64_t total = 0;
  for (const Shard& shard : shards) total += of(shard).value();
  return static_cast<double>(total);
}

ClientMetric::Histogram latency(std::span<const Shard> shards) {
  ClientMetric::Histogram out;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= pool::latency_bounds_ms.size(); ++i) {
    cumulative +=
        static_cast<std::uint64_t>(sum(shards, [i](const Shard& shard) -> auto& { return shard.latency[i]; }));
    if (i == pool::latency_bounds_ms.size()) break;  // the serializer writes +Inf by the count
    out.bucket.push_back({cumulative, static_cast<double>(pool::latency_bounds_ms[i]) / 1000});
  }
  out.sample_count = cumulative;
  out.sample_sum = sum(shards, [](const Shard& shard) -> auto& { return shard.latency_us_total; }) / 1e6;
  return out;
}

// `away`: which other datacenter serves it; null: none.
void add_service(const proxy::ServicePool& pool, const pool::Failovers::Away* away, std::int64_t wall_ms,
                 Families& out) {
  const Labels service = {{"service", printable(pool.service->name)}};
  const auto with = [&service](const char* name, const char* value) {
    Labels labels = service;
    labels.push_back({name, value});
    return labels;
  };
  const std::span<const Shard> shards = pool.stats->shards();
  for (std::size_t i = 0; i < 5; ++i)
    out.counter("gatehouse_service_responses_total", "Responses to clients by class.",
                sum(shards, [i](const Shard& shard) -> auto& { return shard.responses[i]; }),
                with("class", classes[i + 1]));
  for (const ServiceRow& row : service_rows)
    out.counter(row.name, row.help, sum(shards, [&](const Shard& shard) -> auto& { return shard.*row.counter; }),
                service);
  out.histogram("gatehouse_service_request_duration_seconds",
                "From the first byte of a request to the last of its response.", latency(shards), service);
  out.gauge("gatehouse_service_queued", "Requests that wait for an endpoint now.", load(pool.stats->queued), service);
  std::size_t healthy = 0;
  for (const pool::Endpoint& endpoint : pool.endpoints.endpoints()) {
    const pool::Health health = pool::health_of(endpoint);
    if (health == pool::Health::up || health == pool::Health::warning) ++healthy;
  }
  out.gauge("gatehouse_service_endpoints", "Endpoints of the service.", static_cast<double>(pool.endpoints.size()),
            service);
  out.gauge("gatehouse_service_endpoints_healthy", "Of those, the ones whose checks pass or warn.",
            static_cast<double>(healthy), service);
  out.gauge("gatehouse_service_panic", "1 while no endpoint is healthy, and unhealthy ones are tried.",
            pool::in_panic(pool.endpoints) ? 1 : 0, service);
  if (pool.service->single)
    out.gauge("gatehouse_service_primaries", "Of a single service: endpoints that could be it; 2 is an emergency.",
              static_cast<double>(pool::contenders(pool.endpoints).size()), service);
  if (const bool is_away = away != nullptr; is_away || !pool.service->failover.datacenter.empty())
    out.gauge("gatehouse_service_failover", "1 while this other datacenter serves the service.", is_away ? 1 : 0,
              with("datacenter", (is_away ? away->datacenter : pool.service->failover.datacenter).c_str()));
  out.gauge("gatehouse_service_maintenance", "1 while the service is under maintenance by command.",
            load(pool.stats->maintenance_until_ms) > wall_ms ? 1 : 0, service);
  std::size_t refused = 0;
  for (const conf::Route& route : pool.service->routes) refused += route.refused.empty() ? 0 : 1;
  out.gauge("gatehouse_service_routes_refused", "Routes that answer 503 because their definition was refused.",
            static_cast<double>(refused), service);
}

void add_endpoint(const proxy::ServicePool& pool, const pool::Endpoint& endpoint, Families& out) {
  const Labels labels = {{"service", printable(pool.service->name)},
                         {"endpoint", printable(endpoint.name)},
                         {"address", endpoint.address.text()}};
  const pool::Health health = pool::health_of(endpoint);
  out.gauge("gatehouse_endpoint_healthy", "1 while the endpoint's checks pass or warn.",
            health == pool::Health::up || health == pool::Health::warning ? 1 : 0, labels);
  out.gauge("gatehouse_endpoint_draining", "1 while the endpoint is drained by command.",
            load(endpoint.live->draining_since_ms) != 0 ? 1 : 0, labels);
  out.gauge("gatehouse_endpoint_in_flight", "Requests under way.", load(endpoint.live->requests), labels);
  out.gauge("gatehouse_endpoint_connections", "Connections open, busy and idle.", load(endpoint.live->connections),
            labels);
  for (const EndpointRow& row : endpoint_rows)
    out.counter(row.name, row.help, load(endpoint.live->*row.counter), labels);
}

void add_services(const DoorView& view, bool with_endpoints, Families& out) {
  std::size_t services = 0, endpoints = 0, left_out = 0;
  for (const proxy::PoolPtr& pool : view.world.pools()) {
    if (services++ >= services_most) {
      ++left_out;
      continue;
    }
    const auto away = view.away.find(pool->service->name);
    add_service(*pool, away == view.away.end() ? nullptr : &away->second, view.wall_ms, out);
    if (!with_endpoints) continue;
    for (const pool::Endpoint& endpoint : pool->endpoints.endpoints()) {
      if (endpoints++ < endpoints_most)
        add_endpoint(*pool, endpoint, out);
      else
        ++left_out;
    }
  }
  out.gauge("gatehouse_series_left_out",
            "Services and endpoints without series of their own, because of their number.",
            static_cast<double>(left_out));
}

void add_consul(const catalog::ConsulSource::View& consul, const DoorView& view, Families& out) {
  const Labels labels{{"datacenter", printable(consul.datacenter)}};
  const auto gauge = [&](const char* name, const char* help, auto value) {
    out.gauge(name, help, static_cast<double>(value), labels);
  };
  const auto counter = [&](const char* name, const char* help, auto value) {
    out.counter(name, help, static_cast<double>(value), labels);
  };
  gauge("gatehouse_consul_up", "1 while Consul answers well.", consul.fault == catalog::ConsulFault::none);
  gauge("gatehouse_consul_trusted", "1 while what Consul loses is believed.", consul.trusted);
  const std::int64_t known_at_ms = consul.canary.fresh_ms != 0 ? consul.canary.fresh_ms : consul.asked_since_ms;
  gauge("gatehouse_consul_age_seconds",
        "Since the catalog was last known to be as it was told; before that, since it is asked.",
        static_cast<double>(std::max<std::int64_t>(0, view.wall_ms - known_at_ms)) / 1000);
  gauge("gatehouse_consul_index", "Consul's index of the last good answer.", consul.index);
  gauge("gatehouse_consul_services", "Services in the catalog.", consul.services);
  gauge("gatehouse_consul_services_watched", "Of those, the ones that are ours to serve.", consul.watched);
  gauge("gatehouse_consul_held", "Instances that Consul lost and that are served as long as they answer.",
        consul.held);
  gauge("gatehouse_consul_connections", "Open connections to the agent.", consul.connections);
  counter("gatehouse_consul_queries_total", "Queries sent.", consul.queries);
  counter("gatehouse_consul_failures_total", "Of those, the ones without a good answer.", consul.failures);
  counter("gatehouse_consul_changes_total", "Answers that changed a service's instances.", consul.changes);
}

void add_mirrors(const DoorView& view, Families& out) {
  const auto total = [&](Counter proxy::Mirrors::* counter) {
    std::uint64_t all = 0;
    for (const proxy::Mirrors* mirrors : view.mirrors) all += (mirrors->*counter).value();
    return static_cast<double>(all);
  };
  out.counter("gatehouse_mirrored_total", "Copies of requests sent by `mirror`.", total(&proxy::Mirrors::sent));
  out.counter("gatehouse_mirrored_failed_total", "Of those, the ones without a whole answer.",
              total(&proxy::Mirrors::failed));
  out.counter("gatehouse_mirror_dropped_total",
              "Copies not sent: too large, too many under way, or no endpoint was free.",
              total(&proxy::Mirrors::dropped));
}

// Names are many: what is told of each is its end (above); here is how they fare together.
void add_obtained(const DoorView& view, Families& out) {
  if (view.obtained.empty() && view.issuer.orders == 0) return;
  const WallTime now{Millis(view.wall_ms)};
  std::map<std::string, double> states{{"good", 0}, {"missing", 0}, {"failing", 0}, {"refused", 0}};
  double headroom = 0;
  bool any = false;
  for (const acme::CertificateView& each : view.obtained) {
    if (!each.wanted) continue;
    const bool valid = each.certificate && each.certificate->not_after > now;
    ++states[!each.refused.empty() ? "refused" : !valid ? "missing" : each.record.failures > 0 ? "failing" : "good"];
    if (!each.certificate) continue;
    // What is left once it should have been renewed: below nothing, somebody has to look.
    const WallTime next = std::max({each.record.renew_at, each.record.next_try, now});
    const double left = std::chrono::duration<double>(each.certificate->not_after - next).count();
    headroom = any ? std::min(headroom, left) : left;
    any = true;
  }
  for (const auto& [state, count] : states)
    out.gauge("gatehouse_acme_certificates", "Certificates that are obtained, by how they fare.", count,
              {{"state", state}});
  if (any)
    out.gauge("gatehouse_acme_headroom_seconds",
              "From the next try until the end of the certificate that is the nearest to it.", headroom);
  out.counter("gatehouse_acme_orders_total", "Orders begun or taken up.", static_cast<double>(view.issuer.orders));
  out.counter("gatehouse_acme_obtained_total", "Certificates obtained.", static_cast<double>(view.issuer.obtained));
  out.counter("gatehouse_acme_revoked_total", "Certificates revoked.", static_cast<double>(view.issuer.revoked));
  out.counter("gatehouse_acme_keys_changed_total", "Keys of accounts changed.",
              static_cast<double>(view.issuer.keys_changed));
  out.counter("gatehouse_acme_challenges_total", "Challenges put up.", static_cast<double>(view.issuer.challenges));
  for (const auto& [type, count] : view.issuer.failures)
    out.counter("gatehouse_acme_failures_total", "Orders that failed, by the CA's type of problem.",
                static_cast<double>(count), {{"type", printable(type)}});
}

void add_certificates(const DoorView& view, Families& out) {
  for (const NamedCertificate& each : view.world.certificates().all()) {
    if (each.certificate->placeholder) continue;
    const auto left = each.certificate->not_after.time_since_epoch() - Millis(view.wall_ms);
    out.gauge("gatehouse_certificate_days_left", "Days until the certificate expires.",
              std::chrono::duration<double, std::ratio<86400>>(left).count(),
              {{"certificate", printable(each.name)}});
  }
  out.gauge("gatehouse_certificate_problems",
            "What is wrong with certificates, or worth a word: see gatehouse status.",
            static_cast<double>(view.certificate_findings.size()));
  add_obtained(view, out);
  std::array<double, 2> findings{};
  for (const conf::Finding& finding : view.world.findings())
    if (finding.severity != conf::Severity::note) ++findings[finding.severity == conf::Severity::error];
  const char* help = "What is wrong with the catalog, or worth a word: see gatehouse status.";
  out.gauge("gatehouse_catalog_findings", help, findings[0], {{"severity", "warning"}});
  out.gauge("gatehouse_catalog_findings", help, findings[1], {{"severity", "error"}});
}

void add_guard(const DoorView& view, Families& out) {
  const auto& rules = view.world.settings().guard;
  if (view.guard == nullptr || !rules) return;
  for (const ratelimit::Limit& limit : rules->limits.all()) {
    const auto counter = [&](const char* outcome, const std::atomic<std::uint64_t>& count) {
      out.counter("gatehouse_rate_limited_total",
                  "Requests beyond a limit: refused, delayed, or, where it observes, passed.", load(count),
                  {{"limit", limit.name}, {"outcome", outcome}});
    };
    counter("refused", limit.counts->refused);
    counter("delayed", limit.counts->delayed);
    counter("observed", limit.counts->observed);
  }
  for (const ratelimit::Jail& jail : rules->jails) {
    const Labels labels{{"jail", jail.name}};
    const ratelimit::JailCounts& counts = *jail.counts;
    out.counter("gatehouse_jail_strikes_total", "Events that a jail counted.", load(counts.strikes), labels);
    out.counter("gatehouse_jail_bans_total", "Bans that a jail began or prolonged.", load(counts.bans), labels);
    out.counter("gatehouse_jail_observed_bans_total", "Bans that a jail would have begun: its mode is observe.",
                load(counts.observed), labels);
    out.counter("gatehouse_jail_spared_total", "Events of clients that are never banned.", load(counts.spared),
                labels);
    out.counter("gatehouse_jail_forgotten_total", "Offenders forgotten, for want of room, while they counted.",
                static_cast<double>(jail.strikes->forgotten()), labels);
  }
  out.gauge("gatehouse_bans", "Networks banned now.",
            static_cast<double>(view.guard->bans.live(static_cast<std::uint64_t>(view.steady_ms))));
  out.gauge("gatehouse_bans_limit", "Bans that there may be at once.",
            static_cast<double>(view.guard->bans.capacity()));
  out.counter("gatehouse_bans_ended_early_total", "Bans that ended before their time, for want of room.",
              static_cast<double>(view.guard->bans.ended_early()));
  for (const auto& [result, state] :
       {std::pair("proved", ratelimit::CrawlerState::proved), std::pair("refuted", ratelimit::CrawlerState::refuted),
        std::pair("unclear", ratelimit::CrawlerState::unclear)})
    out.counter("gatehouse_crawler_looks_total", "Clients that said they were a crawler, by what the DNS said.",
                static_cast<double>(view.guard->crawlers.count(state)), {{"result", result}});
  out.counter("gatehouse_guard_records_dropped_total", "Strikes that nobody could be told of; they counted.",
              static_cast<double>(view.guard_records_dropped));
  out.gauge("gatehouse_limit_keys", "Keys that limits can remember at once.",
            static_cast<double>(view.guard->limits.keys()));
  out.counter("gatehouse_limit_keys_forgiven_total", "Keys that were forgotten, for want of room, while they owed.",
              static_cast<double>(view.guard->limits.forgiven()));
}

void add_tunnels(const DoorView& view, Families& out) {
  if (view.tunnels == nullptr) return;
  for (const TunnelFigure& figure : tunnel_figures(*view.tunnels, view.wall_ms)) {
    Labels labels;
    for (const auto& [name, value] : figure.labels) labels.push_back({name, printable(value)});
    out.add(figure.is_counter ? MetricType::Counter : MetricType::Gauge, figure.name, figure.help, figure.value,
            std::move(labels));
  }
}

}  // namespace

std::string metrics_text(const DoorView& view, bool with_endpoints) {
  Families out;
  add_process(view, out);
  add_workers(view, out);
  for (const catalog::ConsulSource::View& consul : view.consuls) add_consul(consul, view, out);
  add_mirrors(view, out);
  add_certificates(view, out);
  add_guard(view, out);
  add_services(view, with_endpoints, out);
  add_tunnels(view, out);
  return out.text();
}

}  // namespace gatehouse::cli
