// import.h: the sections of a stunnel.conf as a `tunnel:` section, and a word on every option that is not the same.
//   Nothing is silently dropped: an option is carried, or named with its line as one that makes no difference, as one
//   that is different here, or as what keeps its section from being carried. Pure: who stands in a key file is asked
//   through a function.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conf/tunnel.h"
#include "net/result.h"
#include "tunnel/stunnel_conf.h"

namespace gatehouse::tunnel {

struct Imported {
  conf::Tunnel tunnel;
  conf::Findings findings;  // errors: sections that are not carried; warnings: what is different; notes: the rest
  std::size_t carried = 0, refused = 0;  // sections
};

using IdentitiesOf = std::function<Result<std::vector<std::string>>(const std::string& key_file)>;

Imported import_stunnel(const StunnelConf& conf, const std::string& file, const IdentitiesOf& identities);

}  // namespace gatehouse::tunnel
