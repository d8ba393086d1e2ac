#include "net/tls_policy.h"

#include <openssl/err.h>

namespace gatehouse {
namespace {

// AES-128 first: it is what hardware does fastest. ChaCha20 goes first for clients that put it first, those without
// AES in hardware (SSL_OP_PRIORITIZE_CHACHA).
constexpr const char* ciphers_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* ciphers_12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// The hybrid with ML-KEM (post-quantum) where the library has it: from OpenSSL 3.5 on, found out at run time.
constexpr const char* groups_hybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* groups = "X25519:P-256:P-384";
// ECDSA before RSA: a tenth of the work for the same client.
constexpr const char* signatures =
    "ECDSA+SHA256:ed25519:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";

bool set_groups(SSL_CTX* context) {
  if (SSL_CTX_set1_groups_list(context, groups_hybrid) == 1) return true;
  ERR_clear_error();
  return SSL_CTX_set1_groups_list(context, groups) == 1;
}

}  // namespace

bool apply_tls_policy(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  // A write may end early and be continued from another buffer: the stream above stages and batches.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_clear_mode(context,
                     SSL_MODE_AUTO_RETRY);  // a read ends after a record without data: TlsSession counts them
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, 0) == 1 && SSL_CTX_set_ciphersuites(context, ciphers_13) == 1 &&
         SSL_CTX_set_cipher_list(context, ciphers_12) == 1 && set_groups(context) &&
         SSL_CTX_set1_sigalgs_list(context, signatures) == 1;
}

std::string alpn_wire_form(const std::vector<std::string>& protocols) {
  std::string out;
  for (const std::string& protocol : protocols)
    if (!protocol.empty() && protocol.size() <= 255) (out += static_cast<char>(protocol.size())) += protocol;
  return out;
}

}  // namespace gatehouse
