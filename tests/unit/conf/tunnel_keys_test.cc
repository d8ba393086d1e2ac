#include <gtest/gtest.h>

#include "conf/check.h"
#include "conf/diff.h"
#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

std::vector<std::string> found(const std::string& text) {
  const Surroundings around;
  ReadConfig read = read_config_text(text, "g.yaml", around);
  Findings all = read.findings;
  add_findings(all, check_config(read));
  return texts(all);
}

const std::string exit_text =
    "tunnel:\n"
    "  accept:\n"
    "    - address: 127.0.0.1:7443\n"
    "      secrets: { file: k }\n"
    "      allow: [ { identity: a, service: db } ]\n"
    "  offer: { db: 127.0.0.1:5432 }\n";

std::string entry_text(const std::string& listen, const std::string& more = "") {
  return "tunnel:\n  connect:\n    - { name: db, listen: \"" + listen +
         "\", to: [ { address: \"h:1\", secret: { file: k } } ]" + more + " }\n";
}

TEST(TunnelKeys, AFileWithATunnelAloneListensNowhereElse) {
  const ReadConfig read = read_config_text(exit_text, "g.yaml", Surroundings{});
  EXPECT_TRUE(read.config.listen.empty());
  EXPECT_EQ(found(exit_text), std::vector<std::string>{});
}

TEST(TunnelKeys, AnOfferIsPlacesOrAMapping) {
  const ReadConfig read = read_config_text(exit_text + "    \n  rekey_time: 1h\n", "g.yaml", Surroundings{});
  EXPECT_EQ(read.config.tunnel.offer.at("db").to, std::vector<Place>{*Place::parse("127.0.0.1:5432")});
  const ReadConfig mapped = read_config_text(
      "tunnel: { offer: { db: { to: [\"h:1\", \"unix:/run/x\"], send_proxy: v2 } } }", "g.yaml", Surroundings{});
  EXPECT_EQ(texts(mapped.findings), std::vector<std::string>{});
  EXPECT_EQ(mapped.config.tunnel.offer.at("db").to.size(), 2u);
  EXPECT_EQ(mapped.config.tunnel.offer.at("db").send_proxy, SendProxy::v2);
}

TEST(TunnelKeys, ThePlainSideOfAnEntryIsNotForEverybody) {
  EXPECT_EQ(found(entry_text("127.0.0.1:1")), std::vector<std::string>{});
  EXPECT_EQ(found(entry_text("10.0.0.1:1")), std::vector<std::string>{});
  EXPECT_EQ(found(entry_text("[fd00::1]:1")), std::vector<std::string>{});
  EXPECT_EQ(found(entry_text("unix:/run/x.sock")), std::vector<std::string>{});
  for (const char* open : {"0.0.0.0:1", "[::]:1", "192.0.2.1:1"}) {
    ASSERT_EQ(found(entry_text(open)).size(), 1u) << open;
    EXPECT_NE(found(entry_text(open))[0].find("not loopback and not private"), std::string::npos);
    ASSERT_EQ(found(entry_text(open, ", public: true")).size(), 1u);
    EXPECT_EQ(found(entry_text(open, ", public: true, allow: [192.0.2.0/24]")), std::vector<std::string>{});
  }
}

TEST(TunnelKeys, ATunnelThatServicesLeadThroughNeedsNoListener) {
  const std::string tunnel =
      "tunnel: { connect: [ { name: db, to: [ { address: \"h:1\", secret: { file: k } } ] } ] }\n";
  EXPECT_EQ(found(tunnel + "services: { web: { through: db datacenter=dc2 } }\n"), std::vector<std::string>{});
  ASSERT_EQ(found(tunnel).size(), 1u);
  EXPECT_NE(found(tunnel)[0].find("nothing listens, and no service leads through it"), std::string::npos);
  const auto twice = found(tunnel + "services: { web: { through: db, protocol: https } }\n");
  ASSERT_EQ(twice.size(), 1u);
  EXPECT_NE(twice[0].find("services.web.through: a tunnel is TLS already"), std::string::npos);
  const auto unknown = found(tunnel + "services: { web: { through: dc } }\n");
  ASSERT_EQ(unknown.size(), 2u);
  EXPECT_NE((unknown[0] + unknown[1]).find("services.web.through: dc: not in tunnel.connect; did you mean db?"),
            std::string::npos);
}

TEST(TunnelKeys, WhatDoesNotFitIsToldWithItsPlace) {
  const auto one = [](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    const std::vector<std::string> all = found(text);
    return all.empty() ? std::string("nothing") : all.front();
  };
  EXPECT_EQ(
      one(exit_text, "service: db", "service: dbb"),
      "g.yaml:5:31: tunnel.accept[0].allow[0].service: dbb: not in tunnel.offer, so it is never dialled; did you "
      "mean db?");
  EXPECT_EQ(
      one(exit_text, ", service: db", ""),
      "g.yaml:5:16: tunnel.accept[0].allow[0].service: write what it may reach: a name that tunnel.offer has, or "
      "a list of such");
  EXPECT_EQ(one(exit_text, "7443\n      secrets: { file: k }\n      allow: [ { identity: a, service: db } ]",
                "7443\n      service: db\n      secrets: { file: k }\n      allow: [ { identity: a } ]"),
            "nothing");
  EXPECT_EQ(one(exit_text, "{ file: k }", "{}"),
            "g.yaml:4:7: tunnel.accept[0].secrets: there is no key: write file or folder");
  EXPECT_EQ(one(exit_text, "{ file: k }", "{ file: k, folder: f }"),
            "g.yaml:4:7: tunnel.accept[0].secrets: write file or folder, not both");
  EXPECT_EQ(
      one(exit_text, "identity: a", "identity: \"a b\"").find("g.yaml:5:28: tunnel.accept[0].allow[0].identity: a b"),
      0u);
  EXPECT_EQ(one(exit_text, "127.0.0.1:7443", "127.0.0.1:9901")
                .find("g.yaml:3:7: tunnel.accept[0].address: 127.0.0.1:9901: taken by metrics.address"),
            0u);
  EXPECT_EQ(one(exit_text, "127.0.0.1:5432", "somewhere")
                .find("g.yaml:6:16: tunnel.offer.db: somewhere: write ADDRESS:PORT"),
            0u);
}

}  // namespace
}  // namespace gatehouse::conf
