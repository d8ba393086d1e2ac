// ban_view.h: the bans that live, as programs and people read them.
//   Threads  control. Limits: so many are shown as are asked for; the table is walked, and no copy of it is made.
#pragma once

#include <vector>

#include "cli/json.h"
#include "cli/text.h"
#include "ratelimit/ban_table.h"

namespace gatehouse::cli {

struct NewestBans {
  std::size_t live = 0;  // in all
  json::array newest;    // the last one first
};

NewestBans newest_bans(const ratelimit::BanTable& bans, std::int64_t steady_ms, std::int64_t wall_ms,
                       std::size_t most);

// A row of a ban's JSON: whom, by which jail, how, for how long.
std::vector<Columns::Cell> ban_cells(const json::object& ban);

}  // namespace gatehouse::cli
