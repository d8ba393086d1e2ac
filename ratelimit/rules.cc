#include "ratelimit/rules.h"

#include <algorithm>

#include "conf/guard_presets.h"

namespace gatehouse::ratelimit {

Rules::Rules(const conf::Guard& said, const SipKey& key, std::vector<IpPrefix> never, const Rules* before)
    : conf(said),
      spared(std::move(never)),
      limits(conf, key, before != nullptr ? &before->limits : nullptr),
      forget_after_ms(static_cast<std::uint64_t>(conf.dbpurgeage.count())) {
  jails.reserve(conf.jails.size());
  for (const auto& [name, jail] : conf.jails)
    jails.emplace_back(name, conf::settled(jail, conf), conf.offenders,
                       before != nullptr ? before->find(name) : nullptr);
  counts_fakes = !conf.crawlers.empty() && std::any_of(jails.begin(), jails.end(), [](const Jail& jail) {
    return jail.filter.wants(event_kind::crawler);
  });
}

const Jail* Rules::find(std::string_view name) const {
  const auto found = std::find_if(jails.begin(), jails.end(), [&](const Jail& jail) { return jail.name == name; });
  return found == jails.end() ? nullptr : &*found;
}

bool Rules::spares(const IpPrefix& prefix) const {
  const auto meets = [&](const IpPrefix& each) {
    return each.contains(prefix.address) || (each.length >= prefix.length && prefix.contains(each.address));
  };
  return std::any_of(spared.begin(), spared.end(), meets) ||
         std::any_of(conf.ignoreip.begin(), conf.ignoreip.end(), meets);
}

}  // namespace gatehouse::ratelimit
