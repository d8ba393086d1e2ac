#include "net/tls_client_context.h"

#include <memory>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "net/host_name.h"
#include "net/ip.h"
#include "net/openssl_error.h"
#include "net/tls_policy.h"

namespace gatehouse {
namespace {

// Lives as long as its SSL_CTX, which lives as long as the last SSL made from it.
struct Sessions {
  std::size_t most;
  std::unordered_map<std::string, SslSessionPtr> by_endpoint;
};

void free_sessions(void*, void* sessions, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Sessions*>(sessions);
}
void free_key(void*, void* key, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(key); }

int sessions_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_sessions);
  return index;
}
int key_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_key);
  return index;
}
Sessions& sessions_of(SSL_CTX* context) {
  return *static_cast<Sessions*>(SSL_CTX_get_ex_data(context, sessions_index()));
}

// Copies are kept and used: the library marks a session as not resumable when its connection ends without a shutdown,
// which is how a pool drops idle ones.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto& [most, kept] = sessions_of(SSL_get_SSL_CTX(ssl));
  const auto* key = static_cast<const std::string*>(SSL_get_ex_data(ssl, key_index()));
  SslSessionPtr copy(key ? SSL_SESSION_dup(session) : nullptr);
  if (!copy) return 0;
  if (kept.size() >= most && !kept.count(*key)) kept.erase(kept.begin());
  kept[*key] = std::move(copy);
  return 0;  // the session itself stays the library's
}

bool name_peer(SSL* ssl, const std::string& server_name, bool verify) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (const auto address = IpAddress::parse(server_name))
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(expected, address->text().c_str()) == 1;
  const auto host = HostName::parse(server_name);
  if (!host) return server_name.empty() && !verify;
  const std::string name(host->text());
  return SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 &&
         (!verify || X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1);
}

bool remember_for(SSL* ssl, std::string key) {
  auto owned = std::make_unique<std::string>(std::move(key));
  if (SSL_set_ex_data(ssl, key_index(), owned.get()) != 1) return false;
  std::ignore = owned.release();  // free_key has it now
  return true;
}

bool set_alpn(SSL_CTX* context, const std::vector<std::string>& protocols) {
  const std::string wire = alpn_wire_form(protocols);
  return wire.empty() || SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                                                 static_cast<unsigned>(wire.size())) == 0;  // 0 is success here
}

bool set_verification(SSL_CTX* context, const TlsClientPolicy& policy) {
  SSL_CTX_set_verify(context, policy.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!policy.verify) return true;
  // An intermediate authority in the operator's file is an anchor too.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return SSL_CTX_set1_cert_store(context, policy.authorities->get()), true;
}

}  // namespace

Result<TlsClientContext> TlsClientContext::make(const TlsClientPolicy& policy) {
  if (policy.verify && !policy.authorities) return invalid("no certificate authorities to verify backends by");
  take_openssl_error();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  const auto& own = policy.certificate;
  const bool made =
      context && apply_tls_policy(context.get()) && set_alpn(context.get(), policy.alpn) &&
      set_verification(context.get(), policy) &&
      (!own || SSL_CTX_use_cert_and_key(context.get(), own->leaf.get(), own->key.get(), own->chain.get(), 1) == 1);
  if (!made) return Error{Errc::tls, "the TLS library refuses our policy: " + take_openssl_error()};
  auto sessions = std::make_unique<Sessions>(Sessions{policy.sessions_max, {}});
  if (SSL_CTX_set_ex_data(context.get(), sessions_index(), sessions.get()) != 1)
    return Error{Errc::tls, take_openssl_error()};
  std::ignore = sessions.release();  // free_sessions has it now
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), on_new_session);
  return TlsClientContext(std::move(context), policy.verify);
}

Result<SslPtr> TlsClientContext::connect(const std::string& server_name, std::string_view endpoint) const {
  SslPtr ssl(SSL_new(context_.get()));
  std::string key = std::string(endpoint) + ' ' + server_name;
  if (!ssl || !remember_for(ssl.get(), key)) return Error{Errc::tls, take_openssl_error()};
  if (!name_peer(ssl.get(), server_name, verify_)) {
    take_openssl_error();
    return invalid("\"" + server_name + "\" is no name to verify a backend by");
  }
  auto& kept = sessions_of(context_.get()).by_endpoint;
  if (const auto last = kept.find(key); last != kept.end())
    if (const SslSessionPtr copy{SSL_SESSION_dup(last->second.get())})
      if (SSL_set_session(ssl.get(), copy.get()) != 1) take_openssl_error();  // then without it
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::string describe_tls_failure(const SSL* ssl) {
  std::string out = take_openssl_error();
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) (out += out.empty() ? "" : ": ") += X509_verify_cert_error_string(verdict);
  return out.empty() ? "the connection ended within the handshake" : out;
}

}  // namespace gatehouse
