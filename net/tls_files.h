// tls_files.h: how we speak TLS to somebody, by files: authorities, our own certificate and its key.
//   A key that others can read is refused. Blocks on the disk.
#pragma once

#include <compare>
#include <memory>
#include <string>

#include "net/result.h"
#include "net/tls_client_context.h"

namespace gatehouse {

struct TlsFiles {
  std::string ca;                // empty: the machine's own authorities
  std::string certificate, key;  // shown to who asks; empty: none
  bool verify = true;
  bool h2 = false;  // what is spoken inside, told by ALPN: HTTP/1.1 or HTTP/2
  auto operator<=>(const TlsFiles&) const = default;
};

struct TlsContents {
  std::string ca, certificate, key;  // PEM
};

Result<TlsContents> read_tls_files(const TlsFiles& files);
// `system`: the authorities of who names none and verifies.
Result<std::shared_ptr<const TlsClientPolicy>> make_tls_policy(const TlsFiles& files, const TlsContents& contents,
                                                               const TrustStorePtr& system);
// Both, now.
Result<std::shared_ptr<const TlsClientPolicy>> read_tls_policy(const TlsFiles& files, SystemTrust& system);

}  // namespace gatehouse
