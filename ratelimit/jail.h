// jail.h: one jail as configured, ready to judge; and how long a ban lasts. Immutable but for what it counts.
//   What it has counted outlives a change of the configuration as long as maxretry, findtime and `distinct` are the
//   same: a jail of the same name takes it over.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "conf/guard.h"
#include "ratelimit/ban_table.h"
#include "ratelimit/filter.h"
#include "ratelimit/strike_table.h"

namespace gatehouse::ratelimit {

struct JailCounts {
  std::atomic<std::uint64_t> strikes{0}, bans{0}, observed{0}, spared{0};  // spared: never to be banned
};

struct Jail {
  // `conf`: settled (conf/guard_presets.h). `before`: the jail of that name, or null.
  Jail(std::string name, const conf::Jail& conf, unsigned offenders, const Jail* before);
  Jail(Jail&&) noexcept = default;

  // How long a ban is for who was banned so often before. `dice` adds rndtime.
  std::uint64_t ban_ms(unsigned offences_before, std::uint64_t dice) const;
  // Known offenders count more, as fail2ban has it: 2^n/2 + 1, at most maxretry; 1 without bantime.increment.
  unsigned weight(unsigned offences_before) const;
  IpPrefix prefix_of(const IpAddress& client) const;
  bool enforces() const { return *conf.mode == conf::GuardMode::enforce; }

  std::string name;
  conf::Jail conf;
  Filter filter, unless;
  std::shared_ptr<StrikeTable> strikes;
  std::shared_ptr<JailCounts> counts;
};

}  // namespace gatehouse::ratelimit
