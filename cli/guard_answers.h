// guard_answers.h: what the admin socket tells of bans.
#pragma once

#include <string>

#include "cli/json.h"
#include "net/result.h"

namespace gatehouse::cli {

class Door;

// The bans that live, the last one first; `most` of them.
json::object bans_json(const Door& door, std::size_t most);
// One ban by an address in it, its network or its id, and the strikes that are remembered.
Result<json::object> why_json(const Door& door, const std::string& target);

}  // namespace gatehouse::cli
