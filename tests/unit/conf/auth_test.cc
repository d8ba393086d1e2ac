#include "conf/auth.h"

#include <gtest/gtest.h>

#include "conf/auth_load.h"

namespace gatehouse::conf {
namespace {

const std::string hash = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";

TEST(PasswordFile, ReadsNamesAndHashes) {
  const PasswordFile file = parse_password_file("# staff\nzoe:" + hash + "\r\n\nada:" + hash +
                                                ":a remark\nada:{SHA}aaaaaaaaaaaaaaaaaaaaaaaaaaa=\n");
  ASSERT_EQ(file.logins.size(), 2u);
  EXPECT_EQ(file.logins[0], (Login{"ada", hash}));
  EXPECT_EQ(file.logins[1], (Login{"zoe", hash}));
  EXPECT_TRUE(file.wrong.empty());
}

TEST(PasswordFile, TellsEachLineThatIsWrong) {
  const PasswordFile file = parse_password_file("ada\n:x\nold:rqXexS6ZhobKA\nplain:secret\nzoe:" + hash);
  EXPECT_EQ(file.logins.size(), 1u);
  ASSERT_EQ(file.wrong.size(), 4u);
  EXPECT_EQ(file.wrong[0], "line 1: write NAME:HASH");
  EXPECT_EQ(file.wrong[2], "line 3: old: the hash is of no kind that is safe; make it anew by htpasswd -B");
}

TEST(PasswordFile, IsBounded) {
  std::string text;
  for (std::size_t i = 0; i < PasswordFile::logins_max; ++i) text += "u" + std::to_string(i) + ":" + hash + "\n";
  EXPECT_TRUE(parse_password_file(text).wrong.empty());
  const PasswordFile file = parse_password_file(text + "more:" + hash + "\n");
  EXPECT_EQ(file.logins.size(), PasswordFile::logins_max);
  EXPECT_EQ(file.wrong.size(), 1u);
}

TEST(Auth, ReadsItsForms) {
  for (const char* good :
       {"basic:staff", "forward:sso", "forward:http://127.0.0.1:4181/verify?x", "forward:https://auth.example"})
    EXPECT_TRUE(parse_auth(good)) << good;
  for (const char* bad : {"", "staff", "basic:", "basic:a b", "digest:x", "forward:ftp://x/", "forward:http://",
                          "forward:http://a b/", "basic:http://x/"})
    EXPECT_FALSE(parse_auth(bad)) << bad;
  const Result<AuthUrl> url = parse_auth_url("https://auth.example:8443?x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->target, "/?x");
  EXPECT_EQ(url->authority, "auth.example:8443");
  EXPECT_EQ(url->port, 8443);
  EXPECT_TRUE(url->tls);
}

struct Loaded {
  std::vector<Service> services;
  Findings findings;
  const Route& route() const {
    for (const Service& service : services)
      if (service.name == "web") return service.routes[0];
    throw std::out_of_range("web");
  }
};

Loaded load(const std::string& said, const Config& config, Result<std::string> file,
            const RoutingTable* previous = nullptr) {
  Loaded out;
  Service web{.name = "web"};
  web.routes.emplace_back();
  web.routes[0].policy.auth.said = said;
  out.services.push_back(web);
  out.findings = load_auth(out.services, config, previous, [&](const std::string&) { return file; });
  return out;
}

TEST(Auth, IsResolvedOrRefusesTheRoute) {
  Config config;
  config.auth["staff"] = {.file = "/x/staff"};
  config.auth["sso"] = {.url = "http://127.0.0.1:4181/verify", .fields = {"X-User"}};
  const std::string text = "ada:" + hash;
  const Loaded basic = load("basic:staff", config, text);
  ASSERT_TRUE(basic.route().policy.auth.policy);
  EXPECT_EQ(basic.route().policy.auth.policy->realm, "staff");
  EXPECT_NE(basic.route().policy.auth.policy->find("ada"), nullptr);
  EXPECT_EQ(basic.route().policy.auth.policy->find("adb"), nullptr);
  for (const char* said : {"forward:sso", "forward:http://127.0.0.1:4181/verify"}) {
    const Loaded forward = load(said, config, text);
    ASSERT_EQ(forward.services.size(), 2u);
    EXPECT_EQ(forward.services[0].name, "auth/sso");
    EXPECT_EQ(forward.services[0].instances[0].port, 4181);
    EXPECT_EQ(forward.route().policy.auth.policy->target, "/verify");
  }
  for (const char* said : {"basic:staf", "basic:sso", "forward:staff", "forward:http://127.0.0.1:4181/"}) {
    const Loaded refused = load(said, config, text);
    EXPECT_FALSE(refused.route().policy.auth.policy) << said;
    EXPECT_NE(refused.route().refused, "") << said;
    EXPECT_EQ(refused.findings.size(), 1u) << said;
  }
  const Loaded unreadable = load("basic:staff", config, invalid("/x/staff: gone"));
  EXPECT_NE(unreadable.route().refused, "");
}

TEST(Auth, KeepsWhatAFileHadAndSharesWhatIsEqual) {
  Config config;
  config.auth["staff"] = {.file = "/x/staff"};
  const Loaded first = load("basic:staff", config, "ada:" + hash);
  RoutingTable table;
  table.services.push_back(std::make_shared<const Service>(first.services[0]));
  const Loaded gone = load("basic:staff", config, invalid("/x/staff: gone"), &table);
  EXPECT_EQ(gone.route().policy.auth.policy, first.route().policy.auth.policy);
  EXPECT_EQ(gone.route().refused, "");
  EXPECT_EQ(gone.findings.size(), 1u);
  EXPECT_EQ(load("basic:staff", config, "ada:" + hash, &table).route().policy, first.route().policy);
  EXPECT_NE(load("basic:staff", config, "bob:" + hash, &table).route().policy, first.route().policy);
}

TEST(Auth, AUrlThatTheFileSaysOfAServiceIsItsWord) {
  Config config;
  config.services["web"].settings["auth"].push_back({"forward:http://127.0.0.1:1/x", {}});
  const Loaded loaded = load("forward:http://127.0.0.1:1/x", config, std::string());
  ASSERT_TRUE(loaded.route().policy.auth.policy);
  EXPECT_EQ(loaded.services[0].name, "auth/127.0.0.1:1");
}

}  // namespace
}  // namespace gatehouse::conf
