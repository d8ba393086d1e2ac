#include "conf/reader.h"

#include <gtest/gtest.h>

#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

using Texts = std::vector<std::string>;

TEST(Reader, AnEmptyFileIsTheDefaults) {
  for (const char* text : {"", "# nothing\n", "---\n", "node:\nlisten:\nlimits: {}\nhosts:\n"}) {
    const ReadConfig read = read_text(text);
    EXPECT_EQ(texts(read.findings), Texts{}) << text;
    EXPECT_EQ(read.config, defaults()) << text;
  }
}

TEST(Reader, DefaultsDependOnTheSurroundings) {
  const Config plain = read_config_text("", "f", {.host_name = "here"}).config;
  EXPECT_EQ(plain.node.name, "here");
  EXPECT_EQ(plain.node.state, "/var/lib/gatehouse");
  EXPECT_EQ(plain.admin.socket, "/run/gatehouse/admin.sock");
  EXPECT_EQ(plain.catalog.files, "/etc/gatehouse/services");
  ASSERT_EQ(plain.listen.size(), 1u);
  EXPECT_EQ(plain.listen[0].address.text(), "[::]:8080");

  const Config unit =
      read_config_text("", "f", {.low_ports = true, .state_directory = "/s", .runtime_directory = "/r"}).config;
  EXPECT_EQ(unit.node.state, "/s");
  EXPECT_EQ(unit.admin.socket, "/r/admin.sock");
  EXPECT_EQ(unit.listen[0].address.text(), "[::]:80");
}

TEST(Reader, ReadsEverySection) {
  const ReadConfig read = read_text(R"(
node: { name: fd1, zone: a, datacenter: dc2, user: door, state: /data }
workers: 4
listen:
  - { name: https, address: "[::]:443", tls: true, proxy_protocol: [127.12.250.0/24] }
  - { name: couch, address: "127.13.0.1:5984", only: couchdb }
trusted_proxies: 127.12.250.0/24
catalog: { files: services/, permit: { hosts: ["**.Example."], listen: ["127.11.0.1:1024-65535"] } }
hosts:
  Learn.Bank.example: { certificate: file:bank, allow: [127.11.100.0/24], hsts: 180d, http: refuse }
certificates: { files: ../certs }
admin: { socket: door.sock, group: ops }
metrics: { address: "127.0.0.1:1", allow: [10.0.0.0/8], hosts: door.example }
limits: { memory: 1GiB, connections: 5000, body_rate: off, header_time: 1m, field_count: 50 }
logs: { access: { to: access.log, redact: [query] }, events: { to: logs/events.log, level: debug } }
)");
  ASSERT_EQ(texts(read.findings), Texts{});
  const Config& config = read.config;
  EXPECT_EQ(config.node, (Node{"fd1", "a", "dc2", "door", "/data"}));
  EXPECT_EQ(config.workers, 4u);
  ASSERT_EQ(config.listen.size(), 2u);
  EXPECT_TRUE(config.listen[0].tls);
  EXPECT_EQ(config.listen[0].proxy_protocol.at(0).text(), "127.12.250.0/24");
  EXPECT_EQ(config.listen[0].at.line, 5u);
  EXPECT_EQ(config.listen[1].only, Texts{"couchdb"});
  EXPECT_EQ(config.trusted_proxies.size(), 1u);
  EXPECT_EQ(config.catalog.files, "/srv/door/services");
  EXPECT_EQ(config.catalog.permit_hosts, Texts{"**.example"});
  EXPECT_EQ(config.catalog.permit_listen, Texts{"127.11.0.1:1024-65535"});
  const HostPolicy& bank = config.hosts.at("learn.bank.example");
  EXPECT_EQ(bank.certificate, "file:bank");
  EXPECT_EQ(bank.hsts, Millis(24h * 180));
  EXPECT_EQ(bank.http, HttpMode::refuse);
  EXPECT_EQ(config.certificates.files, "/srv/certs");
  EXPECT_EQ(config.admin.socket, "/srv/door/door.sock");
  EXPECT_EQ(config.metrics.hosts, Texts{"door.example"});
  EXPECT_EQ(config.limits.memory, 1ull << 30);
  EXPECT_EQ(config.limits.body_rate, 0u);
  EXPECT_EQ(config.limits.header_time, 60s);
  EXPECT_EQ(config.limits.keep_alive_time, Limits().keep_alive_time);
  EXPECT_EQ(config.access_log.to, "/var/log/gatehouse/access.log");
  EXPECT_EQ(config.event_log.to, "/srv/door/logs/events.log");
}

TEST(Reader, LogsWithoutASlashBelongToTheLogsFolder) {
  Surroundings around = test_surroundings();
  around.logs_directory = "/logs";
  const ReadConfig read = read_config_text("logs: { access: { to: a.log }, events: { to: 'off' } }", "f", around);
  EXPECT_EQ(read.config.access_log.to, "/logs/a.log");
  EXPECT_EQ(read.config.event_log.to, "off");
}

struct Row {
  const char* text;
  const char* finding;
};

void expect_findings(std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_EQ(texts(read_text(row.text).findings), Texts{row.finding}) << row.text;
}

TEST(Reader, AnUnknownKeyIsAnErrorWithTheNearestKnownOne) {
  expect_findings({
      {"lisen: []", "gatehouse.yaml:1:1: lisen: unknown key; did you mean listen?"},
      {"limits:\n  header_tme: 5s", "gatehouse.yaml:2:3: limits.header_tme: unknown key; did you mean header_time?"},
      {"cluster: { name: x }",
       "gatehouse.yaml:1:1: cluster: unknown key: planned, but not carried yet; leave it out"},
      {"cluster: {}", "gatehouse.yaml:1:1: cluster: unknown key: planned, but not carried yet; leave it out"},
      {"catalog: { consul: [ { adress: x } ] }",
       "gatehouse.yaml:1:24: catalog.consul[0].adress: unknown key; did you mean address?"},
      {"catalog: { spellings: [native, nginx] }",
       "gatehouse.yaml:1:32: catalog.spellings[1]: nginx: write one of native, fabio, traefik"},
      {"certificates: { acme: { permits: [] } }",
       "gatehouse.yaml:1:25: certificates.acme.permits: unknown key; did you mean permit?"},
      {"services: { off: { rout: x.example } }",
       "gatehouse.yaml:1:20: services.off.rout: unknown key; did you mean route?"},
  });
}

TEST(Reader, ANetworkWrittenWithTheBitsOfAHostIsReadAndTold) {
  expect_findings({
      {"trusted_proxies: [192.0.2.0/24, 10.0.0.7/8]",
       "gatehouse.yaml:1:33: warning: trusted_proxies[1]: 10.0.0.7/8: holds all of 10.0.0.0/8; write that, or "
       "10.0.0.7 "
       "for the one address"},
      {"services: { off: { allow: '192.0.2.0/24,2001:db8::1/32' } }",
       "gatehouse.yaml:1:27: warning: services.off.allow: 2001:db8::1/32: holds all of 2001:db8::/32; write that, or "
       "2001:db8::1 for the one address"},
      {"services: { off: { route: x.example deny=10.1.2.0/16 } }",
       "gatehouse.yaml:1:27: warning: services.off.route: 10.1.2.0/16: holds all of 10.1.0.0/16; write that, or "
       "10.1.2.0 for the one address"},
  });
  EXPECT_EQ(read_text("trusted_proxies: 10.0.0.7/8").config.trusted_proxies.at(0).text(), "10.0.0.0/8");
}

// Whoever writes it means nobody, and it would let in all.
TEST(Reader, AnAllowWithNothingInItIsAnError) {
  expect_findings({
      {"hosts: { a.example: { allow: [] } }",
       "gatehouse.yaml:1:30: hosts.a.example.allow: nothing is said here; write the networks, or leave the key out"},
      {"hosts:\n  a.example:\n    allow:\n",
       "gatehouse.yaml:3:5: hosts.a.example.allow: nothing is said here; write the networks, or leave the key out"},
      {"hosts: { a.example: { deny: [] } }",
       "gatehouse.yaml:1:29: hosts.a.example.deny: nothing is said here; write the networks, or leave the key out"},
      {"services: { a: { allow: [] } }",
       "gatehouse.yaml:1:25: services.a.allow: nothing is said here; write network[,network …], or leave the key "
       "out"},
      {"services: { '*': { deny: [] } }",
       "gatehouse.yaml:1:26: services.*.deny: nothing is said here; write network[,network …], or leave the key out"},
      {"services: { a: { allow: } }",
       "gatehouse.yaml:1:18: services.a.allow: write one value here (network[,network …]), not nothing"},
      {"services: { a: { allow: '' } }",
       "gatehouse.yaml:1:25: services.a.allow: : not a network; write it as in 10.0.0.0/8, 192.0.2.7 or "
       "2001:db8::/32"},
      {"services: { a: { route: { value: x.example, allow: [] } } }",
       "gatehouse.yaml:1:25: services.a.route: allow=: not a network; write it as in 10.0.0.0/8, 192.0.2.7 or "
       "2001:db8::/32"},
  });
  EXPECT_EQ(read_text("metrics: { allow: [] }").findings.size(), 0u);  // there it means what it says: nobody
}

TEST(Reader, AValueOfTheWrongFormIsToldWhatToWrite) {
  expect_findings({
      {"limits: { header_time: 60 }",
       "gatehouse.yaml:1:24: limits.header_time: 60: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d"},
      {"limits: { header_time: 99ms }",
       "gatehouse.yaml:1:24: limits.header_time: 99ms: write a duration from 100ms to 1h"},
      {"limits: { header_time: 3601s }",
       "gatehouse.yaml:1:24: limits.header_time: 3601s: write a duration from 100ms to 1h"},
      {"limits: { memory: 512 }", "gatehouse.yaml:1:19: limits.memory: 512: write a size from 64MiB to 1TiB"},
      {"limits: { memory: 2G }",
       "gatehouse.yaml:1:19: limits.memory: 2G: not a size; write it as in 512, 64KiB, 10MB, 2GiB"},
      {"limits: { body_rate: 1KiB }",
       "gatehouse.yaml:1:22: limits.body_rate: 1KiB: write off, or bytes a second up to 1GiB/s, as in 1KiB/s"},
      {"limits: { field_count: many }",
       "gatehouse.yaml:1:24: limits.field_count: many: write a number from 8 to 128"},
      {"limits: { field_count: 129 }", "gatehouse.yaml:1:24: limits.field_count: 129: write a number from 8 to 128"},
      {"limits: { fields: 62KiB }", "gatehouse.yaml:1:19: limits.fields: 62KiB: write a size from 1KiB to 61KiB"},
      {"workers: 0", "gatehouse.yaml:1:10: workers: 0: write auto, or 1 to 1024"},
      {"listen: [ { name: a, address: ':1', tls: yes } ]",
       "gatehouse.yaml:1:42: listen[0].tls: yes: write true or false"},
      {"logs: { events: { level: warn } }",
       "gatehouse.yaml:1:26: logs.events.level: warn: write one of debug, info, warning, error; did you mean "
       "warning?"},
      {"logs: { access: { format: text } }", "gatehouse.yaml:1:27: logs.access.format: text: write json"},
      {"logs: { access: { to: journald } }",
       "gatehouse.yaml:1:23: logs.access.to: journald: write stdout, off or a file's path"},
      {"logs: { access: { redact: [quer] } }",
       "gatehouse.yaml:1:28: logs.access.redact[0]: quer: write one of client_address, peer_address, host, path, "
       "query, "
       "request_id, user, user_agent, referer; did you mean query?"},
      {"node: { name: 'two words' }",
       "gatehouse.yaml:1:15: node.name: two words: write a name of letters, digits, '.', '_' and '-'"},
  });
}

TEST(Reader, AddressesNetworksAndHostsAreReadStrictly) {
  expect_findings({
      {"listen: [ { name: a, address: 127.0.0.1 } ]",
       "gatehouse.yaml:1:31: listen[0].address: 127.0.0.1: write an address and a port, as in 127.0.0.1:80, "
       "\"[::]:443\" or :8080"},
      {"listen: [ { name: a, address: 'localhost:80' } ]",
       "gatehouse.yaml:1:31: listen[0].address: localhost:80: names are not taken here; write an address and a port, "
       "as in 127.0.0.1:80, or \"[::]:80\" for all addresses"},
      {"listen: [ { name: a, address: '*:80' } ]",
       "gatehouse.yaml:1:31: listen[0].address: *:80: write \"[::]:80\" for all addresses, with your port"},
      {"listen: [ { name: a, address: 'fe80::1:80' } ]",
       "gatehouse.yaml:1:31: listen[0].address: fe80::1:80: write an address and a port, as in 127.0.0.1:80, "
       "\"[::]:443\" or :8080"},
      {"listen: [ { name: a } ]", "gatehouse.yaml:1:11: listen[0]: address is missing"},
      {"certificates:\n  files:\n",
       "gatehouse.yaml:2:3: certificates.files: write one value here (path, none), not nothing"},
      {"trusted_proxies: [10.0.0.0/8, 10.0.0.300]",
       "gatehouse.yaml:1:31: trusted_proxies[1]: 10.0.0.300: write a network, as in 10.0.0.0/8, 2001:db8::/32 or "
       "192.0.2.1"},
      {"catalog: { permit: { listen: ['127.0.0.1:80-70'] } }",
       "gatehouse.yaml:1:31: catalog.permit.listen[0]: 127.0.0.1:80-70: write an address and a port or ports, as in "
       "127.0.0.1:3306 or 127.0.0.1:1024-65535"},
      {"catalog: { permit: { hosts: ['a..b'] } }",
       "gatehouse.yaml:1:30: catalog.permit.hosts[0]: a..b: not a host; write a name, *.name (one label) or **.name "
       "(one or more)"},
      {"hosts: { 'a b.example': {} }",
       "gatehouse.yaml:1:10: hosts.a b.example: a b.example: not a host; write a name, *.name (one label) or **.name "
       "(one or more)"},
      {"hosts: { a.example: { certificate: bank } }",
       "gatehouse.yaml:1:36: hosts.a.example.certificate: bank: write file:NAME, acme or none"},
      {"hosts: { a.example: { http: maybe } }",
       "gatehouse.yaml:1:29: hosts.a.example.http: maybe: write one of redirect, serve, refuse"},
      {"metrics: { hosts: '*.example' }",
       "gatehouse.yaml:1:19: metrics.hosts: *.example: write one name, without a star"},
      {"admin: { socket: '' }",
       "gatehouse.yaml:1:18: admin.socket: /srv/door: the path of a Unix socket has 1 to 107 bytes"},
      {"node: { state: '' }", "gatehouse.yaml:1:16: node.state: an empty path"},
  });
}

TEST(Reader, AListWhereAMappingIsDueIsSaidSo) {
  expect_findings({
      {"- a\n- b", "gatehouse.yaml:1:1: a mapping (key: value) is due here, not a list"},
      {"just text", "gatehouse.yaml:1:1: a mapping (key: value) is due here, not a single value"},
      {"limits: [a]", "gatehouse.yaml:1:9: limits: a mapping (key: value) is due here, not a list"},
      {"listen: { name: a, address: ':80' }",
       "gatehouse.yaml:1:9: listen: a list is due here: start each entry with \"- \""},
      {"listen: [ ':80' ]", "gatehouse.yaml:1:11: listen[0]: a mapping (key: value) is due here, not a single value"},
      {"limits: { memory: [1GiB] }",
       "gatehouse.yaml:1:19: limits.memory: write one value here (size, 64MiB to 1TiB), not a list"},
      {"limits:\n  memory:",
       "gatehouse.yaml:2:3: limits.memory: write one value here (size, 64MiB to 1TiB), not nothing"},
      {"? [a, b]\n: c", "gatehouse.yaml:1:3: a key must be a word, not a list"},
      {"hosts: { a.example: 5 }",
       "gatehouse.yaml:1:21: hosts.a.example: a mapping (key: value) is due here, not a single value"},
  });
}

TEST(Reader, AKeyGivenTwiceIsAnError) {
  expect_findings({
      {"workers: 1\nworkers: 2", "gatehouse.yaml:2:1: workers: given twice; the first is on line 1"},
      {"limits: { memory: 1GiB, memory: 1GiB }",
       "gatehouse.yaml:1:25: limits.memory: given twice; the first is on line 1"},
      {"hosts: { a.example: {}, A.Example.: {} }",
       "gatehouse.yaml:1:25: hosts.A.Example.: given twice, as a.example"},
      {"services: { a: { timeout: 1s, timeout: 2s } }",
       "gatehouse.yaml:1:31: services.a.timeout: given twice; the first is on line 1"},
      {"node: { <<: { name: a } }", "gatehouse.yaml:1:9: node.<<: merge keys are not read; write the keys out"},
  });
}

TEST(Reader, WhatAServiceSaysIsJudgedByItsKeys) {
  expect_findings({
      {"services: { a: { balance: best } }",
       "gatehouse.yaml:1:27: services.a.balance: best: write round_robin, least_request, least_connection, "
       "peak_ewma, "
       "random or maglev"},
      {"services: { a: { balance: [random] } }",
       "gatehouse.yaml:1:27: services.a.balance: one value is due here, not a list"},
      {"services: { a: { health: { value: { x: y } } } }",
       "gatehouse.yaml:1:35: services.a.health.value: write one value here (text), not a mapping (key: value)"},
      {"services: { a/b: {} }",
       "gatehouse.yaml:1:13: services.a/b: a/b: a service's name is 1 to 128 characters, without spaces and slashes"},
      {"services: { '*': { route: x.example } }",
       "gatehouse.yaml:1:27: services.*.route: a route belongs to one service"},
      {"services: { a: { route: [x.example, [y.example]] } }",
       "gatehouse.yaml:1:37: services.a.route[1]: write one value here ([host][:port][/path] [option=value …]), not "
       "a "
       "list"},
      {"services: { a: { route: [x.example, 'http://x'] } }",
       "gatehouse.yaml:1:37: services.a.route: http://x: write host/path, without the scheme"},
  });
}

TEST(Reader, TellsAllErrorsOfAFileInItsOrder) {
  const ReadConfig read = read_text(R"(cluster: {}
limits:
  header_time: 5
  body_idle_tme: 1s
listen:
  - { name: http, address: 80 }
  - { tls: true, nme: x }
workers: many
)");
  EXPECT_EQ(texts(read.findings),
            (Texts{
                "gatehouse.yaml:1:1: cluster: unknown key: planned, but not carried yet; leave it out",
                "gatehouse.yaml:3:16: limits.header_time: 5: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d",
                "gatehouse.yaml:4:3: limits.body_idle_tme: unknown key; did you mean body_idle_time?",
                "gatehouse.yaml:6:28: listen[0].address: 80: write an address and a port, as in 127.0.0.1:80, "
                "\"[::]:443\" or :8080",
                "gatehouse.yaml:7:5: listen[1]: name is missing",
                "gatehouse.yaml:7:5: listen[1]: address is missing",
                "gatehouse.yaml:7:18: listen[1].nme: unknown key; did you mean name?",
                "gatehouse.yaml:8:10: workers: many: write auto, or 1 to 1024",
            }));
}

TEST(Reader, AnEmptyListEntryLacksWhatIsRequired) {
  EXPECT_EQ(texts(read_text("listen: [ ~ ]").findings),
            (Texts{"gatehouse.yaml:1:11: listen[0]: name is missing",
                   "gatehouse.yaml:1:11: listen[0]: address is missing"}));
}

TEST(Reader, ASyntaxErrorLeavesTheDefaultsAndOneFinding) {
  const ReadConfig read = read_text("workers: 3\nlisten: [");
  EXPECT_EQ(texts(read.findings), Texts{"gatehouse.yaml:2:9: this [ has no ]"});
  EXPECT_EQ(read.config, defaults());
}

TEST(Reader, AliasesMayBeUsed) {
  const ReadConfig read = read_text("trusted_proxies: &lan [10.0.0.0/8, 192.168.0.0/16]\nmetrics: { allow: *lan }\n");
  EXPECT_EQ(texts(read.findings), Texts{});
  EXPECT_EQ(read.config.metrics.allow, read.config.trusted_proxies);
}

std::vector<std::string> said(const ReadConfig& read, const std::string& service, const std::string& key) {
  std::vector<std::string> out;
  for (const Setting& setting : read.config.services.at(service).settings.at(key)) out.push_back(setting.value);
  return out;
}

TEST(Reader, AServiceKeepsItsSettingsAsTagsWouldSayThem) {
  const ReadConfig read = read_text(R"(
services:
  "*": { connect_timeout: 3s }
  off:
    route: ["*.off.example", "off.example/big max_body=2GiB"]
    health: { value: /status, interval: 5s, body: all is well }
    retry: { value: 1, on: [connect, stale], budget: 20% }
    eject: { errors: 5, time: 30s }
)");
  ASSERT_EQ(texts(read.findings), Texts{});
  EXPECT_EQ(read.config.services.at("*").spelling, "yaml");
  EXPECT_EQ(said(read, "*", "connect_timeout"), Texts{"3s"});
  EXPECT_EQ(said(read, "off", "route"), (Texts{"*.off.example", "off.example/big max_body=2GiB"}));
  EXPECT_EQ(said(read, "off", "health"), Texts{"/status interval=5s \"body=all is well\""});
  EXPECT_EQ(said(read, "off", "retry"), Texts{"1 on=connect,stale budget=20%"});
  EXPECT_EQ(said(read, "off", "eject"), Texts{"errors=5 time=30s"});
  EXPECT_EQ(read.config.services.at("off").settings.at("route")[1].at, (Position{"gatehouse.yaml", 5, 30}));
}

TEST(Reader, PathsInServiceKeysBecomeAbsolute) {
  const ReadConfig read = read_text(R"(
services:
  a:
    pages: [ "5xx:pages/sorry.html retry_after=60s", "503:/abs/down.html", '"404:a page.html"' ]
    tls_ca: ../ca.pem
  b: { tls_ca: system }
)");
  ASSERT_EQ(texts(read.findings), Texts{});
  EXPECT_EQ(said(read, "a", "pages"), (Texts{"5xx:/srv/door/pages/sorry.html retry_after=60s", "503:/abs/down.html",
                                             "\"404:/srv/door/a page.html\""}));
  EXPECT_EQ(said(read, "a", "tls_ca"), Texts{"/srv/ca.pem"});
  EXPECT_EQ(said(read, "b", "tls_ca"), Texts{"system"});
}

TEST(Reader, TheAdminSocketIsFoundInWhatCanBeReadOfABrokenFile) {
  const auto socket_in = [](std::string_view text) { return admin_socket_in(text, test_surroundings()); };
  constexpr std::string_view usual = "/run/gatehouse/admin.sock";
  EXPECT_EQ(socket_in("admin: { socket: a.sock }\nlimits: { memry: 1 }"), "/srv/door/a.sock");
  EXPECT_EQ(socket_in("listen: [\nadmin:\n# ours\n\n  socket: a.sock\nhosts: {\n"), "/srv/door/a.sock");
  EXPECT_EQ(socket_in("admin: { socket: a.sock }\nlisten: ["), "/srv/door/a.sock");
  EXPECT_EQ(socket_in("listen: [\nadmin: { socket: a.sock }"), "/srv/door/a.sock");
  EXPECT_EQ(socket_in("admin: { socket: [\n"), usual);
  EXPECT_EQ(socket_in("listen: [\n"), usual);
  EXPECT_EQ(socket_in(""), usual);
}

TEST(Reader, WhatIsNotCarriedYetIsAWarning) {
  const ReadConfig read = read_text("services: { db: { tunnel: offer } }");
  EXPECT_EQ(texts(read.findings),
            Texts{"gatehouse.yaml:1:27: warning: services.db.tunnel: not carried yet: ignored"});
  EXPECT_FALSE(has_error(read.findings));
}

}  // namespace
}  // namespace gatehouse::conf
