#include "conf/config_keys.h"

#include "conf/acme_keys.h"
#include "conf/forms.h"
#include "conf/guard_keys.h"
#include "conf/host_pattern.h"
#include "conf/service_form.h"
#include "conf/tunnel_keys.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

Form<Node> node() {
  return mapping<Node>("node", {
                                   {"name",
                                    &Node::name,
                                    word(),
                                    "how this node is called in logs, metrics and commands",
                                    {.fallback = "the host's name"}},
                                   {"zone", &Node::zone, word_or_empty(),
                                    "the zone it stands in, for services with a `zone` preference"},
                                   {"datacenter", &Node::datacenter, word(), "the datacenter it stands in"},
                                   {"user",
                                    &Node::user,
                                    word_or_empty(),
                                    "whom it becomes once its ports are bound, when started as root; `root`: nobody",
                                    {.fallback = "gatehouse, if there is such a user", .at_start = true}},
                                   {"state",
                                    &Node::state,
                                    path(),
                                    "the one folder it writes in: what must outlive a restart",
                                    {.fallback = "$STATE_DIRECTORY, else /var/lib/gatehouse", .at_start = true}},
                               });
}

Form<Listen> listen() {
  return mapping<Listen>(
      "listener",
      {
          {"name",
           &Listen::name,
           word(),
           "how it is called in logs and by `gatehouse explain`; unique",
           {.required = true}},
          {"address",
           &Listen::address,
           socket_address(),
           "where it listens; `[::]` takes IPv4 too",
           {.required = true}},
          {"tls", &Listen::tls, boolean(), "whether it speaks TLS, with the certificate that fits the client's SNI"},
          {"http2", &Listen::http2, boolean(),
           "whether HTTP/2 is spoken with who asks for it: by ALPN over TLS, else by its preface"},
          {"proxy_protocol", &Listen::proxy_protocol, list(network()),
           "from these a PROXY header (v1 or v2) is required; from others it is an error"},
          {"only", &Listen::only, list(service_name()), "the services it serves; empty: all"},
      });
}

Form<CatalogSource> permit() {
  return mapping<CatalogSource>("node", {
                                            {"hosts", &CatalogSource::permit_hosts, list(permit_pattern()),
                                             "hosts that tags may claim; empty: any"},
                                            {"listen", &CatalogSource::permit_listen, list(listen_pattern()),
                                             "addresses that the tag `tcp` may open; empty: none"},
                                        });
}

Form<ConsulTls> consul_tls() {
  return mapping<ConsulTls>(
      "tls", {
                 {"ca",
                  &ConsulTls::ca,
                  path_or_empty(),
                  "the authorities, as a PEM file, that may sign the agent's certificate",
                  {.fallback = "the machine's"}},
                 {"certificate",
                  &ConsulTls::certificate,
                  path_or_empty(),
                  "the client certificate shown to it",
                  {.fallback = "none"}},
                 {"key", &ConsulTls::key, path_or_empty(), "its key; others must not read it", {.fallback = "none"}},
                 {"name",
                  &ConsulTls::name,
                  host_name_or_empty(),
                  "whom the agent's certificate must name",
                  {.fallback = "the address's host"}},
             });
}

Form<ConsulServer> consul() {
  return mapping<ConsulServer>(
      "consul",
      {
          {"datacenter", &ConsulServer::datacenter, word_or_empty(),
           "the datacenter whose services it is asked for; empty: the agent's own"},
          {"partition", &ConsulServer::partition, word_or_empty(),
           "the admin partition, of Consul Enterprise; empty: the token's"},
          {"namespace", &ConsulServer::namespace_, word_or_empty(),
           "the namespace, of Consul Enterprise; empty: the token's"},
          {"address", &ConsulServer::address, http_place(ConsulServer::usual_port, ConsulServer::usual_tls_port),
           "the agent: http://HOST:PORT, https://HOST:PORT (HTTP/2, all queries over few connections) or "
           "unix:///PATH"},
          {"tls", &ConsulServer::tls, consul_tls(), "for https; the files are read again for each connection"},
          {"token", &ConsulServer::token, secret(), "its access token; the file is read again when it changes"},
          {"register", &ConsulServer::register_as, service_name_or_none(),
           "the service as which the door registers itself with this agent. While the catalog shows it, what the "
           "catalog loses is believed; `none`: neither"},
          {"tagged_address", &ConsulServer::tagged_address, word_or_empty(),
           "which of an instance's TaggedAddresses to use: lan, wan, or one of your own; empty: its address"},
      });
}

Form<CatalogSource> catalog() {
  return mapping<CatalogSource>(
      "node", {
                  {"files", &CatalogSource::files, path_or_none(),
                   "a folder of Consul service definitions (*.json), watched: changes take effect by themselves"},
                  {"consul", &CatalogSource::consul, list(consul()),
                   "Consul, one entry for each datacenter: services with a tag of ours, or named under `services`"},
                  {"spellings", &CatalogSource::spellings, list(one_of({"native", "fabio", "traefik"})),
                   "whose tags are read: `gatehouse.KEY=VALUE`, fabio's `urlprefix-`, Traefik's `traefik.`; where "
                   "several say a "
                   "key, the first in this order wins"},
                  {"permit", permit(), "what tags may claim; what is written in this file is free of it"},
              });
}

Form<HostPolicy> host() {
  const auto http =
      choice<HttpMode>({{"redirect", HttpMode::redirect}, {"serve", HttpMode::serve}, {"refuse", HttpMode::refuse}});
  const auto networks = some(list(network()), "nothing is said here; write the networks, or leave the key out");
  return mapping<HostPolicy>(
      "host",
      {
          {"certificate",
           &HostPolicy::certificate,
           certificate(),
           "the certificate to answer with",
           {.fallback = "the one that covers the name"}},
          {"allow", &HostPolicy::allow, networks, "the only clients that are let in", {.fallback = "all"}},
          {"deny", &HostPolicy::deny, networks, "clients that are not, whatever `allow` says", {.fallback = "none"}},
          {"hsts",
           &HostPolicy::hsts,
           maybe(duration_or_off(24h * 1000)),
           "how long browsers shall insist on https (Strict-Transport-Security)",
           {.fallback = "the route's"}},
          {"http", &HostPolicy::http, maybe(http), "what a request without TLS gets", {.fallback = "the route's"}},
      });
}

Form<AuthSource> auth_source() {
  const Form<std::string> realm = plain<std::string>(
      "text",
      [](const std::string& text, const Reading&) {
        const bool good = check_plain(text) && text.size() <= 128 && text.find_first_of("\"\\") == std::string::npos;
        return good ? Result(text)
                    : Result<std::string>(invalid(text + ": write up to 128 characters, without \" and \\"));
      },
      [](const std::string& value) { return value; });
  const Form<std::string> url = plain<std::string>(
      "URL",
      [](const std::string& text, const Reading&) {
        if (text.empty()) return Result(text);
        const Result<AuthUrl> good = parse_auth_url(text);
        return good ? Result(text) : Result<std::string>(good.error());
      },
      [](const std::string& value) { return value; });
  const Form<std::string> field = plain<std::string>(
      "field",
      [](const std::string& text, const Reading&) {
        return is_token(text) ? Result(text) : Result<std::string>(invalid(text + ": is no field's name"));
      },
      [](const std::string& value) { return value; });
  return mapping<AuthSource>(
      "auth",
      {
          {"file", &AuthSource::file, path_or_empty(), "an htpasswd file, watched", {.fallback = "none"}},
          {"realm",
           &AuthSource::realm,
           realm,
           "what browsers tell who is asked for a password",
           {.fallback = "the entry's name"}},
          {"url",
           &AuthSource::url,
           url,
           "the server that is asked about each request: a 2xx lets it pass, any other answer is given instead",
           {.fallback = "none"}},
          {"fields", &AuthSource::fields, list(field), "fields of the server's 2xx that the backend gets"},
          {"timeout", &AuthSource::timeout, duration(100ms, 1min), "for the server's whole answer; then 503"},
      });
}

Form<Certificates> certificates() {
  return mapping<Certificates>(
      "node",
      {
          {"files", &Certificates::files, path_or_none(), "a folder of NAME.crt (the chain) and NAME.key, watched"},
          {"acme", &Certificates::acme, acme(), "certificates that are obtained by themselves (RFC 8555)"},
      });
}

Form<Admin> admin() {
  return mapping<Admin>(
      "node", {
                  {"socket",
                   &Admin::socket,
                   socket_path(),
                   "the Unix socket that commands come in by",
                   {.fallback = "$RUNTIME_DIRECTORY/admin.sock, else /run/gatehouse/admin.sock", .at_start = true}},
                  {"group",
                   &Admin::group,
                   word_or_empty(),
                   "the group that may command it, besides root and its user",
                   {.at_start = true}},
              });
}

Form<Metrics> metrics() {
  return mapping<Metrics>(
      "node", {
                  {"address",
                   &Metrics::address,
                   socket_address(),
                   "where /metrics, /healthz and /readyz are read",
                   {.at_start = true}},
                  {"allow", &Metrics::allow, list(network()), "who may read them; empty: nobody"},
                  {"hosts", &Metrics::hosts, list(host_name()),
                   "Host values that are believed, besides addresses and localhost (against DNS rebinding)"},
              });
}

Form<Limits> limits() {
  const auto wait = duration(100ms, 1h);
  const auto head = size(1 << 10, 61 << 10);
  return mapping<Limits>(
      "node",
      {
          {"memory", &Limits::memory, size(64ull << 20, 1ull << 40), "what connections and queues may take together"},
          {"connections",
           &Limits::connections,
           number_or_auto(16, 10'000'000),
           "clients at once; auto: 7/16 of what the process may open",
           {.at_start = true}},
          {"connections_per_client", &Limits::connections_per_client, number(1, 1'000'000),
           "from one address at once"},
          {"request_line", &Limits::request_line, head, "the longest request line; beyond: 414"},
          {"fields", &Limits::fields, head,
           "all fields of a request together; beyond: 431. With `request_line` at most 62KiB"},
          {"field_count", &Limits::field_count, number(8, 128), "how many fields a request has at most; beyond: 431"},
          {"header_time", &Limits::header_time, wait, "for a whole request head, from its first byte; beyond: 408"},
          {"handshake_time", &Limits::handshake_time, wait, "for the TLS handshake"},
          {"keep_alive_time", &Limits::keep_alive_time, wait, "how long a client may be idle between requests"},
          {"keep_alive_requests", &Limits::keep_alive_requests, number(1, 1'000'000'000),
           "requests on one connection, then it is closed"},
          {"http2_streams", &Limits::http2_streams, number(1, 10'000),
           "of HTTP/2: requests at once on one connection; a client that begins more is refused those"},
          {"http2_window", &Limits::http2_window, size(16 << 10, 16 << 20),
           "of HTTP/2: how much of a request's body may come before it is passed on"},
          {"http2_connection_window", &Limits::http2_connection_window, size(64 << 10, 64 << 20),
           "of HTTP/2: the same for all requests of a connection together"},
          {"http2_frame", &Limits::http2_frame, size(16 << 10, 1 << 20), "of HTTP/2: the largest frame taken"},
          {"http2_odd_events", &Limits::http2_odd_events, number(10, 1'000'000),
           "of HTTP/2: resets, pings, settings, empty frames and the like that a connection may bring at once; a "
           "thirtieth of them is forgiven each second. Beyond, it is ended"},
          {"body_idle_time", &Limits::body_idle_time, wait, "the longest silence within a request body; beyond: 408"},
          {"body_rate", &Limits::body_rate, rate_or_off(1ull << 30),
           "the slowest a request body may come, and an answer be taken"},
          {"body_rate_after", &Limits::body_rate_after, wait, "when the rate of a body or an answer is judged first"},
          {"backend_idle_time", &Limits::backend_idle_time, wait,
           "how long an idle connection to an endpoint is kept; shorter than the endpoint keeps it"},
          {"backend_idle_connections", &Limits::backend_idle_connections, number(0, 10'000),
           "idle connections kept per endpoint and worker"},
          {"backend_http2_streams", &Limits::backend_http2_streams, number(1, 1000),
           "requests at once on one connection of HTTP/2 to an endpoint, if the endpoint allows as many; beyond, "
           "there "
           "is another connection"},
          {"backend_http2_window", &Limits::backend_http2_window, size(16 << 10, 1 << 20),
           "how much of an answer over HTTP/2 may come before the client takes it"},
          {"compressions", &Limits::compressions, number(0, 100'000),
           "answers that a worker compresses at once, each with up to 4 MiB, more above level 5; further ones go as "
           "they are"},
          {"shutdown_delay", &Limits::shutdown_delay, duration(0s, 1h),
           "how long listeners stay open after SIGTERM while `/readyz` fails, so that a balancer sees it first"},
          {"shutdown_time", &Limits::shutdown_time, duration(0s, 24h),
           "how long requests may finish once the listeners are closed"},
      });
}

Form<AccessLog> access_log() {
  return mapping<AccessLog>(
      "node", {
                  {"to",
                   &AccessLog::to,
                   log_target(),
                   "where to; a name without a slash: in /var/log/gatehouse",
                   {.at_start = true}},
                  {"format", &AccessLog::format, choice<AccessLog::Format>({{"json", AccessLog::Format::json}}),
                   "one JSON object a line"},
                  {"redact", &AccessLog::redact,
                   list(one_of({"client_address", "peer_address", "host", "path", "query", "request_id", "user",
                                "user_agent", "referer"})),
                   "fields that are written as \"-\"; `query`: what follows a ? in `path` and `referer`"},
              });
}

Form<EventLog> event_log() {
  return mapping<EventLog>(
      "node",
      {
          {"to", &EventLog::to, log_target(), "where to; a name without a slash: in /var/log/gatehouse"},
          {"level", &EventLog::level, one_of({"debug", "info", "warning", "error"}), "the least that is told"},
      });
}

Form<Config> logs() {
  return mapping<Config>("node", {
                                     {"access", &Config::access_log, access_log(), "a line for each request"},
                                     {"events", &Config::event_log, event_log(), "what happens to the program"},
                                 });
}

Form<Config> whole_file() {
  return mapping<Config>(
      "node",
      {
          {"node", &Config::node, node(), "Who this node is."},
          {"workers",
           &Config::workers,
           number_or_auto(1, 1024),
           "threads that serve; auto: one per core",
           {.at_start = true}},
          {"listen", &Config::listen, list(listen()),
           "Where clients come in. Without it: `[::]:80` as root or with CAP_NET_BIND_SERVICE, else `[::]:8080`; "
           "nowhere "
           "where there is a `tunnel`."},
          {"trusted_proxies", &Config::trusted_proxies, list(network()),
           "whose Forwarded and X-Forwarded-* are believed, read right to left"},
          {"catalog", &Config::catalog, catalog(), "Where services come from."},
          {"hosts", &Config::hosts, named("HOST", host(), parse_route_host),
           "What holds for every route of a host (`learn.example`, `*.example`), whichever service carries it."},
          {"auth", &Config::auth, named("NAME", auth_source(), check_auth_name),
           "Who may pass, for the key `auth` of services: an htpasswd file, or a server that is asked."},
          {"services", &Config::services, named("SERVICE", service(), check_service_name),
           "The tags' keys, for services that can't carry tags; `\"*\"` for all services. See *Keys of a service*."},
          {"certificates", &Config::certificates, certificates(), "Where certificates come from."},
          {"guard", &Config::guard, guard(), "Who is limited, and who is banned."},
          {"tunnel", &Config::tunnel, tunnel(),
           "Streams carried between hosts over TLS with pre-shared keys. See [tunnel](../tunnel.md)."},
          {"admin", &Config::admin, admin(), "How running commands reach it."},
          {"metrics", &Config::metrics, metrics(), "Figures and readiness, read-only."},
          {"limits", &Config::limits, limits(), "What keeps it standing under load and under attack."},
          {"logs", logs(), "What it tells."},
      },
      {"cluster"});
}

}  // namespace

const Form<Config>& config_form() {
  static const Form<Config> form = whole_file();
  return form;
}

Config default_config(const Surroundings& around) {
  const auto first = [](const std::string& folder, const std::string& otherwise) {
    return folder.empty() ? otherwise : folder;
  };
  Config config;
  config.folder = around.folder;
  config.node.name = around.host_name;
  config.node.state = first(around.state_directory, "/var/lib/gatehouse");
  config.admin.socket = first(around.runtime_directory, "/run/gatehouse") + "/admin.sock";
  const std::uint16_t port = around.low_ports ? 80 : 8080;
  config.listen = {{.name = "http", .address = {IpAddress(), port}}};
  return config;
}

}  // namespace gatehouse::conf
