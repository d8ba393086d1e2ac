// admin_client_io.h: how the commands ask the running program: HTTP over its Unix socket.
//   One question, one answer, within answer_time: a program that hangs doesn't hang the command.
#pragma once

#include <string>

#include "cli/http_message.h"
#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::cli {

inline constexpr Seconds answer_time{60};  // a reload reads the whole catalog

// The error says what to do when nobody answers there.
Result<HttpReply> ask(const std::string& socket, const std::string& method, const std::string& target,
                      Millis within = answer_time);

}  // namespace gatehouse::cli
