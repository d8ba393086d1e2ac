// status_text.h: the state for people, out of the JSON of status.h: short, aligned, the troubles in sight.
//   Made by the command, not by the running program, so that a newer command reads an older program's JSON: a field
//   that is missing is shown as nothing. Pure.
#pragma once

#include <string>

#include "cli/json.h"

namespace gatehouse::cli {

std::string status_text(const json::object& status, bool coloured);
std::string tunnels_text(const json::object& status, bool coloured);  // its tunnels alone

}  // namespace gatehouse::cli
