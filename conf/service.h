// service.h: the policy of a service as plain data, and the table that the routing world is built from.
//   Defaults stand here and nowhere else. Equality is free: what compares equal keeps its counters and health over a
//   change. Times are Millis, sizes bytes; 0 means "off" where a field says so.
//   Source: docs/reference/configuration.md (made from the key table in service_keys.cc).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conf/auth.h"
#include "conf/content.h"
#include "conf/cors.h"
#include "conf/field_rules.h"
#include "conf/finding.h"
#include "conf/rewrite.h"
#include "conf/shared_text.h"
#include "conf/text_pattern.h"
#include "net/clock.h"
#include "net/ip.h"

namespace gatehouse::conf {

enum class Protocol { http, https, h2c, h2 };
constexpr bool over_tls(Protocol p) { return p == Protocol::https || p == Protocol::h2; }
constexpr bool over_http2(Protocol p) { return p == Protocol::h2c || p == Protocol::h2; }
enum class Balance { round_robin, least_request, least_connection, peak_ewma, random, maglev };
enum class HttpMode { automatic, redirect, serve, refuse };  // automatic: redirect when there is a TLS listener
enum class OnUnhealthy { drain, close };
enum class OnReturn { keep, close };
enum class Zone { prefer, only, ignore };
enum class SendProxy { none, v1, v2 };
enum class Forwarded { x, rfc7239, both, none };
enum class Trace { keep, make };

// Where something was said. All origins are equal: a definition that only moved in its file has not changed.
struct Origin : Position {
  bool operator==(const Origin&) const { return true; }
};

// The same with the key's path, "hosts.learn.example.allow"; empty: not said.
struct KeyOrigin : Origin {
  std::string path;
  bool operator==(const KeyOrigin&) const { return true; }
};

struct HashOn {
  enum class Kind { client, header, cookie, path };
  Kind kind = Kind::client;
  std::string name;  // of the header or cookie
  bool operator==(const HashOn&) const = default;
};

struct StatusRange {
  int first = 200, last = 299;
  bool contains(int status) const { return first <= status && status <= last; }
  bool operator==(const StatusRange&) const = default;
};

// One active check of an instance: from the catalog's definition or from the key `health`.
struct HealthCheck {
  enum class Kind { http, tcp, grpc, h2ping, ttl, redis };
  std::string id;  // Consul's CheckID; "gatehouse:health" for the one from the key
  std::string name;
  Kind kind = Kind::http;
  std::string host;        // empty: the instance's address
  std::uint16_t port = 0;  // 0: the instance's port
  bool tls = false;
  bool http2 = false;           // of Kind::http: as the service's requests go
  bool tls_of_service = false;  // verified, and shown a certificate, as the service says of its endpoints
  bool tls_verify = true;
  std::string tls_server_name;
  std::string path = "/";  // http: request target; grpc: service name
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // sent with the request
  bool follow_redirects = false;
  std::vector<StatusRange> status = {{200, 299}};
  std::vector<int> warning_status;  // Consul: 429 is "warning"
  std::string body_contains;        // empty: the answer's body is not read
  bool redis_master = false;
  Millis interval = 5s, timeout = 2s;
  unsigned rise = 2, fall = 3;       // results in a row before the state changes; the first result counts at once
  unsigned fall_warning = 0;         // Consul's failures_before_warning; 0: as fall
  std::string initial = "critical";  // passing, warning, critical: before the first result, and of a ttl check
  Millis ttl{0};
  bool operator==(const HealthCheck&) const = default;
};

struct RetryPolicy {
  unsigned attempts = 1;  // more than the first
  bool on_connect = true, on_stale = true, on_timeout = false;
  std::vector<StatusRange> on_status;
  std::vector<std::string> methods;  // empty: the idempotent ones (RFC 9110 9.2.2)
  unsigned budget_percent = 20;
  bool operator==(const RetryPolicy&) const = default;
};

struct Queue {
  unsigned length = 1024;
  Millis wait = 5s;
  bool operator==(const Queue&) const = default;
};

struct Eject {
  unsigned errors = 0;  // consecutive gateway errors; 0: off
  unsigned slow = 0;    // times slower than half of the others; 0: off
  Millis interval = 10s, time = 30s;
  unsigned max_percent = 50;
  bool operator==(const Eject&) const = default;
};

struct Failover {
  std::string datacenter;  // empty: off
  Millis after = 30s, back_after = 5min;
  bool operator==(const Failover&) const = default;
};

// Endpoints that are reached through a tunnel.
struct Through {
  std::string tunnel;      // of tunnel.connect; empty: none is
  std::string datacenter;  // whose endpoints; empty: all
  bool operator==(const Through&) const = default;
};

struct Page {
  StatusRange status{500, 599};
  std::string file;  // made absolute by the merge
  SharedText body;   // read by the merge: the data path never opens a file
  std::string content_type = "text/html; charset=utf-8";
  Millis retry_after{0};  // 0: the field is not sent for this page's sake
  Origin at;              // where it was said
  bool operator==(const Page&) const = default;
};

// A condition of a field, of a parameter of the query, or of the path itself.
struct HeaderMatch {
  enum class Of { field, query, path };
  std::string name, value;  // an empty value: it is present
  TextPattern pattern{};    // said: what the value holds, instead
  Of of = Of::field;
  bool inverted = false;  // of a field: it is there and none of its values is so; without a value: it is not there
  bool accepts(std::string_view found) const;  // whichever is asked for
  bool asks_presence() const { return value.empty() && !pattern.is_said(); }
  bool operator==(const HeaderMatch&) const = default;
};

struct Maintenance {
  bool on = false;
  std::vector<IpPrefix> allow;  // who still gets in, by the command's word too
  Millis retry_after{0};        // 0: as of any 503
  bool operator==(const Maintenance&) const = default;
};

// A share of a service's requests that goes, or is copied, to another service.
struct Share {
  std::string service;      // empty: off
  unsigned per_myriad = 0;  // of 10000 requests
  bool sticky = false;      // by the client's address
  bool operator==(const Share&) const = default;
};

struct Methods {
  std::vector<std::string> names;  // empty: all
  std::string text;                // as Allow tells them
  bool operator==(const Methods&) const = default;
};

struct Redirect {
  int code = 302;
  std::string url;  // may hold $scheme $host $path $query
  bool operator==(const Redirect&) const = default;
};

// What a route may say of itself; every key of scope "route".
struct RoutePolicy {
  Millis connect_timeout = 2s;
  Millis timeout = 60s;       // silence of the backend after the request was sent
  Millis idle_timeout = 60s;  // no byte either way
  Millis websocket_idle_timeout = 1h;
  Millis total_timeout{0};
  RetryPolicy retry;
  std::optional<std::uint64_t> max_body;  // none: streamed without a limit
  std::vector<IpPrefix> allow, deny;      // an empty allow allows all
  std::vector<std::string> rate_limits;   // of guard.rate_limits; those that there are not refuse the route
  HttpMode http = HttpMode::automatic;
  Millis hsts{0};
  bool websocket = true;
  std::vector<Page> pages;
  std::string strip, prepend;
  std::optional<Redirect> redirect;
  std::optional<Files> files;  // answers from them, and asks no endpoint
  Compress compress;
  std::vector<Rewrite> rewrites;
  Methods methods;
  HeaderRules headers;
  std::optional<Cors> cors;
  RouteAuth auth;
  Maintenance maintenance;
  Trace trace = Trace::keep;
  bool operator==(const RoutePolicy&) const = default;
};

struct RouteMatch {
  std::string host;        // lower case; "" any; "*.x" one label; "**.x" one or more
  std::uint16_t port = 0;  // 0: any listener; else the listeners of that port
  std::string path = "/";  // normalised; matches at a segment boundary
  std::vector<std::string> methods;
  std::vector<HeaderMatch> headers;  // in an order of their own: route_value.h
  bool exact_path = false;           // nothing below it
  std::size_t conditions() const { return headers.size() + !methods.empty() + exact_path; }
  std::string text() const;  // "learn.bank.example/forum"
  bool operator==(const RouteMatch&) const = default;
};

// Of a route that a service's router (config-entries.md) made of one of its own.
struct Derivation {
  std::string router;          // the service whose router it is, and whose route it stays
  unsigned order = 0;          // among those that the router made of the same route: the first that matches counts
  std::size_t conditions = 0;  // of that route
  bool operator==(const Derivation&) const = default;
};

struct Route {
  RouteMatch match;
  RoutePolicy policy;
  Origin at;                        // where it was said
  std::string spelling = "native";  // yaml, native, fabio, traefik, consul (its config entries)
  std::string refused;              // not empty: answers 503, with this reason in `status`
  std::optional<Derivation> derived{};
  bool operator==(const Route&) const = default;
};

// What a service says of the TCP connections it gets: those keys of a route that mean something to them.
struct TcpPolicy {
  Millis connect_timeout = 2s;
  Millis idle_timeout = 2h;  // no byte either way
  Millis total_timeout{0};
  RetryPolicy retry;                     // of connections to endpoints: only `on_connect` counts
  std::vector<IpPrefix> allow, deny;     // an empty allow lets in loopback and private addresses alone
  std::vector<std::string> rate_limits;  // of new sessions
  bool admits(const IpAddress& client) const;
  bool operator==(const TcpPolicy&) const = default;
};

// One `tcp` of a service: an address at which connections come in that are carried as they are.
struct TcpEntry {
  SocketAddress address;
  std::string sni;                       // only TLS that asks for this host, "*.x" or "**.x"; empty: all
  std::vector<IpPrefix> proxy_protocol;  // required from these, an error from others
  TcpPolicy policy;
  bool shared = false;  // a TLS listener of gatehouse.yaml has the address, and terminates what no `sni` asks for
  Origin at;            // where it was said
  std::string spelling = "native";
  std::string refused;  // not empty: nothing is carried, for this reason
  std::string text() const;
  bool operator==(const TcpEntry&) const = default;
};
// What a catalog that runs checks itself says of an instance: the worst of its checks and its node's. A folder of
// definitions says passing: its checks are run here.
enum class CatalogHealth { passing, warning, critical };

// What the catalog's own check says. All are equal: an output that changes is no news.
struct CatalogReason {
  std::string text;  // printable
  bool operator==(const CatalogReason&) const { return true; }
};

// One place a service listens. Identity: datacenter, node, service id, address, port and the service's TLS identity.
struct Instance {
  std::string datacenter, node, service, id, address;
  std::uint16_t port = 0;
  std::vector<std::string> tags;
  std::map<std::string, std::string> meta;
  unsigned weight_passing = 1, weight_warning = 1;
  bool backup = false;
  unsigned max_connections = 0, max_requests = 0;  // 0: no limit
  std::vector<HealthCheck> checks;                 // run by ourselves, besides the policy's own `health`
  bool maintenance = false;
  CatalogHealth catalog_health = CatalogHealth::passing;
  CatalogReason catalog_reason{};   // why it isn't passing
  std::size_t tags_left_out = 0;    // beyond what an instance may have
  bool node_lost = false;           // critical by its node's checks alone: its agent may be all that is gone
  std::string held;                 // why it is kept although the catalog has it no more; empty: it has
  bool departed = false;            // the last of its service, which is gone: its routes stay and answer 503
  bool awaited = false;             // departed a moment ago: what the service holds, nobody else takes yet
  std::uint64_t catalog_index = 0;  // Consul's ModifyIndex of the definition; 0: none
  Origin at;
  bool operator==(const Instance&) const = default;
};

// The merged policy of a service: every key of scope "service".
struct Service {
  std::string name;
  Protocol protocol = Protocol::http;
  Balance balance = Balance::least_request;
  HashOn hash_on;
  std::string sticky_cookie;  // empty: off
  std::optional<HealthCheck> health;
  bool health_none = false;  // `health=none`: the catalog's own checks are not run either
  bool single = false;
  Eject eject;
  Zone zone = Zone::ignore;
  Failover failover;
  Through through;
  // Whose instances serve now; empty: all are of one datacenter. Those of others stand by.
  std::string datacenter;
  Millis slow_start{0}, drain_time = 30s;
  OnUnhealthy on_unhealthy = OnUnhealthy::drain;
  OnReturn on_return = OnReturn::keep;
  Queue queue;
  Share canary, mirror;
  SendProxy send_proxy = SendProxy::none;
  Forwarded forwarded = Forwarded::x;
  std::string host;  // the Host sent to the endpoint; empty: unchanged
  // TLS to the endpoint; only gatehouse.yaml may set these.
  std::string tls_name;  // SNI and verified name; empty: the host sent
  std::string tls_ca_file, tls_certificate_file, tls_key_file;
  bool tls_verify = true;
  std::vector<Route> routes;
  std::vector<TcpEntry> tcp;
  std::vector<Instance> instances;
  bool leads_through(const Instance& instance) const {
    return !through.tunnel.empty() && (through.datacenter.empty() || through.datacenter == instance.datacenter);
  }
  bool operator==(const Service&) const = default;
};

// hosts: in gatehouse.yaml. Holds for every route of that host, whichever service carries it.
struct HostPolicy {
  std::string certificate;  // "file:NAME", "acme", "none" or empty
  std::vector<IpPrefix> allow, deny;
  std::optional<Millis> hsts;
  std::optional<HttpMode> http;
  KeyOrigin allow_at, deny_at;
  bool operator==(const HostPolicy&) const = default;
};

// Everything the routing world is built from: the merged catalog. Immutable once made.
struct RoutingTable {
  std::map<std::string, HostPolicy> hosts;               // exact names or "*.x", "**.x"
  std::vector<std::shared_ptr<const Service>> services;  // sorted by name; equal ones are shared between tables
  std::vector<Page> pages;                               // of "*": of answers that no route gives
  Findings findings;                                     // conflicts, refused keys, foreign tags: shown in `status`
};

}  // namespace gatehouse::conf
