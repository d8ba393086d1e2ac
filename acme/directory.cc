#include "acme/directory.h"

#include "acme/json_look.h"

namespace gatehouse::acme {

Result<Directory> read_directory(std::string_view text) {
  const json::object all = read_object(text);
  if (all.empty()) return Error{Errc::protocol, "what is there is no ACME directory"};
  Directory out;
  struct Place {
    const char* key;
    std::string* to;
    bool needed;
  };
  for (const auto& [key, to, needed] : {Place{"newNonce", &out.new_nonce, true},
                                        {"newAccount", &out.new_account, true},
                                        {"newOrder", &out.new_order, true},
                                        {"revokeCert", &out.revoke_certificate, false},
                                        {"keyChange", &out.key_change, false},
                                        {"renewalInfo", &out.renewal_info, false}}) {
    *to = text_at(all, key);
    if (to->starts_with("https://") || (to->empty() && !needed)) continue;
    return Error{Errc::protocol, "the ACME directory has no https URL for " + std::string(key)};
  }
  const json::object& meta = object_at(all, "meta");
  out.terms = text_at(meta, "termsOfService");
  out.needs_binding = is_true_at(meta, "externalAccountRequired");
  for (const auto& [name, words] : object_at(meta, "profiles"))
    out.profiles[name] = words.is_string() ? std::string(words.get_string()) : std::string();
  return out;
}

}  // namespace gatehouse::acme
