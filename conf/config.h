// config.h: gatehouse.yaml as plain data: what belongs to the node. Services come from the catalog.
//   Defaults stand here, but for those that depend on the process (default_config, config_keys.h). Read by reader.h,
//   judged by check.h. Paths are absolute once read. A new key: a member here, a row in config_keys.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "conf/guard.h"
#include "conf/service.h"
#include "conf/service_layer.h"
#include "conf/tunnel.h"
#include "net/clock.h"
#include "net/http_place.h"
#include "net/ip.h"
#include "net/secret.h"

namespace gatehouse::conf {

struct Node {
  std::string name;  // default: the host's
  std::string zone;
  std::string datacenter = "dc1";
  std::string user;   // dropped to after bind, when started as root; empty: gatehouse, if it exists
  std::string state;  // default: $STATE_DIRECTORY, else /var/lib/gatehouse
  bool operator==(const Node&) const = default;
};

struct Listen {
  std::string name;
  SocketAddress address;
  bool tls = false;
  bool http2 = true;                     // by ALPN over TLS, else by the client's preface
  std::vector<IpPrefix> proxy_protocol;  // required from these, an error from others
  std::vector<std::string> only;         // services; empty: all
  Origin at;
  bool operator==(const Listen&) const = default;
};

// How TLS is spoken to an agent; paths of PEM files.
struct ConsulTls {
  std::string ca;                // empty: the machine's own authorities
  std::string certificate, key;  // shown to an agent that asks; empty: none
  std::string name;              // whom its certificate must name; empty: the host of its address
  bool operator==(const ConsulTls&) const = default;
};

// One datacenter's Consul.
struct ConsulServer {
  static constexpr std::uint16_t usual_port = 8500, usual_tls_port = 8501;
  std::string datacenter;             // empty: the agent's own
  std::string partition, namespace_;  // of Consul Enterprise; empty: not said
  HttpPlace address{.host = "127.0.0.1", .port = usual_port};
  ConsulTls tls;
  Secret token;                           // none: the anonymous one
  std::string register_as = "gatehouse";  // the service as which the door registers itself; empty: it doesn't
  std::string tagged_address;  // which of an instance's TaggedAddresses to use: "lan", "wan", …; empty: its address
  bool operator==(const ConsulServer&) const = default;
};

struct CatalogSource {
  std::string files = "/etc/gatehouse/services";  // folder of Consul service definitions; empty: none
  std::vector<std::string> spellings{"native"};   // of tags: native, fabio, traefik
  std::vector<ConsulServer> consul;
  std::vector<std::string> permit_hosts;   // what tags may claim; empty: any
  std::vector<std::string> permit_listen;  // "address:port" or "address:low-high"; empty: none
  bool operator==(const CatalogSource&) const = default;
};

enum class AcmeKey { p256, p384, rsa2048, rsa3072, rsa4096 };

// What a CA's web site gave out for an account there (RFC 8555 7.3.4).
struct AcmeBinding {
  std::string kid;  // empty: none
  Secret hmac;      // base64url
  bool operator==(const AcmeBinding&) const = default;
};

struct AcmeDirectory {
  std::string url = "https://acme-v02.api.letsencrypt.org/directory";
  std::string ca;       // authorities that may sign the CA's own certificate; empty: the machine's
  std::string profile;  // empty: the CA's choice
  std::string chain;    // whom it leads to, where the CA offers several chains; empty: the CA's choice
  AcmeBinding eab;
  bool operator==(const AcmeDirectory&) const = default;
};

// A zone of the DNS whose TXT records we can have written, and by whom.
struct DnsZone {
  enum class Provider { gandi, rfc2136, acme_dns, exec };
  std::string zone;
  Provider provider = Provider::exec;
  Secret token;         // gandi
  std::string url, ca;  // gandi, acme-dns: of the API; empty: Gandi's own. Authorities for it; empty: the machine's
  std::string server;   // rfc2136: "192.0.2.1:53"
  std::string key;      // rfc2136: a file as BIND writes it
  std::string account;  // acme-dns: a file of its accounts
  std::string command;  // exec
  bool operator==(const DnsZone&) const = default;
};

// Certificates that are obtained by themselves.
struct Acme {
  std::vector<AcmeDirectory> directories{{}};  // in the order of fall-back
  bool agree_tos = false;
  std::vector<std::string> contact;    // addresses of mail
  std::vector<std::string> permit;     // routed hosts within these are obtained; empty: none
  std::vector<std::string> wildcards;  // hosts within these are covered by their parent's wildcard
  std::vector<DnsZone> dns;
  std::string resolver;       // "192.0.2.1:53", whom the DNS is asked; empty: the system's
  Millis propagation = 5min;  // until a TXT record must be seen everywhere
  AcmeKey key = AcmeKey::p256;
  bool on() const { return !permit.empty(); }
  bool operator==(const Acme&) const = default;
};

struct Certificates {
  std::string files;  // folder of NAME.crt + NAME.key, watched; empty: none
  Acme acme;
  bool operator==(const Certificates&) const = default;
};

struct Admin {
  std::string socket;  // default: $RUNTIME_DIRECTORY/admin.sock, else /run/gatehouse/admin.sock
  std::string group;
  bool operator==(const Admin&) const = default;
};

struct Metrics {
  SocketAddress address{IpAddress::v4(127, 0, 0, 1), 9901};
  std::vector<IpPrefix> allow{
      {IpAddress::v4(127, 0, 0, 0), 96 + 8},
      {IpAddress{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128}};  // this machine
  std::vector<std::string> hosts;  // Host values believed besides addresses and localhost
  bool operator==(const Metrics&) const = default;
};

struct Limits {
  std::uint64_t memory = 512ull << 20;
  unsigned connections = 0;  // 0: half of RLIMIT_NOFILE
  unsigned connections_per_client = 256;
  std::size_t request_line = 16 << 10;
  std::size_t fields = 32 << 10;
  unsigned field_count = 100;
  Millis header_time = 10s, handshake_time = 10s;
  Millis keep_alive_time = 75s;  // idle between requests
  unsigned keep_alive_requests = 10000;
  unsigned http2_streams = 100;           // at once on one connection
  std::uint64_t http2_window = 64 << 10;  // of a stream
  std::uint64_t http2_connection_window = 1 << 20;
  std::uint64_t http2_frame = 16 << 10;
  unsigned http2_odd_events = 1000;  // on one connection; a thirtieth of them is forgiven each second
  Millis body_idle_time = 60s;
  std::uint64_t body_rate = 1024;  // bytes a second, judged from body_rate_after on; 0: off
  Millis body_rate_after = 10s;
  Millis backend_idle_time = 30s;
  unsigned backend_idle_connections = 64;  // per endpoint and worker
  unsigned backend_http2_streams = 100;    // at once on one connection
  std::uint64_t backend_http2_window = 64 << 10;
  unsigned compressions = 256;  // at once, by each worker
  Millis shutdown_delay = 0ms;  // SIGTERM: readiness fails for so long before the listeners close
  Millis shutdown_time = 60s;   // then requests may finish for so long
  bool operator==(const Limits&) const = default;
};

struct AccessLog {
  enum class Format { json };
  std::string to = "stdout";  // a file's path, "stdout" or "off"
  Format format = Format::json;
  std::vector<std::string> redact;  // fields written as "-"
  bool operator==(const AccessLog&) const = default;
};

struct EventLog {
  std::string to = "stdout";
  std::string level = "info";  // debug, info, warning, error
  bool operator==(const EventLog&) const = default;
};

struct Config {
  std::string file;    // what it was read from, as the operator named it
  std::string folder;  // of the file, absolute: where relative paths begin
  Node node;
  unsigned workers = 0;  // 0: the cores
  std::vector<Listen> listen;
  std::vector<IpPrefix> trusted_proxies;
  CatalogSource catalog;
  std::map<std::string, HostPolicy> hosts;
  std::map<std::string, AuthSource> auth;
  std::map<std::string, ServiceLayer> services;  // "*" for all
  Certificates certificates;
  Guard guard;
  Tunnel tunnel;
  Admin admin;
  Metrics metrics;
  Limits limits;
  AccessLog access_log;
  EventLog event_log;
  bool operator==(const Config&) const = default;
};

}  // namespace gatehouse::conf
