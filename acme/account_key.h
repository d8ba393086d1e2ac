// account_key.h: the key of an account with a CA: P-256, signing as ES256 (RFC 7518 3.4), named by RFC 7638.
//   Never the key of a certificate.  Threads  immutable.  Failure  OpenSSL's, in words.
#pragma once

#include <string>
#include <string_view>

#include "net/openssl_ptr.h"
#include "net/result.h"

namespace gatehouse::acme {

class AccountKey {
 public:
  static Result<AccountKey> make();
  static Result<AccountKey> from_pem(std::string_view pem);

  Result<std::string> pem() const;
  const std::string& jwk() const { return jwk_; }  // as RFC 7638 writes it: no blanks, members in order
  const std::string& thumbprint() const { return thumbprint_; }
  Result<std::string> sign(std::string_view text) const;  // base64url of r and s
  // What a challenge is answered with (RFC 8555 8.1).
  std::string authorization(std::string_view token) const { return std::string(token) + "." + thumbprint_; }

 private:
  static Result<AccountKey> of(EvpPkeyPtr key);
  EvpPkeyPtr key_;
  std::string jwk_, thumbprint_;
};

}  // namespace gatehouse::acme
