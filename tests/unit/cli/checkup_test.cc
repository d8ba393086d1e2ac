#include "cli/checkup.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "tests/unit/net/scratch_folder.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse::cli {
namespace {

constexpr const char* two_services = R"({"services": [
  {"id": "web-1", "name": "web", "address": "10.0.0.1", "port": 80, "tags": ["gatehouse.route=web.example"]},
  {"id": "web-2", "name": "web", "address": "10.0.0.2", "port": 80, "tags": ["gatehouse.route=web.example"]},
  {"id": "api-1", "name": "api", "address": "10.0.0.3", "port": 80,
   "tags": ["gatehouse.route=api.example", "gatehouse.route=web.example/api"]}]})";

class CheckupOf : public testing::Test {
 protected:
  CheckupOf() {
    std::filesystem::create_directory(folder_.path("services"));
    std::filesystem::create_directory(folder_.path("certificates"));
  }
  // What every file here begins with.
  Checkup check(const std::string& more = "") {
    return check_up(folder_.write("gatehouse.yaml",
                                  "node: { name: n1, state: state }\n"
                                  "admin: { socket: admin.sock }\n"
                                  "catalog: { files: services }\n"
                                  "certificates: { files: certificates }\n"
                                  "logs: { access: { to: ./access.log } }\n" +
                                      more));
  }
  static std::string words(const Checkup& checkup) {
    std::string out;
    for (const conf::Finding& finding : checkup.findings) out += finding.text() + "\n";
    return out;
  }
  static bool good(const Checkup& checkup) { return !conf::has_error(checkup.findings); }

  const ScratchFolder folder_;
};

TEST_F(CheckupOf, AGoodConfigurationCountsWhatItFound) {
  folder_.write("services/web.json", two_services);
  const auto now = std::chrono::system_clock::now();
  const test::Pair pair = test::make_pair(
      {.names = {"DNS:web.example"}, .not_before = now - test::day, .not_after = now + 90 * test::day});
  folder_.write("certificates/web.crt", pair.crt);
  folder_.write("certificates/web.key", pair.key);
  const Checkup checkup = check();
  EXPECT_TRUE(good(checkup)) << words(checkup);
  EXPECT_EQ(counts_text(checkup), "2 services, 3 routes, 3 endpoints, 1 certificate");
}

TEST_F(CheckupOf, EveryMistakeIsToldAtOnce) {
  folder_.write("services/web.json", "nonsense");
  folder_.write("a-file", "");
  const std::string told = words(check_up(folder_.write(
      "gatehouse.yaml",
      "node: { name: n1, state: a-file/state }\n"
      "admin: { socket: admin.sock, group: no-such-group-here }\n"
      "catalog: { files: services, consul: [ { adress: x } ] }\n"
      "certificates: { files: none-here, acme: { permits: [] } }\n"
      "hosts: { bank.example: { certificate: 'file:bank' } }\n"
      "listen: [ { name: https, address: ':8443', tls: true }, { name: https, address: ':8444' } ]\n"
      "services: { web: { route: web.example, protocol: https, tls_ca: missing.pem, pages: '503:none.html' } }\n"
      "limits: { memry: 1GiB, header_time: 10 }\n"
      "cluster: {}\n")));
  for (const char* each :
       {":1:19: node.state: ", ":2:30: admin.group: there is no group",
        ":3:41: catalog.consul[0].adress: unknown key; did you mean address?",
        ":4:43: certificates.acme.permits: unknown key", "web.json:1:1: not JSON",
        ":4:17: certificates.files: ", ":5:26: hosts.bank.example.certificate: there is no certificate bank",
        ":6:59: listen[1].name: https: this name is taken already", "services.web: ", "missing.pem",
        ":8:11: limits.memry: unknown key", ":8:37: limits.header_time: ", ":9:1: cluster: unknown key: planned",
        ": pages: "})
    EXPECT_NE(told.find(each), std::string::npos) << each << " is not in\n" << told;
}

TEST_F(CheckupOf, AKeyThatCannotBeReadIsNotJudgedByItsDefault) {
  const std::string told = words(check_up(folder_.write("other.yaml",
                                                        "node: { state: [], user: root }\n"
                                                        "admin: { socket: admin.sock }\n"
                                                        "catalog: { files: [] }\n"
                                                        "certificates: { files: '' }\n"
                                                        "hosts: { bank.example: { certificate: 'file:bank' } }\n"
                                                        "services: { web: { timeout: 5s } }\n")));
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 3) << told;
}

TEST_F(CheckupOf, ACertificateThatEndsSoonIsAWarning) {
  const auto now = std::chrono::system_clock::now();
  for (const auto& [name, left] : {std::pair("late", 13 * test::day), std::pair("fine", 15 * test::day)}) {
    const test::Pair pair = test::make_pair(
        {.names = {"DNS:" + std::string(name) + ".example"}, .not_before = now - test::day, .not_after = now + left});
    folder_.write("certificates/" + std::string(name) + ".crt", pair.crt);
    folder_.write("certificates/" + std::string(name) + ".key", pair.key);
  }
  const Checkup checkup = check();
  EXPECT_TRUE(good(checkup)) << words(checkup);
  EXPECT_NE(words(checkup).find("late.crt: warning: ends at "), std::string::npos) << words(checkup);
  EXPECT_EQ(words(checkup).find("fine.crt"), std::string::npos);
}

TEST_F(CheckupOf, AWarningOfTheFileIsToldOnce) {
  folder_.write("services/web.json", two_services);
  const std::string told = words(check("trusted_proxies: ['0.0.0.0/0']\n"));
  const std::size_t first = told.find("trusted_proxies");
  ASSERT_NE(first, std::string::npos) << told;
  EXPECT_EQ(told.find("trusted_proxies", first + 1), std::string::npos) << told;
}

TEST_F(CheckupOf, RelativePagesBeginAtTheFilesFolderHoweverItIsNamed) {
  folder_.write("services/web.json", two_services);
  folder_.write("sorry.html", "sorry");
  const std::string file = "gatehouse.yaml";
  check("services: { web: { pages: '503:sorry.html' } }\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const Checkup checkup = check_up(file);
  std::filesystem::current_path(before);
  EXPECT_TRUE(good(checkup)) << words(checkup);
}

TEST_F(CheckupOf, ABrokenCatalogFileIsAnErrorAndTheOthersAreRead) {
  folder_.write("services/a.json", "{ nonsense");
  folder_.write("services/web.json", two_services);
  const Checkup checkup = check();
  EXPECT_FALSE(good(checkup));
  EXPECT_NE(words(checkup).find("a.json:1:"), std::string::npos) << words(checkup);
  EXPECT_EQ(checkup.services, 2u);
}

TEST_F(CheckupOf, ACertificateThatOthersCanReadIsAnError) {
  const auto now = std::chrono::system_clock::now();
  const test::Pair pair = test::make_pair({.not_before = now - test::day, .not_after = now + test::day});
  folder_.write("certificates/web.crt", pair.crt);
  folder_.write("certificates/web.key", pair.key, 0644);
  const Checkup checkup = check();
  EXPECT_FALSE(good(checkup));
  EXPECT_NE(words(checkup).find("web.key"), std::string::npos) << words(checkup);
}

TEST_F(CheckupOf, AHostsCertificateMustBeThere) {
  const Checkup checkup = check("hosts: { bank.example: { certificate: 'file:bank' } }\n");
  EXPECT_FALSE(good(checkup));
  EXPECT_NE(words(checkup).find("there is no certificate bank"), std::string::npos) << words(checkup);
}

TEST_F(CheckupOf, WhatServicesNameMustBeReadable) {
  const Checkup checkup = check("services: { web: { route: web.example, protocol: https, tls_ca: missing.pem } }\n");
  EXPECT_FALSE(good(checkup));
  EXPECT_NE(words(checkup).find("missing.pem"), std::string::npos) << words(checkup);
}

TEST_F(CheckupOf, FoldersToWriteInMustBeThereOrPossible) {
  folder_.write("a-file", "");
  const Checkup checkup = check_up(folder_.write("other.yaml",
                                                 "node: { state: a-file/state }\n"
                                                 "admin: { socket: admin.sock }\n"
                                                 "catalog: { files: services }\n"
                                                 "logs: { access: { to: ./missing/access.log } }\n"));
  EXPECT_NE(words(checkup).find("node.state"), std::string::npos) << words(checkup);
  EXPECT_NE(words(checkup).find("logs.access.to"), std::string::npos);
}

TEST_F(CheckupOf, AGroupThatIsNotThereIsAnError) {
  const Checkup checkup = check_up(folder_.write("other.yaml",
                                                 "node: { state: state }\n"
                                                 "admin: { socket: admin.sock, group: no-such-group-here }\n"
                                                 "catalog: { files: services }\n"));
  EXPECT_NE(words(checkup).find("there is no group no-such-group-here"), std::string::npos) << words(checkup);
}

TEST_F(CheckupOf, WhatAConsulIsAskedWithMustBeThere) {
  folder_.write("consul.token", "secret");
  std::filesystem::permissions(folder_.path("consul.token"), std::filesystem::perms::owner_read);
  const auto with_consul = [&](const std::string& consul) {
    return words(check_up(folder_.write("gatehouse.yaml",
                                        "node: { name: n1, state: state }\n"
                                        "admin: { socket: admin.sock }\n"
                                        "listen: [ { name: http, address: '127.0.0.1:8080' } ]\n"
                                        "logs: { access: { to: ./access.log } }\n"
                                        "services: { web: { route: web.example } }\n"
                                        "catalog: { consul: [ " +
                                            consul + " ] }\n")));
  };
  const std::string whole = with_consul("{ address: 'http://127.0.0.1:8500', token: { file: ./consul.token } }");
  EXPECT_EQ(whole.find("catalog.consul"), whole.npos) << whole;
  EXPECT_EQ(whole.find("services.web"), whole.npos) << "what Consul has was not looked for: " << whole;
  const std::string no_token = with_consul("{ address: 'http://127.0.0.1:8500', token: { file: ./no.token } }");
  EXPECT_NE(no_token.find("gatehouse.yaml:6:"), no_token.npos) << no_token;
  EXPECT_NE(no_token.find("catalog.consul[0].token"), no_token.npos) << no_token;
  const std::string no_ca = with_consul("{ address: 'https://127.0.0.1:8501', tls: { ca: ./no.pem } }");
  EXPECT_NE(no_ca.find("catalog.consul[0].tls"), no_ca.npos) << no_ca;
}

TEST_F(CheckupOf, AFileThatIsNotThereIsOneFinding) {
  const Checkup checkup = check_up(folder_.path("none.yaml"));
  ASSERT_EQ(checkup.findings.size(), 1u);
  EXPECT_NE(words(checkup).find("none.yaml"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::cli
