#include "net/tls_client_context.h"

#include <gtest/gtest.h>

#include "net/tls_server_context.h"
#include "tests/unit/net/scratch_folder.h"
#include "tests/unit/net/test_certificates.h"
#include "tests/unit/net/tls_ends.h"

namespace gatehouse {
namespace {

using namespace test;

// Verification goes by the machine's clock, so these certificates are good now.
Recipe valid_now(Recipe recipe = {}) {
  recipe.not_before = WallTime::clock::now() - day;
  recipe.not_after = WallTime::clock::now() + 30 * day;
  return recipe;
}

class TlsClientContextTest : public ::testing::Test {
 protected:
  CertificatePtr load(const Recipe& recipe) {
    const Pair pair = make_pair(recipe);
    auto loaded = load_certificate(pair.crt, pair.key, recipe.not_before, CertificateUse::client);
    if (!loaded) throw std::runtime_error(loaded.error().what);
    return *loaded;
  }
  TlsClientContext client(CertificatePtr own = nullptr) {
    return std::move(*TlsClientContext::make({.authorities = trust_, .certificate = std::move(own)}));
  }
  void serve(const Recipe& recipe) { set_ = CertificateSet({{"backend", load(recipe)}}, {}, nullptr); }

  struct Outcome {
    bool good = false, resumed = false;
    std::string error, sni, alpn, shown;
  };
  Outcome shake(const TlsClientContext& context, const std::string& name, std::string_view endpoint = "e1") {
    auto end = context.connect(name, endpoint);
    if (!end) return {.error = end.error().what};
    selection_ = {.certificates = &set_};
    TlsEnds ends(std::move(*end), server_.accept(selection_));
    if (ask_client_) SSL_set_verify(ends.server.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    Outcome out;
    out.good = shake_until_told(ends, out.error);
    out.resumed = out.good && SSL_session_reused(ends.client.get());
    out.sni = selection_.server_name;
    if (X509* shown = SSL_get0_peer_certificate(ends.server.get()))
      out.shown = X509_NAME_oneline(X509_get_subject_name(shown), oneline_, sizeof oneline_);
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ends.client.get(), &protocol, &size);
    out.alpn.assign(reinterpret_cast<const char*>(protocol), size);
    return out;  // both ends are dropped without a shutdown, as a pool does
  }
  static bool shake_until_told(TlsEnds& ends, std::string& error) {
    for (int turn = 0; turn < 8; ++turn) {
      const int result = SSL_do_handshake(ends.client.get());
      if (result != 1 && SSL_get_error(ends.client.get(), result) != SSL_ERROR_WANT_READ) {
        error = describe_tls_failure(ends.client.get());
        return false;
      }
      std::string ignored;
      TlsEnds::advance(ends.server.get(), ignored);
    }
    std::string ignored;
    TlsEnds::drain(ends.client.get(), ignored);
    return SSL_is_init_finished(ends.client.get()) && SSL_is_init_finished(ends.server.get());
  }

  Authority authority_;
  TrustStorePtr trust_ = *TrustStore::from_pem(authority_.pem());
  TicketKeys keys_{TicketKeys::make_secret(noon), noon};
  TlsServerContext server_ = std::move(*TlsServerContext::make({.name = "backend"}, keys_));
  CertificateSet set_;
  TlsSelection selection_;
  bool ask_client_ = false;
  char oneline_[256];
};

TEST_F(TlsClientContextTest, AcceptsAPeerThatProvesItsName) {
  serve(authority_.signing(valid_now({.names = {"DNS:backend.test", "DNS:*.pool.test", "IP:192.0.2.7", "IP:::1"}})));
  const auto context = client();
  for (const char* name : {"backend.test", "BACKEND.test", "a.pool.test", "192.0.2.7", "::1"}) {
    const Outcome outcome = shake(context, name, name);
    EXPECT_TRUE(outcome.good) << name << outcome.error;
    EXPECT_EQ(outcome.alpn, "http/1.1");
  }
  EXPECT_EQ(shake(context, "backend.test", "x").sni, "backend.test");
  EXPECT_EQ(shake(context, "192.0.2.7", "x").sni, "") << "an address is never sent as SNI (RFC 6066 3)";
}

TEST_F(TlsClientContextTest, RefusesAPeerThatDoesNot) {
  serve(authority_.signing(valid_now({.names = {"DNS:backend.test", "DNS:f*.odd.test", "IP:192.0.2.7"}})));
  const auto context = client();
  for (const char* name : {"other.test", "a.backend.test", "foo.odd.test"})
    EXPECT_EQ(shake(context, name).error, "certificate verify failed: hostname mismatch") << name;
  for (const char* name : {"192.0.2.8", "::1"})
    EXPECT_EQ(shake(context, name).error, "certificate verify failed: IP address mismatch") << name;
}

TEST_F(TlsClientContextTest, RefusesStrangersAndTheExpired) {
  serve(valid_now({.names = {"DNS:backend.test"}}));
  const auto context = client();
  EXPECT_EQ(shake(context, "backend.test").error, "certificate verify failed: self-signed certificate");
  serve(Authority("Stranger").signing(valid_now({.names = {"DNS:backend.test"}})));
  EXPECT_EQ(shake(context, "backend.test").error,
            "certificate verify failed: unable to get local issuer certificate");
  Recipe expired = valid_now({.names = {"DNS:backend.test"}});
  expired.not_after = WallTime::clock::now() - 1h;
  serve(authority_.signing(expired));
  EXPECT_EQ(shake(context, "backend.test").error, "certificate verify failed: certificate has expired");
}

TEST_F(TlsClientContextTest, VerifiesNothingOnlyWhenToldSo) {
  serve(valid_now({.names = {"DNS:stranger.test"}}));
  const auto open = TlsClientContext::make({.verify = false});
  ASSERT_TRUE(open);
  EXPECT_TRUE(shake(*open, "backend.test").good);
  EXPECT_TRUE(shake(*open, "").good);
  const auto closed = TlsClientContext::make({.verify = true});
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().what, "no certificate authorities to verify backends by");
}

TEST_F(TlsClientContextTest, WithoutAUsableNameNothingIsVerifiedThusNothingConnected) {
  serve(authority_.signing(valid_now()));
  const auto context = client();
  for (const char* name : {"", "bad name", "*.pool.test"})
    EXPECT_EQ(shake(context, name).error, "\"" + std::string(name) + "\" is no name to verify a backend by");
}

TEST_F(TlsClientContextTest, ShowsItsCertificateToThoseWhoAsk) {
  serve(authority_.signing(valid_now({.names = {"DNS:backend.test"}})));
  const auto own =
      load(valid_now({.names = {}, .common_name = "door", .extensions = {{NID_ext_key_usage, "clientAuth"}}}));
  EXPECT_EQ(shake(client(own), "backend.test").shown, "");
  ask_client_ = true;
  EXPECT_EQ(shake(client(own), "backend.test").shown, "/CN=door");
  EXPECT_EQ(shake(client(), "backend.test").shown, "");
}

TEST_F(TlsClientContextTest, ResumesPerEndpointAndNameAlsoAfterADroppedConnection) {
  serve(authority_.signing(valid_now({.names = {"DNS:a.test", "DNS:b.test"}})));
  const auto context = client();
  EXPECT_FALSE(shake(context, "a.test", "e1").resumed);
  EXPECT_TRUE(shake(context, "a.test", "e1").resumed);
  EXPECT_TRUE(shake(context, "a.test", "e1").resumed);
  EXPECT_FALSE(shake(context, "a.test", "e2").resumed);
  EXPECT_FALSE(shake(context, "b.test", "e1").resumed);
  EXPECT_FALSE(shake(client(), "a.test", "e1").resumed) << "another context has other trust";
}

TEST_F(TlsClientContextTest, KeepsNoMoreSessionsThanItsLimit) {
  serve(authority_.signing(valid_now({.names = {"DNS:a.test"}})));
  const auto context = TlsClientContext::make({.authorities = trust_, .sessions_max = 4});
  for (int i = 0; i < 5; ++i) shake(*context, "a.test", std::to_string(i));
  int kept = 0;
  for (int i = 0; i < 5; ++i) {  // offered, not shaken: a handshake would store a session and push another out
    const auto end = context->connect("a.test", std::to_string(i));
    kept += SSL_get0_session(end->get()) != nullptr;
  }
  EXPECT_EQ(kept, 4);
}

TEST(TrustStore, ReadsEveryCertificateOfAFile) {
  ScratchFolder folder;
  folder.write("ca.pem", "# two of ours\n" + Authority().pem() + Authority().pem());
  const auto store = TrustStore::from_file(folder.path("ca.pem"));
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->size(), 2);
}

TEST(TrustStore, AFileWithoutACertificateIsAnError) {
  ScratchFolder folder;
  EXPECT_EQ(TrustStore::from_file(folder.path("none")).error().what,
            folder.path("none") + ": No such file or directory");
  folder.write("empty", "");
  EXPECT_EQ(TrustStore::from_file(folder.path("empty")).error().what,
            folder.path("empty") + ": holds no certificate");
  const std::string good = Authority().pem();
  folder.write("torn", good + good.substr(0, 200));
  EXPECT_FALSE(TrustStore::from_file(folder.path("torn")));
}

TEST(TrustStore, TheMachinesBundleIsTheOneThatTheEnvironmentNames) {
  ScratchFolder folder;
  folder.write("ca.pem", Authority().pem());
  ::setenv("SSL_CERT_FILE", folder.path("ca.pem").c_str(), 1);
  const auto named = TrustStore::from_system();
  ::setenv("SSL_CERT_FILE", folder.path("none").c_str(), 1);
  const auto missing = TrustStore::from_system();
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_TRUE(named);
  EXPECT_EQ((*named)->size(), 1);
  EXPECT_FALSE(missing) << "what was named and is not there is never replaced by something else";
}

}  // namespace
}  // namespace gatehouse
