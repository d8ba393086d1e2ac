#include "net/tls_server_context.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "net/openssl_error.h"
#include "net/server_name.h"
#include "net/tls_policy.h"

namespace gatehouse {
namespace {

// Lives as long as its SSL_CTX, which lives as long as the last SSL made from it.
struct ServerState {
  TlsServerPolicy policy;
  std::string alpn;
  const TicketKeys* keys;
  EvpMdPtr sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};  // fetched once: looking them up by name costs
  EvpCipherPtr aes_256_cbc{EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)};
};

void free_state(void*, void* state, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<ServerState*>(state); }

int state_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
  return index;
}
int selection_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ServerState& state_of(SSL* ssl) {
  return *static_cast<ServerState*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), state_index()));
}
TlsSelection& selection_of(SSL* ssl) { return *static_cast<TlsSelection*>(SSL_get_ex_data(ssl, selection_index())); }

std::string server_name_of(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1) return {};
  const auto host = read_server_name({reinterpret_cast<const char*>(bytes), size});
  return host ? std::string(host->text()) : std::string();
}

bool bind_sessions(SSL* ssl, const ServerState& state, const std::string& server_name) {
  const std::string bound = state.policy.name + '\0' + server_name;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  return EVP_Digest(bound.data(), bound.size(), digest, &size, state.sha256.get(), nullptr) == 1 &&
         SSL_set_session_id_context(ssl, digest, size) == 1;
}

bool offers_challenge(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes, &size) != 1)
    return false;
  const std::string_view offered(reinterpret_cast<const char*>(bytes), size);
  const std::string wanted = alpn_wire_form({std::string(ChallengeBoard::tls_protocol)});
  return offered.size() == wanted.size() + 2 && offered.substr(2) == wanted;  // that one alone: RFC 8737 4
}

int on_client_hello(SSL* ssl, int* alert, void*) {
  const ServerState& state = state_of(ssl);
  TlsSelection& selection = selection_of(ssl);
  selection.server_name = server_name_of(ssl);
  const ChallengeBoard* board = selection.challenges;
  if (board != nullptr && !board->tls.empty() && offers_challenge(ssl)) {
    const auto found = board->tls.find(selection.server_name);
    if (found != board->tls.end()) {
      selection.challenge = found->second;
      return bind_sessions(ssl, state, std::string(ChallengeBoard::tls_protocol)) ? SSL_CLIENT_HELLO_SUCCESS
                                                                                  : SSL_CLIENT_HELLO_ERROR;
    }
  }
  const ServedCertificates* served =
      selection.server_name.empty() ? nullptr : selection.certificates->find(selection.server_name);
  if (!served && state.policy.refuse_unknown_names) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  selection.served = served ? *served : selection.certificates->fallback();
  return bind_sessions(ssl, state, selection.server_name) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

// Called only in a full handshake.
int on_certificate_needed(SSL* ssl, void*) {
  if (const CertificatePtr& challenge = selection_of(ssl).challenge) return use_certificate(ssl, *challenge) ? 1 : 0;
  for (const CertificatePtr& certificate : selection_of(ssl).served.by_key_type)
    if (certificate && !use_certificate(ssl, *certificate)) return 0;
  return 1;
}

int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
            unsigned offered_size, void*) {
  if (selection_of(ssl).challenge) {
    *out = reinterpret_cast<const unsigned char*>(ChallengeBoard::tls_protocol.data());
    *out_size = static_cast<unsigned char>(ChallengeBoard::tls_protocol.size());
    return SSL_TLSEXT_ERR_OK;
  }
  const std::string& ours = state_of(ssl).alpn;
  unsigned char* chosen = nullptr;  // SSL_select_next_proto's type; it is not written through
  const int result = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned>(ours.size()), offered, offered_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKey& key) {
  static char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_MAC_init(mac, key.mac.data(), key.mac.size(), parameters) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 error, 0 not our ticket, 1 good, 2 good but give a new one.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const ServerState& state = state_of(ssl);
  if (seal) {
    const TicketKey& key = state.keys->current();
    std::copy(key.name.begin(), key.name.end(), name);
    const bool good = RAND_bytes(iv, EVP_CIPHER_get_iv_length(state.aes_256_cbc.get())) == 1 &&
                      EVP_EncryptInit_ex2(cipher, state.aes_256_cbc.get(), key.cipher.data(), iv, nullptr) == 1 &&
                      set_mac_key(mac, key);
    return good ? 1 : -1;
  }
  const auto [key, renew] = state.keys->find(std::span<const std::uint8_t, 16>(name, 16));
  if (!key) return 0;
  const bool good = set_mac_key(mac, *key) &&
                    EVP_DecryptInit_ex2(cipher, state.aes_256_cbc.get(), key->cipher.data(), iv, nullptr) == 1;
  return !good ? -1 : renew ? 2 : 1;
}

}  // namespace

Result<TlsServerContext> TlsServerContext::make(TlsServerPolicy policy, const TicketKeys& keys) {
  take_openssl_error();
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || !apply_tls_policy(context.get()))
    return Error{Errc::tls, "the TLS library refuses our policy: " + take_openssl_error()};
  auto state = std::make_unique<ServerState>();
  state->alpn = alpn_wire_form(policy.alpn);
  state->policy = std::move(policy);
  state->keys = &keys;
  if (!state->alpn.empty()) SSL_CTX_set_alpn_select_cb(context.get(), on_alpn, nullptr);
  if (!state->sha256 || !state->aes_256_cbc || SSL_CTX_set_ex_data(context.get(), state_index(), state.get()) != 1)
    return Error{Errc::tls, take_openssl_error()};
  std::ignore = state.release();  // free_state has it now
  SSL_CTX_set_client_hello_cb(context.get(), on_client_hello, nullptr);
  SSL_CTX_set_cert_cb(context.get(), on_certificate_needed, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), on_ticket);
  // One ticket: what a client gets it uses once or often, and each costs us some ten microseconds. Not none: clients
  // that leave Nagle's algorithm on would wait for a delayed acknowledgement (44 ms) before their first request.
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_timeout(context.get(), std::chrono::seconds(TicketKeys::period).count());
  return TlsServerContext(std::move(context));
}

SslPtr TlsServerContext::accept(TlsSelection& selection) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_ex_data(ssl.get(), selection_index(), &selection) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace gatehouse
