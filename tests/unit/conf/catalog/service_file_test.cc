#include "conf/catalog/service_file.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

using conf::HealthCheck;

const Home home{.datacenter = "dc1", .node = "fd1", .address = "127.0.0.9"};

ServiceFile parse(const std::string& text) { return parse_service_file(text, "web.json", home); }

std::vector<std::string> told(const ServiceFile& file) {
  std::vector<std::string> out;
  for (const conf::Finding& finding : file.findings) out.push_back(finding.text());
  return out;
}

const conf::Instance& only(const ServiceFile& file) {
  EXPECT_EQ(file.services.size(), 1u);
  return file.services.at(0).instance;
}

HealthCheck check_of(const std::string& check) {
  const ServiceFile file = parse(R"({"service": {"name": "web", "port": 80, "check": )" + check + "}}");
  EXPECT_TRUE(file.accepted) << check;
  return only(file).checks.at(0);
}

TEST(ServiceFile, AFullDefinition) {
  const ServiceFile file = parse(R"({
  "services": [
    {"id": "web-1", "name": "web", "address": "10.0.0.1", "port": 8000, "tags": ["gatehouse.route=a.example", "x"],
     "weights": {"passing": 10, "warning": 0}, "meta": {"zone": "a"}},
    {"name": "bare"}
  ]
})");
  ASSERT_TRUE(file.accepted);
  ASSERT_EQ(file.services.size(), 2u);
  const conf::Instance& web = file.services[0].instance;
  EXPECT_EQ(web.id, "web-1");
  EXPECT_EQ(web.service, "web");
  EXPECT_EQ(web.node, "fd1");
  EXPECT_EQ(web.datacenter, "dc1");
  EXPECT_EQ(web.address, "10.0.0.1");
  EXPECT_EQ(web.port, 8000);
  EXPECT_EQ(web.tags, (std::vector<std::string>{"gatehouse.route=a.example", "x"}));
  EXPECT_EQ(web.weight_passing, 10u);
  EXPECT_EQ(web.weight_warning, 0u);
  EXPECT_EQ(web.meta.at("zone"), "a");
  EXPECT_EQ(web.at.line, 3u);
  EXPECT_EQ(web.at.column, 5u);
  const conf::Instance& bare = file.services[1].instance;
  EXPECT_EQ(bare.id, "bare");
  EXPECT_EQ(bare.address, "127.0.0.9");
  EXPECT_EQ(bare.weight_passing, 1u);
  EXPECT_EQ(bare.at.line, 5u);
}

TEST(ServiceFile, ListedServicesComeBeforeTheSingleOne) {
  const ServiceFile file = parse(R"({"service": {"name": "z"}, "services": [{"name": "a"}]})");
  ASSERT_EQ(file.services.size(), 2u);
  EXPECT_EQ(file.services[0].instance.service, "a");
  EXPECT_EQ(file.services[1].instance.service, "z");
}

TEST(ServiceFile, AnErrorIsPlacedAndTheWholeFileRefused) {
  const ServiceFile file = parse(
      "{\n  \"services\": [\n    {\"name\": \"a\"},\n    {\"name\": \"b\", \"prot\": 80,\n     \"port\": \"x\"}\n  "
      "]\n}\n");
  EXPECT_FALSE(file.accepted);
  EXPECT_TRUE(file.services.empty());
  EXPECT_EQ(told(file), (std::vector<std::string>{"web.json:4:19: services[1].prot: unknown key; did you mean port?",
                                                  "web.json:5:6: services[1].port: write a number, without quotes"}));
}

TEST(ServiceFile, StrangersBytesInFindingsAreMadePrintable) {
  const ServiceFile file = parse("{\"service\": {\"\\u001b[31m\\n\": 1}}");
  EXPECT_EQ(told(file), (std::vector<std::string>{"web.json:1:14: service.?[31m?: unknown key"}));
}

TEST(ServiceFile, FindingsAreBounded) {
  std::string text = "{\"service\": {";
  for (int i = 0; i < 150; ++i) text += (i ? "," : "") + std::string("\"q") + std::to_string(i) + "qqq\": 1";
  const ServiceFile file = parse(text + "}}");
  ASSERT_EQ(file.findings.size(), 101u);
  EXPECT_EQ(file.findings.back().text(), "web.json: and 50 more");
}

TEST(ServiceFile, OneByteOverTheLimitIsRefused) {
  std::string text = "{}";
  text.append(file_bytes_max - text.size(), ' ');
  EXPECT_TRUE(parse(text).accepted);
  EXPECT_EQ(told(parse(text + " ")), (std::vector<std::string>{"web.json:1:1: larger than 16 MiB; split it"}));
}

TEST(ServiceFile, OneLevelOverTheNestingLimitIsRefused) {
  const auto nested = [](std::size_t levels) {
    std::string text = R"({"service": {"name": "p", "proxy": {"config": )";
    for (std::size_t i = 3; i < levels; ++i) text += "{\"a\":";
    text += "1";
    return text + std::string(levels, '}');
  };
  EXPECT_TRUE(parse(nested(nesting_max)).accepted);
  EXPECT_FALSE(parse(nested(nesting_max + 1)).accepted);
}

TEST(ServiceFile, AnEmptyFileDefinesNothing) {
  const ServiceFile file = parse("");
  EXPECT_TRUE(file.accepted);
  EXPECT_EQ(told(file), (std::vector<std::string>{"web.json:1:1: is empty; write {\"services\": []} to mean none"}));
}

TEST(ServiceFile, HclIsRefusedWithWhatToDo) {
  EXPECT_EQ(hcl_refused("web.hcl").text(),
            "web.hcl: HCL is not read; write the definitions as JSON, in a file that ends in .json");
}

TEST(CheckDefinition, HttpAsConsulAsks) {
  const HealthCheck check =
      check_of(R"({"http": "https://user:p%40ss@back.example:8443/up?x=1#frag", "interval": "5s",
      "method": "PUT", "body": "hi", "header": {"Host": ["web.example"], "X": ["1", "2"]}, "tls_skip_verify": true,
      "tls_server_name": "sni.example"})");
  EXPECT_EQ(check.kind, HealthCheck::Kind::http);
  EXPECT_EQ(check.host, "back.example");
  EXPECT_EQ(check.port, 8443);
  EXPECT_TRUE(check.tls);
  EXPECT_FALSE(check.tls_verify);
  EXPECT_EQ(check.tls_server_name, "sni.example");
  EXPECT_EQ(check.path, "/up?x=1");
  EXPECT_EQ(check.method, "PUT");
  EXPECT_EQ(check.body, "hi");
  EXPECT_TRUE(check.follow_redirects);
  EXPECT_EQ(check.status, (std::vector<conf::StatusRange>{{200, 299}}));
  EXPECT_EQ(check.warning_status, (std::vector<int>{429}));
  EXPECT_EQ(check.headers,
            (std::vector<std::pair<std::string, std::string>>{{"Host", "web.example"},
                                                              {"X", "1"},
                                                              {"X", "2"},
                                                              {"User-Agent", "Consul Health Check"},
                                                              {"Accept", "text/plain, text/*, */*"},
                                                              {"Authorization", "Basic dXNlcjpwQHNz"}}));
}

TEST(CheckDefinition, DefaultsAreConsuls) {
  const HealthCheck check = check_of(R"({"http": "http://10.0.0.1", "interval": "5s"})");
  EXPECT_EQ(check.id, "service:web");
  EXPECT_EQ(check.name, "Service 'web' check");
  EXPECT_EQ(check.port, 80);
  EXPECT_EQ(check.path, "/");
  EXPECT_EQ(check.method, "GET");
  EXPECT_EQ(check.timeout, 10s);
  EXPECT_EQ(check.interval, 5s);
  EXPECT_EQ(check.rise, 1u);
  EXPECT_EQ(check.fall, 1u);
  EXPECT_EQ(check.fall_warning, 0u);
  EXPECT_EQ(check.initial, "critical");
  EXPECT_TRUE(check.tls_verify);
}

TEST(CheckDefinition, ThresholdsMapToRiseAndFall) {
  const HealthCheck check = check_of(R"({"tcp": "10.0.0.1:22", "interval": "5s", "success_before_passing": 3,
      "failures_before_critical": 4, "failures_before_warning": 2})");
  EXPECT_EQ(check.rise, 3u);
  EXPECT_EQ(check.fall, 4u);
  EXPECT_EQ(check.fall_warning, 2u);
}

TEST(CheckDefinition, ShortIntervalsBecomeASecond) {
  EXPECT_EQ(check_of(R"({"tcp": "10.0.0.1:22", "interval": "10ms"})").interval, 1s);
  EXPECT_EQ(check_of(R"({"tcp": "10.0.0.1:22", "interval": "1s", "timeout": "1ns"})").timeout, 1ms);
  EXPECT_EQ(check_of(R"({"tcp": "10.0.0.1:22", "interval": "1s", "timeout": "-1s"})").timeout, 10s);
}

TEST(CheckDefinition, OtherKinds) {
  const HealthCheck tcp = check_of(R"({"tcp": "[2001:db8::1]:22", "interval": "5s"})");
  EXPECT_EQ(tcp.kind, HealthCheck::Kind::tcp);
  EXPECT_EQ(tcp.host, "2001:db8::1");
  EXPECT_EQ(tcp.port, 22);
  const HealthCheck grpc =
      check_of(R"({"grpc": "10.0.0.1:9000/my.Service", "grpc_use_tls": true, "interval": "5s"})");
  EXPECT_EQ(grpc.kind, HealthCheck::Kind::grpc);
  EXPECT_EQ(grpc.path, "my.Service");
  EXPECT_TRUE(grpc.tls);
  const HealthCheck ping = check_of(R"({"h2ping": "db.example:443", "interval": "5s"})");
  EXPECT_EQ(ping.kind, HealthCheck::Kind::h2ping);
  EXPECT_TRUE(ping.tls);
  EXPECT_FALSE(check_of(R"({"h2ping": ":443", "h2ping_use_tls": false, "interval": "5s"})").tls);
  const HealthCheck ttl = check_of(R"({"ttl": "30s", "status": "warning"})");
  EXPECT_EQ(ttl.kind, HealthCheck::Kind::ttl);
  EXPECT_EQ(ttl.ttl, 30s);
  EXPECT_EQ(ttl.initial, "warning");
}

TEST(CheckDefinition, OfTwoKindsTheOneThatConsulRunsIsRun) {
  EXPECT_EQ(check_of(R"({"tcp": "10.0.0.1:22", "http": "http://10.0.0.1/", "interval": "5s"})").kind,
            HealthCheck::Kind::http);
}

TEST(CheckDefinition, ATargetThatCannotBeAskedNeverPasses) {
  for (const char* said : {R"("http": "ftp://10.0.0.1/")", R"("http": "http://")", R"("http": "http://a b/")",
                           R"("http": "http://10.0.0.1:0/")", R"("http": "http://10.0.0.1/\u0001")",
                           R"("http": "http://10.0.0.1/", "header": {"a b": ["c"]})",
                           R"("http": "http://10.0.0.1/", "header": {"a": ["c\r\nd: e"]})",
                           R"("http": "http://10.0.0.1/", "method": "G E T")", R"("tcp": "10.0.0.1")",
                           R"("tcp": "10.0.0.1:http")", R"("grpc": "/x")"}) {
    const HealthCheck check = check_of(std::string("{") + said + R"(, "interval": "5s"})");
    EXPECT_EQ(check.kind, HealthCheck::Kind::ttl) << said;
    EXPECT_EQ(check.initial, "critical") << said;
  }
}

TEST(CheckDefinition, PathsAreEscapedForTheRequestLine) {
  EXPECT_EQ(check_of(R"({"http": "http://10.0.0.1/a b?ü", "interval": "5s"})").path, "/a%20b?%C3%BC");
  EXPECT_EQ(check_of(R"({"http": "http://10.0.0.1?x", "interval": "5s"})").path, "/?x");
}

TEST(CheckDefinition, SeveralAreNumberedListFirst) {
  const ServiceFile file = parse(R"({"service": {"name": "web", "id": "w", "check": {"ttl": "1s"},
      "checks": [{"ttl": "2s"}, {"id": "own", "name": "mine", "ttl": "3s"}]}})");
  const auto& checks = only(file).checks;
  ASSERT_EQ(checks.size(), 3u);
  EXPECT_EQ(checks[0].id, "service:w:1");
  EXPECT_EQ(checks[1].id, "own");
  EXPECT_EQ(checks[1].name, "mine");
  EXPECT_EQ(checks[2].id, "service:w:3");
}

TEST(ServiceFile, PlacesOfManyAreFoundInOneWalkOfTheirList) {
  const auto many = [](std::size_t count) {
    std::string services, checks;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string comma = i == 0 ? "" : ",\n";
      services += comma + R"({"name": "web", "port": 80})";
      checks += comma + R"({"name": "mem", "ttl": "5s"})";
    }
    return parse(R"({"services": [)" + services + R"(], "checks": [)" + checks + "]}");
  };
  const ServiceFile one = many(1), all = many(1000);
  ASSERT_EQ(all.checks.size(), 1000u);
  EXPECT_EQ(all.services[999].instance.at.line, 1000u);
  EXPECT_EQ(all.checks[0].at.line, 1000u);
  EXPECT_EQ(all.checks[999].at.line, 1999u);
  EXPECT_EQ(all.walks, one.walks);
}

TEST(CheckDefinition, WhatANewerConsulRunsIsNotRun) {
  EXPECT_TRUE(only(parse(R"({"service": {"name": "web", "check": {"udp": "10.0.0.1:53", "interval": "5s"}}})"))
                  .checks.empty());
}

}  // namespace
}  // namespace gatehouse::catalog
