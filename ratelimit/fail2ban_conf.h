// fail2ban_conf.h: the text of a jail.local to sections of options, as fail2ban reads it (Python's configparser).
//   "name = value" or "name: value"; lines that begin with a blank go on with the value before; '#' and ';' begin
//   comments at a line's begin, ';' after a blank as well; names are case-insensitive. Pure.
//   Limits  fail2ban_bytes_max, fail2ban_options_max; expansion stops at expanded_bytes_max and sixteen levels.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"

namespace gatehouse::ratelimit {

inline constexpr std::size_t fail2ban_bytes_max = 1 << 20, fail2ban_options_max = 10'000,
                             expanded_bytes_max = 16 << 10;

struct Fail2banOption {
  std::string name, value;  // name in lower case
  unsigned line = 0;
};

struct Fail2banSection {
  std::string name;
  unsigned line = 0;
  std::vector<Fail2banOption> options;  // the last of a name counts
  const Fail2banOption* find(std::string_view name) const;
};

struct Fail2banConf {
  Fail2banSection defaults;               // [DEFAULT]
  std::vector<Fail2banSection> sections;  // of one name: one; without [DEFAULT]
  conf::Findings findings;

  // The value with each %(name)s in place. None: something in it is not said here.
  std::optional<std::string> expand(const std::string& value, const Fail2banSection& section) const;
};

Fail2banConf read_fail2ban_conf(std::string_view text, const std::string& file);

}  // namespace gatehouse::ratelimit
