// tls-alpn-01 (RFC 8737): what a certificate authority is shown, and who else sees nothing of it.
#include <gtest/gtest.h>

#include "net/challenge_board.h"
#include "net/placeholder.h"
#include "net/tls_server_context.h"
#include "tests/unit/net/test_certificates.h"
#include "tests/unit/net/tls_ends.h"

namespace gatehouse {
namespace {

using namespace test;

constexpr std::array<std::uint8_t, 32> digest = {1, 2, 3};

class TlsChallenge : public ::testing::Test {
 protected:
  TlsChallenge() { board_.tls["a.test"] = *make_challenge_certificate("a.test", digest, noon); }

  // What the client was shown; null: the handshake failed.
  X509Ptr shown(const char* name, const std::string& protocols) {
    const SslCtxPtr client(SSL_CTX_new(TLS_client_method()));
    SslPtr end(SSL_new(client.get()));
    SSL_set_tlsext_host_name(end.get(), name);
    SSL_set_alpn_protos(end.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
    SSL_set_connect_state(end.get());
    selection_ = TlsSelection();
    selection_.certificates = &set_;
    selection_.challenges = &board_;
    TlsEnds ends(std::move(end), context_.accept(selection_));
    if (!ends.shake_hands()) return nullptr;
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ends.client.get(), &chosen, &size);
    protocol_.assign(reinterpret_cast<const char*>(chosen), size);
    return X509Ptr(SSL_get1_peer_certificate(ends.client.get()));
  }

  CertificateSet set_{{{"a", make_certificate()}}, {}, nullptr};
  ChallengeBoard board_;
  TicketKeys keys_{TicketKeys::make_secret(noon), noon};
  TlsServerContext context_ = std::move(*TlsServerContext::make({.name = "https"}, keys_));
  TlsSelection selection_;
  std::string protocol_;
};

TEST_F(TlsChallenge, IsShownToWhoSpeaksTheProtocolWithTheNameAndTheDigest) {
  const X509Ptr leaf = shown("a.test",
                             "\x0a"
                             "acme-tls/1");
  ASSERT_TRUE(leaf);
  EXPECT_EQ(protocol_, "acme-tls/1");
  EXPECT_TRUE(selection_.challenge);
  EXPECT_TRUE(selection_.served.empty());
  const std::unique_ptr<ASN1_OBJECT, FreedBy<ASN1_OBJECT_free>> id(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
  const int at = X509_get_ext_by_OBJ(leaf.get(), id.get(), -1);
  ASSERT_GE(at, 0);
  X509_EXTENSION* extension = X509_get_ext(leaf.get(), at);
  EXPECT_EQ(X509_EXTENSION_get_critical(extension), 1);
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
  std::string expected("\x04\x20", 2);
  expected.append(digest.begin(), digest.end());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                        static_cast<std::size_t>(ASN1_STRING_length(value))),
            expected);
}

TEST_F(TlsChallenge, OthersGetTheRealCertificateOrAreRefused) {
  const X509Ptr real = shown("a.test", "\x08http/1.1");
  ASSERT_TRUE(real);
  EXPECT_FALSE(selection_.challenge);
  EXPECT_EQ(X509_cmp(real.get(), set_.all()[0].certificate->leaf.get()), 0);
  const X509Ptr both = shown("a.test",
                             "\x0a"
                             "acme-tls/1"
                             "\x08http/1.1");
  ASSERT_TRUE(both);
  EXPECT_FALSE(selection_.challenge) << "a CA offers that protocol alone";
  EXPECT_FALSE(shown("b.test",
                     "\x0a"
                     "acme-tls/1"))
      << "no challenge is open: never the real certificate";
  board_.tls.clear();
  EXPECT_FALSE(shown("a.test",
                     "\x0a"
                     "acme-tls/1"));
}

}  // namespace
}  // namespace gatehouse
