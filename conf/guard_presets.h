// guard_presets.h: jails that are known by name: the web filters of fail2ban and CrowdSec over fields of an event
//   instead of lines of a log; and what a jail says once its preset and the defaults have spoken. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "conf/guard.h"

namespace gatehouse::conf {

struct Preset {
  std::string name;
  Jail jail;
};
std::span<const Preset> presets();
const Preset* find_preset(std::string_view name);

// Fields of an event: event, method, host, path, query, status, termination, by, service, user_agent, referer,
// header:NAME, and headers, which is any of them.
bool is_event_field(std::string_view name);
std::string event_fields_text();

// Everything said: the jail's own word, else its preset's, else the defaults', else the built-in one. Filters are the
// preset's where the jail has none.
Jail settled(const Jail& jail, const Guard& guard);

}  // namespace gatehouse::conf
