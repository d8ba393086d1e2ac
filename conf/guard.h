// guard.h: the section `guard` of gatehouse.yaml as plain data: limits of rates, and who is banned for what.
//   Words are nginx's for limits (rate, burst) and fail2ban's for bans (jail, findtime, maxretry, bantime, ignoreip).
//   Defaults stand here. Read by the tables of guard_keys.cc, judged by guard_check.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/ip.h"

namespace gatehouse::conf {

// observe: counts and tells, and lets pass.
enum class GuardMode { observe, enforce };

// What a limit counts by; several parts together are one key.
struct LimitKey {
  enum class Part { client, service, path, header, cookie };
  Part part = Part::client;
  std::string name;  // of a header or cookie
  bool operator==(const LimitKey&) const = default;
};

struct Rate {
  unsigned count = 0;
  Millis per{1000};
  bool operator==(const Rate&) const = default;
};

struct RateLimit {
  std::vector<LimitKey> key{{}};
  Rate rate;
  unsigned burst = 0;  // beyond the rate, at once
  bool delay = false;  // what is beyond the rate waits its turn
  GuardMode mode = GuardMode::enforce;
  unsigned ipv4 = 32, ipv6 = 64;  // how much of a client's address counts
  std::vector<IpPrefix> except;
  bool operator==(const RateLimit&) const = default;
};

// What becomes of who is banned: an answer with a status, no answer, or no connection.
enum class BanAction { forbid, too_many, close, drop };

// Fields of an event, and what they may be: each field must be one of its values ("exact", "~regular expression").
using FilterFields = std::map<std::string, std::vector<std::string>>;

// A jail of fail2ban's: what counts, how much is too much, what happens then. Where it doesn't say, its preset does,
// then guard.defaults, then settle().
struct Jail {
  static constexpr Millis forever{-1};
  std::optional<GuardMode> mode;
  std::string preset;
  FilterFields filter, unless;        // unless: what matches all of this doesn't count
  std::vector<std::string> services;  // whose events count; empty: those of all
  std::optional<std::string> distinct;
  std::optional<Millis> findtime, bantime;
  std::optional<unsigned> maxretry;
  std::optional<bool> increment;
  std::vector<unsigned> multipliers;
  std::optional<Millis> maxtime, rndtime;
  std::optional<BanAction> action;
  std::optional<unsigned> ipv4, ipv6;  // how much of an address is banned
  bool operator==(const Jail&) const = default;
};

struct Guard {
  static constexpr std::size_t limits_max = 256, jails_max = 128;
  std::map<std::string, RateLimit> rate_limits;
  std::vector<std::string> rate_limit;  // those that every request is counted by
  unsigned limit_keys = 1 << 20;
  std::vector<IpPrefix> ignoreip;
  bool ignoreself = true;
  std::vector<std::string> crawlers;  // of search engines: never banned where they prove who they are
  std::string resolver;               // "192.0.2.1:53", whom the DNS is asked about them; empty: the system's
  Jail defaults;
  std::map<std::string, Jail> jails;
  unsigned bans = 1 << 18;       // at once
  unsigned offenders = 1 << 14;  // whose events a jail counts at once
  Millis dbpurgeage = 24h;       // after its end, and twice its time, a ban is forgotten
  bool on() const { return !rate_limits.empty() || !jails.empty() || !rate_limit.empty(); }
  bool operator==(const Guard&) const = default;
};

}  // namespace gatehouse::conf
