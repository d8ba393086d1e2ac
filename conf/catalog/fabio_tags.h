// fabio_tags.h: fabio's tags, "urlprefix-host/path option …", in our keys. Pure.
//   Each route tag becomes a route of the service, or an address for its TCP; what fabio says per route and we say
//   per service (protocol, Host) counts where all routes of the instance agree on it. Shares of a route (weight=) are
//   weighed over all instances by fabio_weights.h.
//   Source   fabio 1.7.3: registry/consul, route.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/catalog/foreign.h"
#include "conf/words.h"

namespace gatehouse::catalog {

ForeignTags fabio_tags(const conf::Instance& instance, const SpellingContext& context);

// A tag taken apart; nothing: it is not fabio's.
struct FabioTag {
  std::string source;                 // "host/path", "/path", ":port" or "address:port"; the host in lower case
  std::vector<conf::Option> options;  // an option without = has an empty value
  const std::string* option(std::string_view name) const;
};
std::optional<FabioTag> parse_fabio_tag(std::string_view tag);

}  // namespace gatehouse::catalog
