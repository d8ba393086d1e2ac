// service_manager.h: what systemd is told about this process, where it asked to be told.
//   Without NOTIFY_SOCKET in the environment nothing is said. Never waits; what is not taken is lost.
//   Source   sd_notify(3), the protocol that it promises to keep.
#pragma once

#include <string_view>

namespace gatehouse {

void tell_service_manager(std::string_view state);  // "READY=1", "MAINPID=4711"

}  // namespace gatehouse
