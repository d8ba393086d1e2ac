// rules.h: the guard as configured, ready to judge. Part of the world: immutable, swapped whole.
#pragma once

#include <string_view>
#include <vector>

#include "ratelimit/jail.h"
#include "ratelimit/limits.h"

namespace gatehouse::ratelimit {

struct Rules {
  // `spared`: who is never banned, besides those that `conf` names.
  Rules(const conf::Guard& conf, const SipKey& key, std::vector<IpPrefix> spared, const Rules* before);
  Rules(const Rules&) = delete;
  const Jail* find(std::string_view jail) const;
  // Whether somebody within the prefix is never to be banned.
  bool spares(const IpPrefix& prefix) const;

  const conf::Guard conf;
  const std::vector<IpPrefix> spared;  // never banned, besides those of conf.ignoreip
  Limits limits;
  std::vector<Jail> jails;
  std::uint64_t forget_after_ms;
  bool counts_fakes = false;  // some jail counts who only says that it is a crawler
};

}  // namespace gatehouse::ratelimit
