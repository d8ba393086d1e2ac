#include "cli/backend_tls.h"

#include <chrono>

#include <gtest/gtest.h>

#include "tests/unit/net/scratch_folder.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse::cli {
namespace {

class BackendTlsOf : public testing::Test {
 protected:
  std::shared_ptr<conf::Service> service(const std::string& name) {
    auto made = std::make_shared<conf::Service>();
    made->name = name;
    made->protocol = conf::Protocol::https;
    made->tls_ca_file = folder_.path("ca.crt");
    return made;
  }
  std::string words(const std::vector<std::shared_ptr<const conf::Service>>& services) {
    std::string out;
    for (const conf::Finding& finding : tls_.update(services)) out += finding.text() + "\n";
    return out;
  }

  const ScratchFolder folder_;
  BackendTls tls_;
};

TEST_F(BackendTlsOf, ServicesThatSpeakAlikeShareAPolicyThatStaysWhileTheFilesDo) {
  folder_.write("ca.crt", test::Authority().pem());
  const auto one = service("one"), two = service("two");
  EXPECT_EQ(words({one, two}), "");
  const auto policy = tls_.policy(*one);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy, tls_.policy(*two));
  EXPECT_EQ(words({one, two}), "");
  EXPECT_EQ(policy, tls_.policy(*one));
  EXPECT_EQ(tls_.files(), std::vector<std::string>{folder_.path("ca.crt")});
}

TEST_F(BackendTlsOf, ARenewedFileMakesANewPolicyAndABrokenOneKeepsTheLast) {
  folder_.write("ca.crt", test::Authority("first").pem());
  const auto one = service("one");
  words({one});
  const auto first = tls_.policy(*one);
  folder_.write("ca.crt", test::Authority("second").pem());
  EXPECT_EQ(words({one}), "");
  const auto second = tls_.policy(*one);
  EXPECT_NE(first, second);
  folder_.write("ca.crt", "broken");
  const std::string told = words({one});
  EXPECT_NE(told.find("services.one"), std::string::npos) << told;
  EXPECT_NE(told.find("what was read last stays in force"), std::string::npos) << told;
  EXPECT_EQ(second, tls_.policy(*one));
  std::filesystem::remove(folder_.path("ca.crt"));
  EXPECT_NE(words({one}), "");
  EXPECT_EQ(second, tls_.policy(*one));
}

TEST_F(BackendTlsOf, TheMachinesAuthoritiesAreReadAnewToo) {
  ::setenv("SSL_CERT_FILE", folder_.write("system.crt", test::Authority("first").pem()).c_str(), 1);
  const auto one = service("one");
  one->tls_ca_file.clear();
  EXPECT_EQ(words({one}), "");
  const auto first = tls_.policy(*one);
  EXPECT_EQ(words({one}), "");
  EXPECT_EQ(first, tls_.policy(*one));
  folder_.write("system.crt", test::Authority("second").pem());
  EXPECT_EQ(words({one}), "");
  const auto second = tls_.policy(*one);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->authorities, second->authorities);
  folder_.write("system.crt", "broken");
  EXPECT_NE(words({one}).find("what was read last stays in force"), std::string::npos);
  EXPECT_EQ(second, tls_.policy(*one));
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(BackendTlsOf, AClientCertificateIsReadAnewToo) {
  const auto now = std::chrono::system_clock::now();
  folder_.write("ca.crt", test::Authority().pem());
  const auto renew = [&] {
    const test::Pair pair = test::make_pair({.not_before = now - test::day, .not_after = now + test::day});
    folder_.write("door.crt", pair.crt);
    folder_.write("door.key", pair.key);
  };
  const auto one = service("one");
  one->tls_certificate_file = folder_.path("door.crt");
  one->tls_key_file = folder_.path("door.key");
  renew();
  EXPECT_EQ(words({one}), "");
  const auto first = tls_.policy(*one);
  ASSERT_TRUE(first);
  renew();
  EXPECT_EQ(words({one}), "");
  EXPECT_NE(first->certificate->fingerprint, tls_.policy(*one)->certificate->fingerprint);
}

TEST_F(BackendTlsOf, AKeyThatOthersCanReadIsRefused) {
  const auto now = std::chrono::system_clock::now();
  const test::Pair pair = test::make_pair({.not_before = now - test::day, .not_after = now + test::day});
  folder_.write("ca.crt", test::Authority().pem());
  const auto one = service("one");
  one->tls_certificate_file = folder_.write("door.crt", pair.crt);
  one->tls_key_file = folder_.write("door.key", pair.key, 0644);
  EXPECT_NE(words({one}).find("door.key: others can read it"), std::string::npos);
  EXPECT_EQ(tls_.policy(*one), nullptr);
}

TEST_F(BackendTlsOf, OneThatNeverCouldBeUsedIsNoneAndIsTold) {
  const auto one = service("one");
  EXPECT_NE(words({one}).find("ca.crt: No such file or directory; its endpoints can't be reached"),
            std::string::npos);
  EXPECT_EQ(tls_.policy(*one), nullptr);
}

TEST_F(BackendTlsOf, ServicesWithoutTlsNeedNothing) {
  const auto plain = service("plain");
  plain->protocol = conf::Protocol::http;
  EXPECT_EQ(words({plain}), "");
  EXPECT_EQ(tls_.policy(*plain), nullptr);
}

}  // namespace
}  // namespace gatehouse::cli
