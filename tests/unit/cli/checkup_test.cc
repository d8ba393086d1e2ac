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

TEST_F(CheckupOf, ABadFileStopsBeforeTheCatalogIsRead) {
  folder_.write("services/web.json", "nonsense");
  const Checkup checkup = check("limits: { memry: 1GiB, header_time: 10 }\n");
  EXPECT_FALSE(good(checkup));
  EXPECT_NE(words(checkup).find("limits.memry: unknown key"), std::string::npos) << words(checkup);
  EXPECT_NE(words(checkup).find("limits.header_time"), std::string::npos);
  EXPECT_EQ(words(checkup).find("web.json"), std::string::npos);
}

TEST_F(CheckupOf, AWarningOfTheFileIsToldOnce) {
  folder_.write("services/web.json", two_services);
  const std::string told = words(check("services: { web: { zone: prefer } }\n"));
  const std::size_t first = told.find("services.web.zone");
  ASSERT_NE(first, std::string::npos) << told;
  EXPECT_EQ(told.find("services.web.zone", first + 1), std::string::npos) << told;
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

TEST_F(CheckupOf, AFileThatIsNotThereIsOneFinding) {
  const Checkup checkup = check_up(folder_.path("none.yaml"));
  ASSERT_EQ(checkup.findings.size(), 1u);
  EXPECT_NE(words(checkup).find("none.yaml"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::cli
