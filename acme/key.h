// key.h: private keys: making them, and their PEM. Pure but for OpenSSL's random numbers.
#pragma once

#include <string>
#include <string_view>

#include "conf/config.h"
#include "net/openssl_ptr.h"
#include "net/result.h"

namespace gatehouse::acme {

using KeyKind = conf::AcmeKey;

Result<EvpPkeyPtr> make_key(KeyKind kind);
Result<EvpPkeyPtr> key_from_pem(std::string_view pem);
Result<std::string> pem_of(EVP_PKEY& key);

}  // namespace gatehouse::acme
