#include "tunnel/key_audit.h"

#include <gtest/gtest.h>

namespace gatehouse::tunnel {
namespace {

std::vector<std::string> judged(const std::vector<KeyUse>& uses) {
  std::vector<std::string> out;
  for (const conf::Finding& each : audit_keys(uses)) out.push_back(each.text());
  return out;
}

KeyUse accepted(std::string identity, std::string key, std::string by = "in") {
  return {std::move(identity), std::move(key), false, conf::TunnelTls::v13, std::move(by), "f:1", "p"};
}
KeyUse shown(std::string identity, std::string key, std::string to) {
  return {std::move(identity), std::move(key), true, conf::TunnelTls::v13, std::move(to), "f:2", "q"};
}

TEST(KeyAudit, ManyIdentitiesWithKeysOfTheirOwnAreFine) {
  EXPECT_TRUE(judged({accepted("a", "1"), accepted("b", "2"), shown("c", "3", "x")}).empty());
  EXPECT_TRUE(judged({accepted("a", "1", "in"), accepted("a", "1", "other port")}).empty());
}

TEST(KeyAudit, OneKeyIsOneIdentitysOneWayInOneVersion) {
  EXPECT_EQ(judged({accepted("a", "1"), accepted("b", "1")}),
            (std::vector<std::string>{"p: b: the same key as a; every identity needs its own (f:1 and f:1)"}));
  EXPECT_EQ(judged({accepted("a", "1"), accepted("a", "2")}),
            (std::vector<std::string>{"p: a: two keys for this identity (f:1 and f:1)"}));
  EXPECT_EQ(judged({accepted("a", "1"), shown("a", "1", "x")}).size(), 1u);
  KeyUse old = accepted("a", "1", "old port");
  old.tls = conf::TunnelTls::v12;
  EXPECT_EQ(judged({accepted("a", "1"), old}),
            (std::vector<std::string>{"p: a: one key for TLS 1.2 and for TLS 1.3 (f:1 and f:1)"}));
}

TEST(KeyAudit, OneKeyForTwoExitsIsAWarning) {
  EXPECT_EQ(
      judged({shown("a", "1", "x:1"), shown("a", "1", "y:1")}),
      (std::vector<std::string>{"warning: q: a: shown to x:1 and to y:1; a key for each exit keeps them apart"}));
}

TEST(KeyAudit, FingerprintsAreOfTheKeyTheyAreMadeUnder) {
  const unsigned char key[] = "some key's bytes", one[] = "1", other[] = "2";
  EXPECT_EQ(fingerprint_of(key, one).size(), 32u);
  EXPECT_EQ(fingerprint_of(key, one), fingerprint_of(key, one));
  EXPECT_NE(fingerprint_of(key, one), fingerprint_of(key, other));
}

}  // namespace
}  // namespace gatehouse::tunnel
