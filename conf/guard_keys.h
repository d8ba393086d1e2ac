// guard_keys.h: the key table of the section `guard`, and the text forms of its values. Pure.
#pragma once

#include <string>
#include <string_view>

#include "conf/form.h"
#include "conf/guard.h"
#include "net/result.h"

namespace gatehouse::conf {

Form<Guard> guard();
Form<Jail> jail(bool of_defaults);  // guard_jail_keys.cc
Form<GuardMode> guard_mode();

Result<Rate> parse_rate(std::string_view text);           // 5/s, 100/m, 10/h, 300/10m
Result<LimitKey> parse_limit_key(std::string_view text);  // client, service, path, header:X, cookie:X
std::string rate_text(const Rate& rate);
std::string limit_key_text(const LimitKey& key);

}  // namespace gatehouse::conf
