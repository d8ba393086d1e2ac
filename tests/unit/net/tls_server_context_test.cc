#include "net/tls_server_context.h"

#include <future>

#include <gtest/gtest.h>

#include "net/placeholder.h"
#include "tests/unit/net/test_certificates.h"
#include "tests/unit/net/tls_ends.h"

namespace gatehouse {
namespace {

using namespace test;

// A client that takes what it is given: what it offers is under test, not whom it trusts.
struct Client {
  SslCtxPtr context{SSL_CTX_new(TLS_client_method())};
  mutable SslSessionPtr session;  // the last one

  Client() {
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context.get(), this);
    SSL_CTX_sess_set_new_cb(context.get(), [](SSL* ssl, SSL_SESSION* fresh) {
      static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session.reset(fresh);
      return 1;
    });
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Client& only(int version) {
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    return *this;
  }
  SslPtr connect(const char* server_name) const {
    SslPtr ssl(SSL_new(context.get()));
    if (server_name) SSL_set_tlsext_host_name(ssl.get(), server_name);
    if (session) {
      const SslSessionPtr copy(SSL_SESSION_dup(session.get()));
      SSL_set_session(ssl.get(), copy.get());
    }
    SSL_set_connect_state(ssl.get());
    return ssl;
  }
};

class TlsServerContextTest : public ::testing::Test {
 protected:
  TlsServerContext context(TlsServerPolicy policy = {.name = "https"}) { return made(policy, keys_); }
  static TlsServerContext made(TlsServerPolicy policy, const TicketKeys& keys) {
    return std::move(*TlsServerContext::make(std::move(policy), keys));
  }
  struct Outcome {
    bool good = false, resumed = false;
    std::string client_error, server_error, alpn, cipher;
    Fingerprint seen{};
    TlsSelection selection;
  };
  Outcome shake(const TlsServerContext& server, const Client& client, const char* server_name) {
    Outcome out;
    out.selection.certificates = &set_;
    TlsEnds ends(client.connect(server_name), server.accept(out.selection));
    out.good = ends.shake_hands();
    out.client_error = ends.client_error, out.server_error = ends.server_error;
    out.resumed = SSL_session_reused(ends.server.get());
    if (X509* leaf = SSL_get0_peer_certificate(ends.client.get()))
      X509_digest(leaf, EVP_sha256(), out.seen.data(), nullptr);
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ends.client.get(), &name, &size);
    out.alpn.assign(reinterpret_cast<const char*>(name), size);
    if (out.good) out.cipher = SSL_get_cipher_name(ends.client.get());
    SSL_shutdown(ends.client.get());
    // Before TLS 1.3 the callback tells nothing of a ticket renewed in a resumption.
    if (out.good && SSL_version(ends.client.get()) == TLS1_2_VERSION)
      client.session.reset(SSL_get1_session(ends.client.get()));
    return out;
  }
  // Two handshakes with one client between which the server may differ; is the second one resumed?
  bool resumes(int version, const TlsServerContext& first, const char* first_name, const TlsServerContext& second,
               const char* second_name) {
    Client client;
    client.only(version);
    EXPECT_TRUE(shake(first, client, first_name).good);
    EXPECT_TRUE(client.session);
    const Outcome again = shake(second, client, second_name);
    EXPECT_TRUE(again.good) << again.client_error << again.server_error;
    return again.resumed;
  }

  WallTime now_ = noon;
  TicketKeys keys_{TicketKeys::make_secret(now_), now_};
  CertificatePtr a_ = make_certificate({.names = {"DNS:a.test"}});
  CertificatePtr b_ = make_certificate({.names = {"DNS:b.test", "DNS:*.w.test"}});
  CertificateSet set_{{{"a", a_}, {"b", b_}}, {}, nullptr};
};

constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

TEST_F(TlsServerContextTest, ServesTheCertificateOfTheNameAsked) {
  const auto server = context();
  for (const int version : versions) {
    Client client;
    client.only(version);
    const Outcome b = shake(server, client, "b.test");
    EXPECT_TRUE(b.good) << b.server_error;
    EXPECT_EQ(b.seen, b_->fingerprint);
    EXPECT_EQ(b.selection.server_name, "b.test");
    EXPECT_TRUE(b.selection.covers("B.test"));
    EXPECT_FALSE(b.selection.covers("a.test"));
    EXPECT_EQ(shake(server, client, "x.W.test").seen, b_->fingerprint);
    EXPECT_EQ(shake(server, client, "a.test").seen, a_->fingerprint);
  }
}

TEST_F(TlsServerContextTest, AnUnknownNameOrNoneGetsTheFallbackThatCoversNothingOfIt) {
  const auto server = context();
  for (const char* name : {static_cast<const char*>(nullptr), "stranger.test", "192.0.2.1", "bad name"}) {
    const Outcome outcome = shake(server, Client(), name);
    EXPECT_TRUE(outcome.good);
    EXPECT_EQ(outcome.seen, a_->fingerprint);
    EXPECT_FALSE(outcome.selection.covers("stranger.test"));
    EXPECT_TRUE(outcome.selection.covers("a.test"));
  }
}

TEST_F(TlsServerContextTest, AnUnknownNameGetsAnAlertWherePolicySaysSo) {
  const auto server = context({.name = "strict", .refuse_unknown_names = true});
  EXPECT_TRUE(shake(server, Client(), "a.test").good);
  for (const char* name : {static_cast<const char*>(nullptr), "stranger.test"}) {
    const Outcome outcome = shake(server, Client(), name);
    EXPECT_FALSE(outcome.good);
    EXPECT_NE(outcome.client_error.find("unrecognized name"), std::string::npos) << outcome.client_error;
    EXPECT_TRUE(outcome.selection.served.empty());
  }
}

TEST_F(TlsServerContextTest, WithoutAnyCertificateTheHandshakeFailsCleanly) {
  set_ = CertificateSet();
  const Outcome outcome = shake(context(), Client(), "a.test");
  EXPECT_FALSE(outcome.good);
  EXPECT_FALSE(outcome.server_error.empty());
}

TEST_F(TlsServerContextTest, APlaceholderAloneIsServed) {
  set_ = CertificateSet({}, {}, *make_placeholder({"demo.localhost"}, noon));
  const Outcome outcome = shake(context(), Client(), "stranger.test");
  EXPECT_TRUE(outcome.good);
  EXPECT_TRUE(outcome.selection.served.placeholder());
  EXPECT_FALSE(outcome.selection.covers("stranger.test"));
}

TEST_F(TlsServerContextTest, AChangedSetServesTheNextHandshake) {
  const auto server = context();
  EXPECT_EQ(shake(server, Client(), "a.test").seen, a_->fingerprint);
  const auto renewed = make_certificate({.names = {"DNS:a.test"}});
  set_ = CertificateSet({{"a", renewed}}, {}, nullptr);
  EXPECT_EQ(shake(server, Client(), "a.test").seen, renewed->fingerprint);
}

TEST_F(TlsServerContextTest, TheClientsAbilitiesDecideBetweenEcdsaAndRsa) {
  const auto key = rsa_key();
  const auto rsa = make_certificate({.names = {"DNS:a.test"}, .key = key.get()});
  set_ = CertificateSet({{"a", a_}, {"a-rsa", rsa}}, {}, nullptr);
  const auto server = context();
  for (const int version : versions) {
    Client any, old;
    any.only(version), old.only(version);
    SSL_CTX_set1_sigalgs_list(old.context.get(), "RSA-PSS+SHA256:RSA+SHA256");
    EXPECT_EQ(shake(server, any, "a.test").seen, a_->fingerprint);
    EXPECT_EQ(shake(server, old, "a.test").seen, rsa->fingerprint);
  }
}

TEST_F(TlsServerContextTest, OldVersionsAndWeakCiphersAreRefused) {
  const auto server = context();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Client client;
    client.only(version);
    EXPECT_FALSE(shake(server, client, "a.test").good);
  }
  for (const char* ciphers : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "aNULL", "eNULL", "AES128-SHA",
                              "ECDHE-ECDSA-AES128-CCM", "PSK"}) {
    Client client;
    client.only(TLS1_2_VERSION);
    ASSERT_EQ(SSL_CTX_set_cipher_list(client.context.get(), (std::string(ciphers) + ":@SECLEVEL=0").c_str()), 1);
    EXPECT_FALSE(shake(server, client, "a.test").good) << ciphers;
  }
}

TEST_F(TlsServerContextTest, PrefersAes128AndLeavesChaChaToThoseWhoPutItFirst) {
  const auto server = context();
  EXPECT_EQ(shake(server, Client(), "a.test").cipher, "TLS_AES_128_GCM_SHA256");
  Client phone;
  SSL_CTX_set_ciphersuites(phone.context.get(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(shake(server, phone, "a.test").cipher, "TLS_CHACHA20_POLY1305_SHA256");
  Client old;
  EXPECT_EQ(shake(server, old.only(TLS1_2_VERSION), "a.test").cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsServerContextTest, AClientWhoseFirstGroupIsUnknownIsAskedAgain) {
  Client client;
  ASSERT_EQ(SSL_CTX_set1_groups_list(client.context.get(), "P-521:X25519"), 1);
  const Outcome outcome = shake(context(), client, "b.test");
  EXPECT_TRUE(outcome.good);
  EXPECT_EQ(outcome.seen, b_->fingerprint);
}

TEST_F(TlsServerContextTest, AlpnIsChosenByOurListAndAMismatchIsRefused) {
  const auto server = context({.name = "https", .alpn = {"h2", "http/1.1"}});
  const auto offering = [&](const TlsServerContext& to, std::string_view wire) {
    Client client;
    SSL_CTX_set_alpn_protos(client.context.get(), reinterpret_cast<const unsigned char*>(wire.data()), wire.size());
    return shake(to, client, "a.test");
  };
  EXPECT_EQ(offering(server, "\x08http/1.1\x02h2").alpn, "h2");
  EXPECT_EQ(offering(context(), "\x02h2\x08http/1.1").alpn, "http/1.1");
  const Outcome none = shake(server, Client(), "a.test");
  EXPECT_TRUE(none.good);
  EXPECT_EQ(none.alpn, "");
  const Outcome mismatch = offering(server, "\x04smtp");
  EXPECT_FALSE(mismatch.good);
  EXPECT_NE(mismatch.client_error.find("no application protocol"), std::string::npos) << mismatch.client_error;
}

TEST_F(TlsServerContextTest, ASessionIsResumedUnderItsNameAndPolicyOnly) {
  const auto server = context(), other = context({.name = "other"});
  for (const int version : versions) {
    EXPECT_TRUE(resumes(version, server, "a.test", server, "a.test"));
    EXPECT_TRUE(resumes(version, server, "a.test", server, "A.test")) << "one name in two spellings";
    EXPECT_TRUE(resumes(version, server, nullptr, server, nullptr));
    EXPECT_FALSE(resumes(version, server, "a.test", server, "b.test"));
    EXPECT_FALSE(resumes(version, server, "x.w.test", server, "y.w.test")) << "although one certificate covers both";
    EXPECT_FALSE(resumes(version, server, "a.test", server, nullptr));
    EXPECT_FALSE(resumes(version, server, nullptr, server, "a.test"));
    EXPECT_FALSE(resumes(version, server, "a.test", other, "a.test"));
  }
}

TEST_F(TlsServerContextTest, AResumedConnectionKnowsWhatItsNameIsCoveredBy) {
  const auto server = context();
  Client client;
  shake(server, client, "b.test");
  const Outcome again = shake(server, client, "b.test");
  ASSERT_TRUE(again.resumed);
  EXPECT_TRUE(again.selection.covers("b.test"));
  EXPECT_FALSE(again.selection.covers("a.test"));
}

TEST_F(TlsServerContextTest, AnyWorkerResumesWhatAnotherBegan) {
  TicketKeys copy = keys_;
  const auto server = context();
  const auto neighbour = made({.name = "https"}, copy);
  for (const int version : versions) EXPECT_TRUE(resumes(version, server, "a.test", neighbour, "a.test"));
  TicketKeys strange(TicketKeys::make_secret(now_), now_);
  const auto stranger = made({.name = "https"}, strange);
  for (const int version : versions) EXPECT_FALSE(resumes(version, server, "a.test", stranger, "a.test"));
}

TEST_F(TlsServerContextTest, TicketsOutliveOneRotationAndNotTwo) {
  const auto server = context();
  for (const int version : versions) {
    Client client;
    client.only(version);
    shake(server, client, "a.test");
    keys_.advance(now_ += TicketKeys::period);
    const SslSessionPtr old(SSL_SESSION_dup(client.session.get()));
    EXPECT_TRUE(shake(server, client, "a.test").resumed);
    keys_.advance(now_ += TicketKeys::period);
    EXPECT_TRUE(shake(server, client, "a.test").resumed) << "the first resumption brought a new ticket";
    client.session.reset(SSL_SESSION_dup(old.get()));
    EXPECT_FALSE(shake(server, client, "a.test").resumed);
  }
}

TEST_F(TlsServerContextTest, ATicketFromAWorkerThatIsAheadIsAccepted) {
  TicketKeys ahead = keys_;
  ahead.advance(now_ + TicketKeys::period);
  const auto early = made({.name = "https"}, ahead);
  for (const int version : versions) EXPECT_TRUE(resumes(version, early, "a.test", context(), "a.test"));
}

TEST_F(TlsServerContextTest, OneTicketIsSentAndItAllowsNoEarlyData) {
  const auto server = context();
  Client client;
  static int tickets;
  tickets = 0;
  SSL_CTX_sess_set_new_cb(client.context.get(), [](SSL*, SSL_SESSION* session) {
    ++tickets;
    EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0u);
    EXPECT_EQ(SSL_SESSION_get_ticket_lifetime_hint(session), 12u * 3600);
    return 0;
  });
  EXPECT_TRUE(shake(server, client.only(TLS1_3_VERSION), "a.test").good);
  EXPECT_EQ(tickets, 1);
}

TEST_F(TlsServerContextTest, RenegotiationIsRefused) {
  Client client;
  client.only(TLS1_2_VERSION);
  const auto server = context();
  TlsSelection selection{.certificates = &set_};
  TlsEnds ends(client.connect("a.test"), server.accept(selection));
  ASSERT_TRUE(ends.shake_hands());
  EXPECT_EQ(ends.say(ends.client.get(), ends.server.get(), "before"), "before");
  ASSERT_EQ(SSL_renegotiate(ends.client.get()), 1);
  SSL_do_handshake(ends.client.get());
  char buffer[16];
  SSL_read(ends.server.get(), buffer, sizeof buffer);
  take_openssl_error();
  SSL_do_handshake(ends.client.get());
  EXPECT_NE(take_openssl_error().find("no renegotiation"), std::string::npos);
}

TEST_F(TlsServerContextTest, AClientHelloInOneByteSegmentsIsUnderstood) {
  const auto server = context();
  TlsSelection selection{.certificates = &set_};
  SslPtr client = Client().connect("b.test"), end = server.accept(selection);
  SSL_set_bio(client.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_bio(end.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_do_handshake(client.get());
  char* hello = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(client.get()), &hello);
  ASSERT_GT(size, 100);
  for (long i = 0; i < size; ++i) {
    EXPECT_EQ(BIO_write(SSL_get_rbio(end.get()), hello + i, 1), 1);
    const int result = SSL_do_handshake(end.get());
    ASSERT_EQ(SSL_get_error(end.get(), result), SSL_ERROR_WANT_READ) << i;
  }
  EXPECT_GT(BIO_pending(SSL_get_wbio(end.get())), 100) << "the server's flight";
  EXPECT_EQ(selection.server_name, "b.test");
}

// Each with its own context and copy of the keys; certificates and their set are shared. For TSan.
TEST_F(TlsServerContextTest, WorkersShakeHandsAtTheSameTime) {
  const auto work = [this] {
    TicketKeys keys = keys_;
    const auto server = made({.name = "https"}, keys);
    for (int i = 0; i < 20; ++i) {
      Client client;
      if (!shake(server, client, i % 2 ? "a.test" : "b.test").good) return false;
      keys.advance(now_ + i * TicketKeys::period);
    }
    return true;
  };
  auto one = std::async(std::launch::async, work), two = std::async(std::launch::async, work);
  EXPECT_TRUE(one.get());
  EXPECT_TRUE(two.get());
}

TEST(TicketKeys, RotateByTimeAndForgetTheOldest) {
  TicketKeys keys(TicketKeys::make_secret(noon), noon);
  const auto first = keys.current().name;
  keys.advance(noon + TicketKeys::period - 1h);  // noon is 8 h into a period of 12
  const auto second = keys.current().name;
  EXPECT_NE(first, second);
  EXPECT_TRUE(keys.find(first).key);
  EXPECT_TRUE(keys.find(first).renew);
  EXPECT_FALSE(keys.find(second).renew);
  keys.advance(noon);  // a clock set back changes nothing
  EXPECT_EQ(keys.current().name, second);
  keys.advance(noon + 2 * TicketKeys::period);
  EXPECT_FALSE(keys.find(first).key);
  EXPECT_TRUE(keys.find(second).key);
}

TEST(TicketKeys, OneSecretAndOneClockGiveOneSetOfKeys) {
  const auto secret = TicketKeys::make_secret(noon);
  TicketKeys a(secret, noon), b(secret, noon + TicketKeys::period);  // b began in the next period
  const auto first = a.current().name;
  EXPECT_TRUE(b.find(first).renew);
  a.advance(noon + 30 * day);
  for (int d = 1; d <= 30; ++d) b.advance(noon + d * day);
  EXPECT_EQ(a.current().name, b.current().name);
  EXPECT_FALSE(b.find(first).key);
  EXPECT_EQ(a.current().cipher, b.current().cipher);
  EXPECT_EQ(a.current().mac, b.current().mac);
  EXPECT_NE(a.current().cipher, a.current().mac);
  EXPECT_NE(TicketKeys(TicketKeys::make_secret(noon), noon).current().name, TicketKeys(secret, noon).current().name);
}

TEST(TicketKeys, AnotherProcessHasTheSameByTheirBytes) {
  TicketKeys ours(TicketKeys::make_secret(noon), noon);
  const auto old = ours.current().name;
  ours.advance(noon + TicketKeys::period);
  auto theirs = TicketKeys::from_bytes(ours.bytes(), noon + TicketKeys::period);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(theirs->current().name, ours.current().name);
  EXPECT_TRUE(theirs->find(old).renew);
  ours.advance(noon + 2 * TicketKeys::period);
  theirs->advance(noon + 2 * TicketKeys::period);
  EXPECT_EQ(theirs->current().cipher, ours.current().cipher);
  EXPECT_FALSE(TicketKeys::from_bytes("short", noon));
}

}  // namespace
}  // namespace gatehouse
