// admin_client_io.h: how the commands ask the running program: HTTP over its Unix socket.
#pragma once

#include <string>

#include "cli/http_server_io.h"

namespace gatehouse::cli {

// The error says what to do when nobody answers there.
Result<HttpReply> ask(const std::string& socket, const std::string& method, const std::string& target);

}  // namespace gatehouse::cli
