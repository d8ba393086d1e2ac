// tls_client_context.h: how we speak TLS to backends. One a worker and TLS identity.
//   TLS 1.2 and 1.3 as in tls_policy.h. The peer is verified unless that was switched off: chain, time and name
//   (RFC 9525; an address against iPAddress names). Without authorities to judge by there is no context at all.
//   Resumption  the last session of each endpoint and name is kept: sessions_max, then an arbitrary one goes.
//   Threads     one worker's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/certificate.h"
#include "net/openssl_ptr.h"
#include "net/result.h"
#include "net/trust_store.h"

namespace gatehouse {

struct TlsClientPolicy {
  bool verify = true;
  TrustStorePtr authorities;   // needed with verify
  CertificatePtr certificate;  // shown to backends that ask; may be null
  std::vector<std::string> alpn = {"http/1.1"};
  std::size_t sessions_max = 1024;
};

class TlsClientContext {
 public:
  static Result<TlsClientContext> make(const TlsClientPolicy& policy);

  // A client's end in its initial state, without a BIO. `server_name`: what the peer must prove to be; sent as SNI
  // unless it is an address. `endpoint`: whose session may be resumed, "10.0.0.1:443".
  Result<SslPtr> connect(const std::string& server_name, std::string_view endpoint) const;
  SSL_CTX* get() const { return context_.get(); }

 private:
  TlsClientContext(SslCtxPtr context, bool verify) : context_(std::move(context)), verify_(verify) {}
  SslCtxPtr context_;
  bool verify_;
};

// Why a handshake failed, in one line; empties the error queue. "certificate verify failed: certificate has expired".
std::string describe_tls_failure(const SSL* ssl);

}  // namespace gatehouse
