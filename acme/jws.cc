#include "acme/jws.h"

#include "acme/json_look.h"
#include "net/encoding.h"
#include "net/hmac.h"

namespace gatehouse::acme {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string flattened(std::string_view head, std::string_view payload, std::string_view signature) {
  return json::serialize(json::object{{"protected", head}, {"payload", payload}, {"signature", signature}});
}

Result<std::string> signed_json(const AccountKey& key, const json::object& head, std::string_view payload) {
  const std::string first = base64url(bytes_of(json::serialize(head))), second = base64url(bytes_of(payload));
  const Result<std::string> signature = key.sign(first + "." + second);
  if (!signature) return signature.error();
  return flattened(first, second, *signature);
}

}  // namespace

Result<std::string> signed_request(const AccountKey& key, std::string_view kid, std::string_view url,
                                   std::string_view nonce, std::string_view payload) {
  json::object head{{"alg", "ES256"}, {"nonce", nonce}, {"url", url}};
  if (kid.empty())
    head["jwk"] = read_object(key.jwk());
  else
    head["kid"] = kid;
  return signed_json(key, head, payload);
}

std::string account_binding(const AccountKey& key, std::string_view kid, std::string_view hmac_key,
                            std::string_view new_account_url) {
  const json::object head{{"alg", "HS256"}, {"kid", kid}, {"url", new_account_url}};
  const std::string first = base64url(bytes_of(json::serialize(head))), second = base64url(bytes_of(key.jwk()));
  return flattened(first, second, base64url(hmac_sha256(bytes_of(hmac_key), first + "." + second)));
}

Result<std::string> key_change_payload(const AccountKey& old_key, const AccountKey& new_key, std::string_view account,
                                       std::string_view key_change_url) {
  const json::object head{{"alg", "ES256"}, {"jwk", read_object(new_key.jwk())}, {"url", key_change_url}};
  return signed_json(new_key, head,
                     json::serialize(json::object{{"account", account}, {"oldKey", read_object(old_key.jwk())}}));
}

}  // namespace gatehouse::acme
