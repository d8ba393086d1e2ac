// psk.h: TLS with pre-shared keys and nothing else: no certificates, no tickets, no early data.
//   TLS 1.3   psk_dhe_ke with the two SHA-256 suites, AES-128 first, X25519 first: what stunnel speaks (RFC
//   8446 4.2.11). TLS 1.2   ECDHE_PSK alone (RFC 5489, RFC 7905), where asked for. Proof     a library may fall back
//   to certificates: whoever completes a handshake asks psk_doubt() before a byte. Strangers a printable identity
//   that nobody has gets a decoy key, so that it fails as a wrong key does; bytes that
//             can't be an identity (a ticket of somebody else's) are passed over.
//   Threads   a context is one worker's; keys are immutable and shared.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/openssl_ptr.h"
#include "net/result.h"
#include "net/secret_bytes.h"

namespace gatehouse {

inline constexpr std::size_t psk_identity_bytes_max = 255, psk_bytes_min = 16, psk_bytes_max = 512;

enum class PskVersion { tls13, tls12 };

using PskKeys = std::map<std::string, SecretBytes, std::less<>>;  // by identity

// What a handshake of ours as the server chose. Outlives its SSL.
struct PskSelection {
  std::shared_ptr<const PskKeys> keys;
  std::string identity;    // whose key was tried
  bool known = false;      // the identity has a key; else it got a decoy
  bool presented = false;  // the client sent an identity at all
};

class PskServerContext {
 public:
  // `alpn`: protocols that are ours to choose, in this order; a client that offers none of them is let in without.
  static Result<PskServerContext> make(PskVersion version, const std::vector<std::string>& alpn);
  SslPtr accept(PskSelection& selection) const;  // null: no memory
  SSL_CTX* get() const { return context_.get(); }

 private:
  explicit PskServerContext(SslCtxPtr context) : context_(std::move(context)) {}
  SslCtxPtr context_;
};

// Whose key we show. Borrowed by the SSL that is made from it.
struct PskOffer {
  std::string identity;
  SecretBytes key;
};

class PskClientContext {
 public:
  static Result<PskClientContext> make(PskVersion version);
  // `server_name`: sent as SNI where it can be. `alpn`: protocols to offer; none: the extension is left out.
  SslPtr connect(const PskOffer& offer, const std::string& server_name, const std::vector<std::string>& alpn) const;

 private:
  explicit PskClientContext(SslCtxPtr context) : context_(std::move(context)) {}
  SslCtxPtr context_;
};

// Why a completed handshake is not what was asked for: version, pre-shared key, (EC)DHE, no certificate. Empty: it
// is.
std::string psk_doubt(const SSL* ssl, PskVersion version);

std::string_view chosen_alpn(const SSL* ssl);
std::string_view asked_name(const SSL* ssl);  // the client's SNI; empty: none

// The same eight bytes at both ends, and at nobody else's (RFC 5705, RFC 8446 7.5): names a connection in both logs.
std::array<std::uint8_t, 8> connection_name(SSL* ssl);

}  // namespace gatehouse
