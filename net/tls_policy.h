// tls_policy.h: what both ends of ours have in common: versions, ciphers, groups, signatures, modes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "net/openssl_ptr.h"

namespace gatehouse {

// False: the TLS library refused a part of it (its error queue says which).
bool apply_tls_policy(SSL_CTX* context);

// "http/1.1" → "\x08http/1.1"; names longer than 255 bytes or empty are left out (RFC 7301 3.1).
std::string alpn_wire_form(const std::vector<std::string>& protocols);

}  // namespace gatehouse
