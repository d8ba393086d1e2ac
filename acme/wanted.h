// wanted.h: which certificates are to be had: of the hosts that routes name, those within `permit`; of those within
// `wildcards` their parent's wildcard instead. Pure.
//   What can't be had is told with its reason.
//   Limits  wanted_most: what is beyond is told.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "conf/config.h"

namespace gatehouse::acme {

struct Wanted {
  static constexpr std::size_t wanted_most = 20'000;
  std::set<std::string> names;
  std::map<std::string, std::string> refused;  // routed and within permit, but not to be had: why
};

// `is_covered`: by a certificate that was brought.
Wanted wanted_names(const std::set<std::string>& hosts, const conf::Acme& acme,
                    const std::function<bool(const std::string&)>& is_covered);

}  // namespace gatehouse::acme
