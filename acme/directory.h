// directory.h: what a CA offers, and where (RFC 8555 7.1.1). Read anew for each run of orders; no URL of it is built
//   or guessed. Pure.  Failure  what an order can't do without is missing, or isn't https (RFC 8555 6.1).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "net/result.h"

namespace gatehouse::acme {

struct Directory {
  std::string new_nonce, new_account, new_order;
  std::string revoke_certificate, key_change, renewal_info;  // may be empty
  std::string terms;                                         // of service; empty: none
  std::map<std::string, std::string> profiles;               // name to what it says of it
  bool needs_binding = false;                                // an external account (RFC 8555 7.3.4)
};

Result<Directory> read_directory(std::string_view text);

}  // namespace gatehouse::acme
