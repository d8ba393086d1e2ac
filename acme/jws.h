// jws.h: requests to a CA, signed as RFC 8555 6.2 wants them: JWS (RFC 7515) in flattened JSON.
//   POST-as-GET is an empty payload (6.3). Pure.
#pragma once

#include <string>
#include <string_view>

#include "acme/account_key.h"

namespace gatehouse::acme {

inline constexpr std::string_view jose_type = "application/jose+json";

// `kid`: the account's URL; empty: the key itself is sent, as only a new account's request does.
Result<std::string> signed_request(const AccountKey& key, std::string_view kid, std::string_view url,
                                   std::string_view nonce, std::string_view payload);

// The externalAccountBinding of a new account (7.3.4): `kid` and the HMAC key are what the CA's web site gave.
std::string account_binding(const AccountKey& key, std::string_view kid, std::string_view hmac_key,
                            std::string_view new_account_url);

// The payload of a key's roll-over (7.3.5): signed by the new key over the old one's.
Result<std::string> key_change_payload(const AccountKey& old_key, const AccountKey& new_key, std::string_view account,
                                       std::string_view key_change_url);

}  // namespace gatehouse::acme
