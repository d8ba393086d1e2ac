#include "conf/guard_check.h"

#include <algorithm>

#include "conf/guard_keys.h"
#include "conf/guard_presets.h"
#include "conf/service_values.h"
#include "conf/values.h"

namespace gatehouse::conf {
namespace {

constexpr Millis debt_most = 24h;  // ratelimit::LimitTable::debt_us_max

void check_limit(const std::string& name, const RateLimit& limit, Findings& out) {
  const std::string path = "guard.rate_limits." + name;
  if (limit.key.empty()) out.push_back({{}, path + ".key", "nothing is said here; write what is counted apart"});
  if (limit.rate.count == 0) return;  // told by its form
  const double debt_ms = static_cast<double>(limit.rate.per.count()) / limit.rate.count * (limit.burst + 1.0);
  if (debt_ms > static_cast<double>(debt_most.count()))
    out.push_back({{},
                   path + ".burst",
                   "at " + rate_text(limit.rate) +
                       " this burst takes longer than a day to come "
                       "back; write less, or a higher rate"});
  if (limit.delay && limit.burst == 0)
    out.push_back(
        {{}, path + ".delay", "without a burst nobody may wait; write how many in burst", Severity::warning});
}

void check_jail(const std::string& name, const Jail& said, const Guard& guard, Findings& out) {
  const std::string path = "guard.jails." + name;
  const Jail jail = settled(said, guard);
  if (jail.filter.empty() || (jail.filter.size() == 1 && !said.services.empty()))
    out.push_back({{}, path, "doesn't say what counts: write a filter, or a preset"});
  if (const auto event = jail.filter.find("event");
      event != jail.filter.end() && !jail.filter.contains("service") &&
      std::find(event->second.begin(), event->second.end(), "application") != event->second.end())
    out.push_back({{}, path + ".services", "X-Ban-Event counts of services that are named here; write which"});
  if (!said.services.empty() && said.filter.contains("service"))
    out.push_back({{}, path + ".services", "filter.service says another word on it; write one of the two"});
  for (const auto& [key, fields] : {std::pair("filter", &said.filter), std::pair("unless", &said.unless)})
    if (const auto status = fields->find("status"); status != fields->end())
      for (const std::string& value : status->second)
        if (const auto ranges = parse_status_ranges(value); !ranges)
          out.push_back({{}, path + "." + key + ".status", ranges.error().what});
  if (jail.maxtime && *jail.maxtime < *jail.bantime && *jail.increment)
    out.push_back({{}, path + ".bantime.maxtime", "is shorter than bantime"});
}

}  // namespace

Findings check_guard(const Config& config) {
  Findings out;
  const Guard& guard = config.guard;
  if (guard.rate_limits.size() > Guard::limits_max)
    out.push_back({{}, "guard.rate_limits", "there may be " + std::to_string(Guard::limits_max) + " limits at most"});
  for (const auto& [name, limit] : guard.rate_limits) check_limit(name, limit, out);
  std::vector<std::string_view> known;
  for (const auto& [name, limit] : guard.rate_limits) known.push_back(name);
  for (std::size_t i = 0; i < guard.rate_limit.size(); ++i) {
    const std::string path = "guard.rate_limit[" + std::to_string(i) + "]";
    const auto found = guard.rate_limits.find(guard.rate_limit[i]);
    if (found == guard.rate_limits.end()) {
      out.push_back({{},
                     path,
                     guard.rate_limit[i] + ": guard.rate_limits has no limit of this name" +
                         did_you_mean(nearest(guard.rate_limit[i], known))});
      continue;
    }
    for (const LimitKey& key : found->second.key)
      if (key.part == LimitKey::Part::service || key.part == LimitKey::Part::path)
        out.push_back({{},
                       path,
                       found->first + ": counts by " + limit_key_text(key) +
                           ", which is not known before the route; name it at routes, by rate_limit"});
  }
  if (guard.jails.size() > Guard::jails_max)
    out.push_back({{}, "guard.jails", "there may be " + std::to_string(Guard::jails_max) + " jails at most"});
  for (const auto& [name, jail] : guard.jails) check_jail(name, jail, guard, out);
  return out;
}

}  // namespace gatehouse::conf
