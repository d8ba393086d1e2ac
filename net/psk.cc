#include "net/psk.h"

#include <algorithm>
#include <cstring>

#include <openssl/rand.h>

#include "net/hmac.h"
#include "net/openssl_error.h"
#include "net/tls_policy.h"

namespace gatehouse {
namespace {

constexpr const char* suites_13 = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* suites_12 =
    "ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES256-CBC-SHA384:ECDHE-PSK-AES128-CBC-SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
constexpr std::size_t read_buffer = 64 << 10;  // what one read of the socket may bring: four records

int selection_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
int offer_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
PskSelection& selection_of(const SSL* ssl) {
  return *static_cast<PskSelection*>(SSL_get_ex_data(ssl, selection_index()));
}
const PskOffer& offer_of(const SSL* ssl) { return *static_cast<PskOffer*>(SSL_get_ex_data(ssl, offer_index())); }

bool is_printable(std::string_view text) {
  return !text.empty() && text.size() <= psk_identity_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Not to be told from a wrong key: made of the identity and of what only this process knows.
const std::array<std::uint8_t, 32>& decoy_secret() {
  static const std::array<std::uint8_t, 32> secret = [] {
    std::array<std::uint8_t, 32> made{};
    RAND_priv_bytes(made.data(), made.size());
    return made;
  }();
  return secret;
}

SSL_SESSION* session_of(SSL* ssl, std::span<const unsigned char> key) {
  SslSessionPtr session(SSL_SESSION_new());
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
  const bool good = session && cipher != nullptr &&
                    SSL_SESSION_set1_master_key(session.get(), key.data(), key.size()) == 1 &&
                    SSL_SESSION_set_cipher(session.get(), cipher) == 1 &&
                    SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1;
  return good ? session.release() : nullptr;
}

// Bytes that can't be one of our identities are no error: a client may show an old ticket first.
int on_identity_13(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) {
  *session = nullptr;
  PskSelection& selection = selection_of(ssl);
  const std::string_view name(reinterpret_cast<const char*>(identity), size);
  if (!is_printable(name)) return 1;
  selection.presented = true;
  selection.identity = name;
  const auto found = selection.keys->find(name);
  selection.known = found != selection.keys->end();
  if (selection.known) {
    *session = session_of(ssl, found->second.bytes());
    return *session != nullptr;
  }
  const std::array<std::uint8_t, 32> decoy = hmac_sha256(decoy_secret(), name);
  *session = session_of(ssl, decoy);
  return *session != nullptr;
}

// 0: unknown_psk_identity; the decoy fails as a wrong key does.
unsigned on_identity_12(SSL* ssl, const char* identity, unsigned char* key, unsigned most) {
  PskSelection& selection = selection_of(ssl);
  const std::string_view name = identity == nullptr ? "" : identity;
  if (!is_printable(name)) return 0;
  selection.presented = true;
  selection.identity = name;
  const auto found = selection.keys->find(name);
  selection.known = found != selection.keys->end();
  const std::array<std::uint8_t, 32> decoy = hmac_sha256(decoy_secret(), name);
  const std::span<const unsigned char> bytes = selection.known ? found->second.bytes() : decoy;
  if (bytes.size() > most) return 0;
  std::memcpy(key, bytes.data(), bytes.size());
  return static_cast<unsigned>(bytes.size());
}

int on_offer_13(SSL* ssl, const EVP_MD* digest, const unsigned char** identity, std::size_t* size,
                SSL_SESSION** session) {
  *session = nullptr;
  *identity = nullptr;
  *size = 0;
  if (digest != nullptr && !EVP_MD_is_a(digest, "SHA256")) return 1;
  const PskOffer& offer = offer_of(ssl);
  *session = session_of(ssl, offer.key.bytes());
  if (*session == nullptr) return 0;
  *identity = reinterpret_cast<const unsigned char*>(offer.identity.data());
  *size = offer.identity.size();
  return 1;
}

unsigned on_offer_12(SSL* ssl, const char*, char* identity, unsigned identity_most, unsigned char* key,
                     unsigned key_most) {
  const PskOffer& offer = offer_of(ssl);
  if (offer.identity.size() + 1 > identity_most || offer.key.size() > key_most) return 0;
  std::memcpy(identity, offer.identity.c_str(), offer.identity.size() + 1);
  std::memcpy(key, offer.key.data(), offer.key.size());
  return static_cast<unsigned>(offer.key.size());
}

void free_alpn(void*, void* wire, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(wire); }
int alpn_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_alpn);
  return index;
}

int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
            unsigned offered_size, void*) {
  const auto& ours = *static_cast<const std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), alpn_index()));
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned>(ours.size()), offered, offered_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

bool apply_psk_policy(SSL_CTX* context, PskVersion version) {
  if (!apply_tls_policy(context)) return false;
  const int exactly = version == PskVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_default_read_buffer_len(context, read_buffer);
  return SSL_CTX_set_min_proto_version(context, exactly) == 1 &&
         SSL_CTX_set_max_proto_version(context, exactly) == 1 && SSL_CTX_set_ciphersuites(context, suites_13) == 1 &&
         SSL_CTX_set_cipher_list(context, suites_12) == 1 && SSL_CTX_set1_groups_list(context, groups) == 1;
}

Error refused() { return Error{Errc::tls, "the TLS library refuses pre-shared keys: " + take_openssl_error()}; }

}  // namespace

Result<PskServerContext> PskServerContext::make(PskVersion version, const std::vector<std::string>& alpn) {
  take_openssl_error();
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || !apply_psk_policy(context.get(), version)) return refused();
  if (version == PskVersion::tls13)
    SSL_CTX_set_psk_find_session_callback(context.get(), on_identity_13);
  else
    SSL_CTX_set_psk_server_callback(context.get(), on_identity_12);
  if (alpn.empty()) return PskServerContext(std::move(context));
  auto wire = std::make_unique<std::string>(alpn_wire_form(alpn));
  if (SSL_CTX_set_ex_data(context.get(), alpn_index(), wire.get()) != 1) return refused();
  wire.release();  // free_alpn has it now
  SSL_CTX_set_alpn_select_cb(context.get(), on_alpn, nullptr);
  return PskServerContext(std::move(context));
}

SslPtr PskServerContext::accept(PskSelection& selection) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_ex_data(ssl.get(), selection_index(), &selection) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  return ssl;
}

Result<PskClientContext> PskClientContext::make(PskVersion version) {
  take_openssl_error();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context || !apply_psk_policy(context.get(), version)) return refused();
  // A peer that shows a certificate in place of the key is nobody we know: there is no authority to believe it by.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (version == PskVersion::tls13)
    SSL_CTX_set_psk_use_session_callback(context.get(), on_offer_13);
  else
    SSL_CTX_set_psk_client_callback(context.get(), on_offer_12);
  return PskClientContext(std::move(context));
}

SslPtr PskClientContext::connect(const PskOffer& offer, const std::string& server_name,
                                 const std::vector<std::string>& alpn) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_ex_data(ssl.get(), offer_index(), const_cast<PskOffer*>(&offer)) != 1) return nullptr;
  if (!server_name.empty() && SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) != 1) return nullptr;
  const std::string wire = alpn_wire_form(alpn);
  if (!wire.empty() && SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                                           static_cast<unsigned>(wire.size())) != 0)  // 0 is success here
    return nullptr;
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::string psk_doubt(const SSL* ssl, PskVersion version) {
  SSL* const asked = const_cast<SSL*>(ssl);
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  if (cipher == nullptr) return "no cipher suite";
  if (SSL_get0_peer_certificate(ssl) != nullptr) return "the peer showed a certificate";
  if (version == PskVersion::tls12) {
    if (SSL_version(ssl) != TLS1_2_VERSION) return "not TLS 1.2";
    return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe_psk ? "" : "the key exchange is not ECDHE_PSK";
  }
  if (SSL_version(ssl) != TLS1_3_VERSION) return "not TLS 1.3";
  if (SSL_session_reused(asked) != 1) return "the pre-shared key was not used";
  if (!EVP_MD_is_a(SSL_CIPHER_get_handshake_digest(cipher), "SHA256")) return "not one of our cipher suites";
  return SSL_get_negotiated_group(asked) > 0 ? "" : "no (EC)DHE";
}

std::string_view chosen_alpn(const SSL* ssl) {
  const unsigned char* bytes = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string_view asked_name(const SSL* ssl) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view() : name;
}

std::array<std::uint8_t, 8> connection_name(SSL* ssl) {
  constexpr std::string_view label = "EXPORTER-gatehouse-connection-name";
  std::array<std::uint8_t, 8> out{};
  SSL_export_keying_material(ssl, out.data(), out.size(), label.data(), label.size(), nullptr, 0, 0);
  return out;
}

}  // namespace gatehouse
