#include "conf/check.h"

#include <gtest/gtest.h>

#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

using Texts = std::vector<std::string>;

Texts judged(std::string_view text) {
  const ReadConfig read = read_text(text);
  EXPECT_EQ(texts(read.findings), Texts{}) << text;
  return texts(check_config(read));
}

TEST(Check, AHeadMayBeAsLargeAsItsSlab) {
  EXPECT_EQ(judged("limits: { request_line: 31KiB, fields: 31KiB }"), Texts{});
}

TEST(Check, TheDefaultsAreSound) { EXPECT_EQ(judged(""), Texts{}); }

TEST(Check, SaysWhatKeysSayAgainstEachOther) {
  const struct {
    const char* text;
    const char* finding;
  } rows[] = {
      {"listen: []", "gatehouse.yaml:1:1: listen: no listener: nothing would be served"},
      {"catalog:\n  consul:\n    - { address: 'http://a:8500' }\n    - { address: 'http://b:8500' }",
       "gatehouse.yaml:4:7: catalog.consul[1].datacenter: the same as that of catalog.consul[0]: write whose "
       "services "
       "each of them is asked for"},
      {"catalog: { consul: [{ token: { file: '' } }] }",
       "gatehouse.yaml:1:32: warning: catalog.consul[0].token.file: an empty path: Consul is asked without a token; "
       "name the file, or leave `token` out"},
      {"listen:\n  - { name: a, address: ':80' }\n  - { name: a, address: ':81' }",
       "gatehouse.yaml:3:7: listen[1].name: a: this name is taken already"},
      {"listen:\n  - { name: a, address: '10.0.0.1:80' }\n  - { name: b, address: '10.0.0.1:80' }",
       "gatehouse.yaml:3:16: listen[1].address: 10.0.0.1:80: taken by a"},
      {"listen:\n  - { name: a, address: ':80' }\n  - { name: b, address: '10.0.0.1:80' }",
       "gatehouse.yaml:3:16: listen[1].address: 10.0.0.1:80: taken by a, at [::]:80"},
      {"listen:\n  - { name: a, address: '10.0.0.1:80' }\n  - { name: b, address: '0.0.0.0:80' }",
       "gatehouse.yaml:3:16: listen[1].address: 0.0.0.0:80: taken by a, at 10.0.0.1:80"},
      {"listen: [ { name: a, address: ':443', tls: true } ]",
       "gatehouse.yaml:1:39: listen[0].tls: a TLS listener needs certificates: write where they are in "
       "certificates.files, or which hosts are to get theirs in certificates.acme.permit"},
      {"hosts: { a.b.example: { certificate: file:x } }",
       "gatehouse.yaml:1:25: hosts.a.b.example.certificate: there is no folder to find it in: write "
       "certificates.files"},
      {"limits: { request_line: 31KiB, fields: 32KiB }",
       "gatehouse.yaml:1:32: limits.fields: makes 63KiB with limits.request_line; a head holds 62KiB at most"},
      {"hosts: { a.example: { http: redirect } }",
       "gatehouse.yaml:1:23: warning: hosts.a.example.http: there is no TLS listener to redirect to"},
      {"hosts: { a.example: { hsts: 180d } }",
       "gatehouse.yaml:1:23: warning: hosts.a.example.hsts: is sent over TLS alone, and there is no TLS listener"},
      {"trusted_proxies: [10.0.0.0/8, 0.0.0.0/0]",
       "gatehouse.yaml:1:1: warning: trusted_proxies: everybody is believed: any client can make up its address"},
      {"listen: [ { name: a, address: ':80', proxy_protocol: '::/0' } ]",
       "gatehouse.yaml:1:38: warning: listen[0].proxy_protocol: everybody is believed: any client can make up its "
       "address"},
      {"metrics: { address: ':80', allow: 10.0.0.0/8 }\nlisten: [ { name: a, address: '127.0.0.1:80' } ]",
       "gatehouse.yaml:1:12: metrics.address: [::]:80: taken by a, at 127.0.0.1:80"},
      {"metrics: { address: '203.0.113.1:9901', allow: 0.0.0.0/0 }",
       "gatehouse.yaml:1:41: warning: metrics.allow: everybody may read the metrics at 203.0.113.1:9901"},
      {"metrics: { address: '10.0.0.1:9901' }",
       "gatehouse.yaml:1:12: warning: metrics.address: 10.0.0.1:9901: none but this machine may read it; write in "
       "metrics.allow who else may"},
      {"logs: { access: { to: a.log }, events: { to: a.log } }",
       "gatehouse.yaml:1:42: logs.events.to: the same file as logs.access.to; write one of them elsewhere"},
  };
  for (const auto& row : rows) EXPECT_EQ(judged(row.text), Texts{row.finding}) << row.text;
}

TEST(Check, AFindingOfAnAbsentKeyStandsAtTheFile) {
  const ReadConfig read = read_text("listen: [ { name: a, address: '127.0.0.1:9901' } ]");
  EXPECT_EQ(texts(check_config(read)), Texts{"gatehouse.yaml: metrics.address: 127.0.0.1:9901: taken by a"});
}

TEST(Check, OfAFileWithErrorsWhatCouldBeReadIsJudged) {
  const ReadConfig read = read_text(
      "certificates: { files: [] }\n"
      "listen: [ { nme: a, address: x, tls: true }, { nme: b, address: y }, { name: c, address: ':80' },\n"
      "  { name: c, address: ':81' } ]\n"
      "trusted_proxies: 0.0.0.0/0\n"
      "hosts: { a.example: { certificate: file:x } }");
  EXPECT_TRUE(has_error(read.findings));
  EXPECT_EQ(texts(check_config(read)),
            (Texts{"gatehouse.yaml:3:5: listen[3].name: c: this name is taken already",
                   "gatehouse.yaml:4:1: warning: trusted_proxies: everybody is believed: any client can make up its "
                   "address"}));
}

TEST(Check, WhatIsSoundIsNotSpokenOf) {
  EXPECT_EQ(
      judged("certificates: { files: c }\n"
             "listen: [ { name: a, address: '10.0.0.1:443', tls: true }, { name: b, address: '10.0.0.2:443' } ]\n"
             "hosts: { a.example: { certificate: file:x, http: redirect, hsts: 180d } }\n"
             "metrics: { address: '10.0.0.1:9901', allow: 10.0.0.0/8 }\n"
             "logs: { access: { to: stdout }, events: { to: stdout } }"),
      Texts{});
}

TEST(Check, AServiceThatNobodyKnowsIsNamed) {
  const ReadConfig read =
      read_text("listen: [ { name: a, address: ':80', only: [shop, couchbd, couchdb] } ]\nservices: { shop: {} }");
  Findings findings = check_listed_services(read.config, {"couchdb", "mysql"});
  place(findings, read.positions);
  EXPECT_EQ(texts(findings),
            Texts{"gatehouse.yaml:1:38: warning: listen[0].only: couchbd: no service of this name; did you mean "
                  "couchdb?"});
}

}  // namespace
}  // namespace gatehouse::conf
