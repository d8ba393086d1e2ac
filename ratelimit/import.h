// import.h: the jails of a jail.local as a `guard:` section, and a word on every option that is not the same.
//   Nothing is silently dropped: an option is carried, or named with its line as one that makes no difference here, as
//   one that is different here, or as what keeps its jail from being carried. Pure.
//   Source  jail.conf(5) of fail2ban 1.0.
#pragma once

#include <string>

#include "conf/guard.h"
#include "ratelimit/fail2ban_conf.h"

namespace gatehouse::ratelimit {

struct Imported {
  conf::Guard guard;
  conf::Findings findings;  // errors: jails that are not carried; warnings: what is different; notes: the rest
  std::size_t carried = 0, refused = 0, off = 0;  // jails; off: not enabled
};

Imported import_fail2ban(const Fail2banConf& from, const std::string& file);

}  // namespace gatehouse::ratelimit
