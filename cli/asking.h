// asking.h: what the verbs that ask the running program share: one question, its answer, and errors told on stderr.
#pragma once

#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/http_message.h"
#include "cli/json.h"

namespace gatehouse::cli {

// Nothing: nobody answered, and stderr says why.
std::optional<HttpReply> ask_door(const Where& where, const std::string& method, const std::string& target);

// The same, when anything but 200 is a failure whose body stderr is told.
std::optional<HttpReply> ask_door_well(const Where& where, const std::string& method, const std::string& target);

std::optional<json::object> parse_object(const std::string& text);

bool is_terminal();  // stdout: whether colours are welcome ($NO_COLOR says no)

}  // namespace gatehouse::cli
