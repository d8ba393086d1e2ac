// snapshot_entries.h: Consul's config entries as a snapshot keeps them. Pure.
//   Of one source and kind: what stands in Consul's JSON list, without what changes by itself (indexes), and with the
//   source as the only pair of each entry's `Meta`, which means nothing to us. In a file all of them are one list,
//   which a Consul server would take for its own (config_entries.bootstrap).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/catalog/snapshot.h"
#include "net/result.h"

namespace gatehouse::catalog {

// Of an answer of /v1/config/KIND; empty: there are none.
// REQUIRES what parse_config_entries takes.
std::string entries_to_keep(std::string_view body, const std::string& source);

// Of all sources, to follow the services of a snapshot; empty: there are none.
std::string entries_text(const std::vector<SourceInstances>& sources);
// Gives each source its own, of a text that is whole.
Status read_entries(std::string_view text, std::vector<SourceInstances>& sources);

}  // namespace gatehouse::catalog
