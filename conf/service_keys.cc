#include "conf/service_keys.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "conf/content_values.h"
#include "conf/host_pattern.h"
#include "conf/route_value.h"
#include "conf/service_apply.h"
#include "conf/service_values.h"
#include "conf/tcp_value.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

template <class T>
Status take(T& out, Result<T> value) {
  if (!value) return value.error();
  out = std::move(*value);
  return Done{};
}

template <class Enum>
struct Word {
  std::string_view name;
  Enum value;
};

template <class Enum, std::size_t N>
Status choose(Enum& out, std::string_view text, const Word<Enum> (&words)[N]) {
  std::string names;
  std::vector<std::string_view> known;
  for (const Word<Enum>& word : words) {
    if (word.name == text) return out = word.value, Done{};
    known.push_back(word.name);
    if (!names.empty()) names += &word == &words[N - 1] ? " or " : ", ";
    names += word.name;
  }
  return invalid(std::string(text) + ": write " + names + did_you_mean(nearest(text, known)));
}

template <class Enum, std::size_t N>
std::string_view word_for(Enum value, const Word<Enum> (&words)[N]) {
  for (const Word<Enum>& word : words)
    if (word.value == value) return word.name;
  return {};
}

constexpr Word<Protocol> protocols[] = {
    {"http", Protocol::http}, {"https", Protocol::https}, {"h2c", Protocol::h2c}, {"h2", Protocol::h2}};
constexpr Word<Balance> balances[] = {{"round_robin", Balance::round_robin},
                                      {"least_request", Balance::least_request},
                                      {"least_connection", Balance::least_connection},
                                      {"peak_ewma", Balance::peak_ewma},
                                      {"random", Balance::random},
                                      {"maglev", Balance::maglev}};
constexpr Word<Zone> zones[] = {{"prefer", Zone::prefer}, {"only", Zone::only}, {"ignore", Zone::ignore}};
constexpr Word<OnUnhealthy> unhealthy[] = {{"drain", OnUnhealthy::drain}, {"close", OnUnhealthy::close}};
constexpr Word<OnReturn> returns[] = {{"keep", OnReturn::keep}, {"close", OnReturn::close}};
constexpr Word<SendProxy> send_proxies[] = {{"none", SendProxy::none}, {"v1", SendProxy::v1}, {"v2", SendProxy::v2}};
constexpr Word<Forwarded> forwardeds[] = {
    {"x", Forwarded::x}, {"rfc7239", Forwarded::rfc7239}, {"both", Forwarded::both}, {"none", Forwarded::none}};
constexpr Word<HttpMode> http_modes[] = {
    {"redirect", HttpMode::redirect}, {"serve", HttpMode::serve}, {"refuse", HttpMode::refuse}};

constexpr Word<Trace> traces[] = {{"keep", Trace::keep}, {"make", Trace::make}};

Status single_word(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  if (!words->options.empty() || words->head != text) return invalid(std::string(text) + ": write one word");
  return Done{};
}

Status apply_health(Subject& s, std::string_view text) {
  Result<HealthSetting> health = parse_health(text);
  if (!health) return health.error();
  s.service.health_none = health->none;
  if (health->none) return Done{};
  HealthCheck& check = health->check;
  if (health->follows_protocol) {
    check.tls = over_tls(s.service.protocol);
    check.http2 = check.kind == HealthCheck::Kind::http && over_http2(s.service.protocol);
  }
  if (check.tls) {
    check.tls_of_service = true;
    check.tls_server_name = s.service.tls_name;
  }
  s.service.health = std::move(check);
  return Done{};
}

Status apply_tls_ca(Subject& s, std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  s.service.tls_ca_file = text == "system" ? std::string_view() : text;
  return Done{};
}

Status apply_tls_name(Subject& s, std::string_view text) {
  Result<std::string> name = parse_host_sent(text);
  if (!name) return name.error();
  if (name->find(':') != std::string::npos) return invalid(std::string(text) + ": write a name, without a port");
  s.service.tls_name = std::move(*name);
  return Done{};
}

Status apply_tls_certificate(Subject& s, std::string_view text) {
  const Result<std::string> name = parse_certificate_name(text);
  if (!name) return name.error();
  s.service.tls_certificate_file = *name + ".crt";
  s.service.tls_key_file = *name + ".key";
  return Done{};
}

Status apply_certificate(Subject& s, std::string_view text) {
  if (text != "acme" && text != "none" && !parse_certificate_name(text))
    return invalid(std::string(text) + ": write file:NAME, acme or none");
  s.certificate = text;
  return Done{};
}

Status add_tcp(Subject& s, std::string_view text) {
  Result<TcpEntry> entry = parse_tcp(text);
  if (!entry) return entry.error();
  entry->at = {s.at};
  s.service.tcp.push_back(std::move(*entry));
  return Done{};
}

Status apply_auth(Subject& s, std::string_view text) { return take(s.route.auth.said, parse_auth(text)); }

Status apply_tunnel(Subject&, std::string_view text) {
  return text == "offer" ? Status(Done{}) : Status(invalid(std::string(text) + ": write offer"));
}

Status apply_weight(Subject& s, std::string_view text) {
  return take(s.instance.weight_passing, parse_number(text, 1, 65535));
}

Status apply_max_body(Subject& s, std::string_view text) {
  if (text == "none") return s.route.max_body.reset(), Done{};
  const Result<std::uint64_t> size = parse_size(text);
  if (!size) return size.error();
  s.route.max_body = *size;
  return Done{};
}

template <std::vector<IpPrefix> RoutePolicy::* List>
Status add_networks(Subject& s, std::string_view text) {
  const Result<std::vector<IpPrefix>> networks = parse_networks(text);
  if (!networks) return networks.error();
  (s.route.*List).insert((s.route.*List).end(), networks->begin(), networks->end());
  return Done{};
}

Status add_rate_limit(Subject& s, std::string_view text) {
  constexpr std::size_t most = 16;
  if (const Status one = single_word(text); !one) return one;
  auto& limits = s.route.rate_limits;
  if (limits.size() == most) return invalid(std::string(text) + ": a route has at most 16 limits");
  if (std::find(limits.begin(), limits.end(), text) == limits.end()) limits.emplace_back(text);
  return Done{};
}

Status add_pages(Subject& s, std::string_view text) {
  Result<std::vector<Page>> pages = parse_pages(text);
  if (!pages) return pages.error();
  for (Page& page : *pages) {
    page.at = {s.at};
    s.route.pages.push_back(std::move(page));
  }
  return Done{};
}

Status apply_websocket(Subject& s, std::string_view text) {
  const Result<WebsocketSetting> setting = parse_websocket(text);
  if (!setting) return setting.error();
  s.route.websocket = setting->allowed;
  if (setting->idle_timeout) s.route.websocket_idle_timeout = *setting->idle_timeout;
  return Done{};
}

Status apply_files(Subject& s, std::string_view text) {
  Result<Files> files = parse_files(text);
  if (!files) return files.error();
  s.route.files = std::move(*files);
  return Done{};
}

Status apply_methods(Subject& s, std::string_view text) { return take(s.route.methods, parse_methods(text)); }

Status add_rewrite(Subject& s, std::string_view text) {
  Result<Rewrite> rewrite = parse_rewrite(text);
  if (!rewrite) return rewrite.error();
  if (s.route.rewrites.size() == Rewrite::rewrites_max)
    return invalid("more than " + std::to_string(Rewrite::rewrites_max) + " of one route");
  s.route.rewrites.push_back(std::move(*rewrite));
  return Done{};
}

Status add_headers(Subject& s, std::string_view text) { return add_field_rule(s.route.headers, text); }

Status apply_cors(Subject& s, std::string_view text) {
  Result<Cors> cors = parse_cors(text);
  if (!cors) return cors.error();
  s.route.cors = std::move(*cors);
  return Done{};
}

Status apply_maintenance(Subject& s, std::string_view text) {
  return take(s.route.maintenance, parse_maintenance(text));
}

// A duration of a service or route, in milliseconds; off: whether off is a value.
template <auto Part, auto Field, std::int64_t Least, std::int64_t Most, bool Off>
Status apply_duration(Subject& s, std::string_view text) {
  return take(s.*Part.*Field, parse_span(text, Millis(Least), Millis(Most), Off));
}

template <auto Part, auto Field>
Status apply_bool(Subject& s, std::string_view text) {
  return take(s.*Part.*Field, parse_bool(text));
}

template <auto Part, auto Field>
Status apply_count(Subject& s, std::string_view text) {
  return take(s.*Part.*Field, parse_number(text, 0, 1'000'000));
}

// A value with a reader of its own in service_values.h.
template <auto Part, auto Field, auto Read>
Status apply_read(Subject& s, std::string_view text) {
  return take(s.*Part.*Field, Read(text));
}

template <auto Part, auto Field, auto& Words>
Status apply_word(Subject& s, std::string_view text) {
  return choose(s.*Part.*Field, text, Words);
}

constexpr auto of_service = &Subject::service;
constexpr auto of_route = &Subject::route;
constexpr auto of_instance = &Subject::instance;
constexpr std::int64_t second = 1000, hour = 3600 * second, day = 24 * hour;

constexpr bool repeats = true, once = false;
constexpr bool restricts = true, open = false;
constexpr bool carried = true, later = false;
constexpr bool on_host = true;
using enum Scope;
using enum Trust;

// In the order in which merge.h applies them: protocol and tls_* before health.
constexpr auto table = std::to_array<ServiceKey>({
    {"route", "[host][:port][/path] [option=value …]", service, tags, repeats, open, carried, nullptr, "none",
     "what the service answers: an exact host, else the longest wildcard suffix (`*.x` one label, `**.x` one or "
     "more), "
     "else any host; then the longest path at a segment boundary (400 where a backend could read the path as another "
     "route's). A port selects existing listeners. Options: "
     "`strip=/path`, `prepend=/path`, `redirect=CODE,URL` (below), `if.path=exact` (nothing below the path), "
     "`if.method=GET,HEAD`, "
     "`if.header=NAME[:VALUE]`, `if.query=NAME[:VALUE]` (a parameter), `if.header_regex=NAME:EXPRESSION`, "
     "`if.header_not=NAME` (it is not there), `if.header_not=NAME:VALUE` and `if.header_not_regex=NAME:EXPRESSION` "
     "(it is "
     "there, and otherwise), "
     "`if.query_regex=NAME:EXPRESSION`, `if.path_regex=EXPRESSION` (RE2's syntax, anywhere in it unless `^` and `$` "
     "say "
     "so; at most 64 expressions a service), and every key of scope route"},
    {"tcp", "address:port [sni=NAME] [proxy_protocol=NETWORK,…]", service, tags, repeats, open, carried, add_tcp,
     "none",
     "carries the TCP connections that come in at this address. `sni`: only TLS that asks for this name (`*.x`, "
     "`**.x`), undecrypted; the address may then be that of a TLS listener, which terminates the rest. "
     "`proxy_protocol`: a PROXY header is required from these, and an error from others. Without `allow` only "
     "loopback and private clients are served"},
    {"tunnel", "offer", instance, tags, once, open, later, apply_tunnel, "none",
     "offers the instance to tunnels of other nodes"},
    {"protocol", "http | https | h2c | h2", service, tags, once, open, carried,
     apply_word<of_service, &Service::protocol, protocols>, "http",
     "spoken to the endpoint: HTTP/1.1, or HTTP/2 by prior knowledge (h2c) or within TLS (h2), whose requests share "
     "connections; gRPC needs one of these. https and h2 verify the endpoint's certificate, with SNI"},
    {"tls_ca", "FILE | system", service, file_only, once, open, carried, apply_tls_ca, "system",
     "the authorities, as a PEM file, that may sign an https endpoint's certificate"},
    {"tls_verify", "true | false", service, file_only, once, open, carried,
     apply_bool<of_service, &Service::tls_verify>, "true",
     "false accepts any certificate of an https endpoint: anyone in between can then read and write along"},
    {"tls_name", "name", service, file_only, once, open, carried, apply_tls_name, "the host sent",
     "the name asked for by SNI and verified in an https endpoint's certificate; a check, which sends no client's "
     "host, "
     "falls back on `host` and then on the instance's address"},
    {"tls_certificate", "file:NAME", service, file_only, once, open, carried, apply_tls_certificate, "none",
     "the client certificate shown to https endpoints: NAME.crt and NAME.key in `certificates.files`"},
    {"balance", "round_robin | least_request | least_connection | peak_ewma | random | maglev", service, tags, once,
     open, carried, apply_word<of_service, &Service::balance, balances>, "least_request",
     "how the endpoint is chosen; all of them weighted"},
    {"hash_on", "client | path | header:NAME | cookie:NAME", service, tags, once, open, carried,
     apply_read<of_service, &Service::hash_on, parse_hash_on>, "client", "what maglev keeps together"},
    {"sticky", "cookie | cookie:NAME | none", service, tags, once, open, carried,
     apply_read<of_service, &Service::sticky_cookie, parse_sticky>, "none",
     "keeps a client with its endpoint by an opaque, signed cookie"},
    {"health",
     "/path | http:[PORT]/path | https:[PORT]/path | tcp | grpc[:SERVICE] | redis [role=master] | none "
     "[status=2xx] [body=TEXT] [interval=5s] [timeout=2s] [rise=2] [fall=3]",
     service, tags, once, open, carried, apply_health, "none",
     "a check of our own, besides the catalog's; `none` leaves those out too. A bare /path follows `protocol`; over "
     "TLS the keys `tls_*` hold for the check too"},
    {"single", "true | false", service, tags, once, open, carried, apply_bool<of_service, &Service::single>, "false",
     "exactly one endpoint is right, as with a primary: the one that is healthy. While two are, none gets anything "
     "new. `on_unhealthy` is then `close` unless said"},
    {"eject", "[errors=5] [slow=FACTOR] [interval=10s] [time=30s] [max=50%] | off", service, tags, once, open,
     carried, apply_read<of_service, &Service::eject, parse_eject>, "off",
     "leaves out an endpoint that answers so many gateway errors in a row within the interval, or, over about the "
     "interval, so many times slower than half of the others: for `time`, longer each time up to 5m; never the last "
     "one"},
    {"zone", "prefer | only | ignore", service, tags, once, open, carried,
     apply_word<of_service, &Service::zone, zones>, "ignore",
     "endpoints whose meta `zone` is this node's (`node.zone`) come first: `prefer` goes to others as far as too few "
     "of them are healthy, or all have as many requests as `max_requests` allows; `only` never does"},
    {"failover", "DATACENTER [after=30s] [back_after=5m]", service, tags, once, open, carried,
     apply_read<of_service, &Service::failover, parse_failover>, "none",
     "whose endpoints of this service serve once none of its own datacenter has been usable for `after`, until one "
     "has been again for `back_after`; of `\"*\"` not for TCP nor `single`"},
    {"through", "TUNNEL [datacenter=NAME]", service, file_only, once, open, carried,
     apply_read<of_service, &Service::through, parse_through>, "none",
     "the endpoints, or those of that datacenter, are reached through this tunnel, of `tunnel.connect`; checks go "
     "the "
     "same way. Where it ends is for its exits to say: the endpoints' addresses are not dialled"},
    {"slow_start", "duration", service, tags, once, open, carried,
     apply_duration<of_service, &Service::slow_start, 1, hour, true>, "off",
     "the share of an endpoint that is new, or that checks or the catalog call healthy again, grows to its weight "
     "over "
     "this time"},
    {"drain_time", "duration", service, tags, once, open, carried,
     apply_duration<of_service, &Service::drain_time, 0, day, true>, "30s",
     "how long requests, WebSockets and TCP sessions of a removed endpoint may go on"},
    {"on_unhealthy", "drain | close", service, tags, once, open, carried,
     apply_word<of_service, &Service::on_unhealthy, unhealthy>, "drain",
     "what becomes of requests and TCP sessions under way at an endpoint that its checks or the catalog turn "
     "unhealthy: they finish, or are ended"},
    {"on_return", "keep | close", service, tags, once, open, carried,
     apply_word<of_service, &Service::on_return, returns>, "keep",
     "what becomes of requests and TCP sessions under way at backups when a primary is healthy again, or there anew: "
     "they finish, or are ended"},
    {"queue", "NUMBER,duration", service, tags, once, open, carried,
     apply_read<of_service, &Service::queue, parse_queue>, "1024,5s",
     "requests that may wait for an endpoint, and for how long; then 503 with Retry-After"},
    {"send_proxy", "none | v1 | v2", service, tags, once, open, carried,
     apply_word<of_service, &Service::send_proxy, send_proxies>, "none",
     "the PROXY protocol to the endpoint; each request then has a connection of its own"},
    {"forwarded", "x | rfc7239 | both | none", service, tags, once, open, carried,
     apply_word<of_service, &Service::forwarded, forwardeds>, "x",
     "which fields tell the endpoint of the client: X-Forwarded-*, Forwarded, both"},
    {"host", "name[:port]", service, tags, once, open, carried,
     apply_read<of_service, &Service::host, parse_host_sent>, "unchanged", "the Host field sent to the endpoint"},
    {"canary", "SERVICE 5% [sticky]", service, file_only, once, open, carried,
     apply_read<of_service, &Service::canary, parse_canary>, "none",
     "sends this share of the requests to the endpoints of another service, as long as one of them is healthy; "
     "`sticky`: always the same clients, by their address. The routes' own keys hold for them all"},
    {"mirror", "SERVICE 1%", service, file_only, once, open, carried,
     apply_read<of_service, &Service::mirror, parse_mirror>, "none",
     "sends a copy of this share of the requests to another service, whose answers are dropped. What is too large to "
     "be kept (some 14 KiB, head and body), or more than 64 at once of a worker, is not copied"},
    {"certificate", "file:NAME | acme | none", host, tags, once, open, carried, apply_certificate, "by the name",
     "the certificate of the routes' hosts: NAME.crt and NAME.key in `certificates.files`; `acme`: one that is "
     "obtained "
     "within `certificates.acme.permit`, whatever the files have; `none`: none is obtained",
     on_host},
    {"backup", "true | false", instance, tags, once, open, carried, apply_bool<of_instance, &Instance::backup>,
     "false", "used when no other instance is left"},
    {"weight", "1 to 65535", instance, tags, once, open, carried, apply_weight, "the catalog's",
     "the instance's share"},
    {"max_connections", "number", instance, tags, once, open, carried,
     apply_count<of_instance, &Instance::max_connections>, "0: no limit",
     "connections to the instance, busy and idle, of all workers; at the limit idle ones are closed, and requests "
     "wait "
     "in `queue`"},
    {"max_requests", "number", instance, tags, once, open, carried, apply_count<of_instance, &Instance::max_requests>,
     "0: no limit", "requests at once to the instance"},
    {"connect_timeout", "duration", route, tags, once, open, carried,
     apply_duration<of_route, &RoutePolicy::connect_timeout, 1, 600 * second, false>, "2s",
     "to be connected to an endpoint, TLS included"},
    {"timeout", "duration | off", route, tags, once, open, carried,
     apply_duration<of_route, &RoutePolicy::timeout, 1, day, true>, "60s",
     "silence of the endpoint after the request was sent"},
    {"idle_timeout", "duration | off", route, tags, once, open, carried,
     apply_duration<of_route, &RoutePolicy::idle_timeout, 1, day, true>, "60s; of TCP 2h",
     "no byte either way; what was upgraded has its own, at `websocket`"},
    {"total_timeout", "duration | off", route, tags, once, open, carried,
     apply_duration<of_route, &RoutePolicy::total_timeout, 1, day, true>, "off", "the whole exchange"},
    {"retry", "NUMBER [on=connect,stale,timeout,STATUS] [methods=GET,…] [budget=20%]", route, tags, once, open,
     carried, apply_read<of_route, &RoutePolicy::retry, parse_retry>, "1 on=connect,stale budget=20%",
     "further attempts on another endpoint; never of a request that may have been acted on, unless its method is one "
     "of `methods`, which are the idempotent ones where none is named. `budget`: of a service's requests of the last "
     "10 s so many may be sent again, or 100, each by worker; after a failed connection nothing was sent, and it "
     "doesn't count. Where connections are refused at once all others are tried, up to 128, until `connect_timeout` "
     "was spent on it; 0 ends that, too"},
    {"max_body", "size | none", route, tags, once, open, carried, apply_max_body, "none",
     "the largest request body; beyond it 413"},
    {"rate_limit", "NAME", route, tags, repeats, restricts, carried, add_rate_limit, "none",
     "a limit of `guard.rate_limits`: 429 with Retry-After beyond it; of TCP new sessions beyond it are closed. One "
     "that is not defined there refuses the route"},
    {"allow", "network[,network …]", route, tags, repeats, restricts, carried, add_networks<&RoutePolicy::allow>,
     "all", "the only client addresses served; others get 403", on_host},
    {"deny", "network[,network …]", route, tags, repeats, restricts, carried, add_networks<&RoutePolicy::deny>,
     "none", "client addresses that get 403, even if allowed", on_host},
    {"auth", "basic:NAME | forward:NAME | forward:URL", route, tags, once, restricts, carried, apply_auth, "none",
     "who may pass: by name and password, or by the word of a server. NAME stands in `auth` of gatehouse.yaml; tags "
     "may name only URLs that stand there"},
    {"http", "redirect | serve | refuse", route, tags, once, open, carried,
     apply_word<of_route, &RoutePolicy::http, http_modes>,
     "redirect, if there is a TLS listener and a certificate for the host; else serve",
     "what a plain request gets: a redirect to https, the service, or 403", on_host},
    {"hsts", "duration | off", route, tags, once, open, carried,
     apply_duration<of_route, &RoutePolicy::hsts, second, 1000 * day, true>, "off",
     "Strict-Transport-Security with this max-age on answers over our own TLS", on_host},
    {"pages", "STATUS:FILE [retry_after=60s]", route, file_only, repeats, open, carried, add_pages, "built in",
     "the operator's own page in place of a status that we answer with, as in 5xx:pages/sorry.html; those of `\"*\"` "
     "also where no route leads"},
    {"websocket", "true | false [idle_timeout=1h]", route, tags, once, open, carried, apply_websocket, "true",
     "whether a connection may be upgraded, and how long it may then be silent. As a route's option it wants quotes, "
     "`websocket=\"true idle_timeout=3h\"`: without them that is the route's own `idle_timeout`"},
    {"files", "FOLDER [precompressed=br,gzip] [cache=PATTERN:TIME,…] [index=index.html] [try=/index.html]", route,
     file_only, once, open, carried, apply_files, "none",
     "answers GET and HEAD from this folder, which needs no instance. `precompressed`: what is looked for beside a "
     "file, as `.br`, `.zst`, `.gz`. `cache`: how long who has fetched it may keep a file of such a name: a "
     "duration, "
     "`no-cache`, `no-store` or `immutable`. `try`: the file that answers where there is none. See docs/files.md"},
    {"headers", "[request|response] set|add|default NAME VALUE | remove NAME | security", route, tags, repeats, open,
     carried, add_headers, "none",
     "changes a field of the answer, or of the request: `set` over what was sent, `add` one more, `default` where "
     "none was sent, `remove` it. `security`: X-Content-Type-Options, X-Frame-Options and Referrer-Policy where the "
     "backend gives none, and X-Powered-By goes"},
    {"rewrite", "EXPRESSION TARGET [CODE]", route, tags, repeats, open, carried, add_rewrite, "none",
     "another path in place of one in which the regular expression (RE2) finds something, as in "
     "`^/old/(.*) /new/$1`; the first that does counts. With a code it is a redirect. The route and what it "
     "restricts are judged by the path as it came; `strip` and `prepend` come after it"},
    {"methods", "GET,HEAD,…", route, tags, once, restricts, carried, apply_methods, "all",
     "the only methods served; others get 405 with Allow"},
    {"compress", "zstd br gzip [level=4] [types=text/*,…] [min=1KiB] | off", route, tags, once, open, carried,
     apply_read<of_route, &RoutePolicy::compress, parse_compress>, "off",
     "compresses answers of these types, with the first of these codings that the client likes best. Not for pages "
     "that show a secret beside what a stranger had them show. See docs/compression.md"},
    {"cors",
     "ORIGIN,… | * [methods=GET,HEAD,POST] [fields=NAME,…|*] [expose=NAME,…] [credentials=true] [max_age=10m]", route,
     tags, once, open, carried, apply_cors, "the backend's own",
     "which other origins' pages may use it, as in `https://shop.example` or `https://*.shop.example`. Preflights "
     "are "
     "answered by the door, and the backend's own Access-Control fields are replaced. Never `*` with credentials"},
    {"maintenance", "true | false [allow=NETWORK,…] [retry_after=60s]", route, tags, once, open, carried,
     apply_maintenance, "false",
     "answers 503 with the operator's page. `allow`: who gets in all the same, also while `gatehouse maintenance` "
     "holds"},
    {"trace", "keep | make", route, tags, once, open, carried, apply_word<of_route, &RoutePolicy::trace, traces>,
     "keep",
     "the W3C trace context: `keep` passes `traceparent` on as it came, `make` makes one where none, or none that is "
     "valid, came"},
});

std::optional<std::string> check_route(std::string_view value, Trust said_by) {
  const Result<RouteSetting> route = parse_route(value);
  if (!route) return route.error().what;
  Subject scratch;
  for (const Option& option : route->options)
    if (const Status status = apply_route_option(scratch, option.name, option.value, said_by); !status)
      return status.error().what;
  return std::nullopt;
}

}  // namespace

std::span<const ServiceKey> service_keys() { return table; }

std::string_view name_of(Protocol value) { return word_for(value, protocols); }
std::string_view name_of(Balance value) { return word_for(value, balances); }
std::string_view name_of(Zone value) { return word_for(value, zones); }
std::string_view name_of(OnUnhealthy value) { return word_for(value, unhealthy); }
std::string_view name_of(OnReturn value) { return word_for(value, returns); }
std::string_view name_of(SendProxy value) { return word_for(value, send_proxies); }
std::string_view name_of(Forwarded value) { return word_for(value, forwardeds); }

const ServiceKey* find_service_key(std::string_view name) {
  for (const ServiceKey& key : table)
    if (key.name == name) return &key;
  return nullptr;
}

std::string_view nearest_service_key(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ServiceKey& key : table) names.push_back(key.name);
  return nearest(name, names);
}

std::optional<std::string> check_setting(std::string_view name, std::string_view value, Trust said_by) {
  const ServiceKey* key = find_service_key(name);
  if (key == nullptr) return "unknown key" + did_you_mean(nearest_service_key(name));
  if (key->trust == file_only && said_by == tags) return "only gatehouse.yaml may say this";
  if (const Status plain = check_plain(value); !plain) return plain.error().what;
  if (key->apply == nullptr) return check_route(value, said_by);
  Subject scratch;
  if (const Status status = key->apply(scratch, value); !status) return status.error().what;
  return std::nullopt;
}

std::optional<NotCarried> not_carried(std::string_view name, std::string_view value) {
  const ServiceKey* key = find_service_key(name);
  if (key == nullptr) return std::nullopt;
  if (key->carried || value == "false") return std::nullopt;
  const bool holds_back = key->restricting;
  return NotCarried{holds_back ? "not carried yet: refused until it is" : "not carried yet: ignored", holds_back};
}

}  // namespace gatehouse::conf
