// tls_server_context.h: how a listener speaks TLS. One long-lived SSL_CTX a worker and listener policy.
//   TLS 1.2 and 1.3, Mozilla's intermediate ciphers (v5.7, without finite-field DHE: slow, and an easy target), no
//   renegotiation, no compression, no early data, no key log. The certificate is chosen in the ClientHello from the
//   set that the connection brought, so that a handshake begun before a change of certificates ends well.
//   Resumption  by tickets under our own rotating keys, only under the server name and policy that the session was
//               made for (RFC 8446 4.6.1); else a full handshake.
//   Threads     one worker's. Contexts share nothing but certificates.
#pragma once

#include <string>
#include <vector>

#include "net/certificate_set.h"
#include "net/challenge_board.h"
#include "net/openssl_ptr.h"
#include "net/result.h"
#include "net/ticket_keys.h"

namespace gatehouse {

struct TlsServerPolicy {
  std::string name;  // sessions are not resumed under another one
  // In our order of preference. A client that offers only others is refused (RFC 7301 3.2: no_application_protocol).
  std::vector<std::string> alpn = {"http/1.1"};
  // What a client gets that names no host, or one that no certificate covers: the fallback certificate (its request
  // is then answered 421), or with this the alert unrecognized_name.
  bool refuse_unknown_names = false;
};

// One connection's part: owned by it, outlives its SSL.
struct TlsSelection {
  const CertificateSet* certificates = nullptr;  // in: must live until the handshake has ended
  const ChallengeBoard* challenges = nullptr;    // in: as long; may be null
  ServedCertificates served;                     // out: empty before the ClientHello
  CertificatePtr challenge;  // out: a certificate authority asked for it (RFC 8737), and gets no more
  std::string server_name;   // out: SNI in HostName's form; empty: none, or malformed
  const char* version = "";  // the caller's, after the handshake

  // May a request for this host be answered here? Otherwise 421.
  bool covers(std::string_view host) const { return served.covers(host); }
};

class TlsServerContext {
 public:
  // `keys` is borrowed and outlives every connection; its owner advances it.
  static Result<TlsServerContext> make(TlsServerPolicy policy, const TicketKeys& keys);

  // A server's end in its initial state, without a BIO. Null when memory ran out.
  SslPtr accept(TlsSelection& selection) const;
  SSL_CTX* get() const { return context_.get(); }

 private:
  explicit TlsServerContext(SslCtxPtr context) : context_(std::move(context)) {}
  SslCtxPtr context_;
};

}  // namespace gatehouse
