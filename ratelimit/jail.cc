#include "ratelimit/jail.h"

#include <algorithm>
#include <bit>

#include "ratelimit/limits.h"

namespace gatehouse::ratelimit {

Jail::Jail(std::string called, const conf::Jail& settled, unsigned offenders, const Jail* before)
    : name(std::move(called)), conf(settled), filter(settled.filter), unless(settled.unless) {
  const bool same = before != nullptr && before->conf.maxretry == conf.maxretry &&
                    before->conf.findtime == conf.findtime && before->conf.distinct == conf.distinct;
  strikes = same ? before->strikes
                 : std::make_shared<StrikeTable>(offenders, *conf.maxretry,
                                                 static_cast<std::uint64_t>(conf.findtime->count()));
  counts = before != nullptr ? before->counts : std::make_shared<JailCounts>();
}

std::uint64_t Jail::ban_ms(unsigned offences_before, std::uint64_t dice) const {
  if (*conf.bantime == conf::Jail::forever) return for_ever;
  const auto plain = static_cast<std::uint64_t>(conf.bantime->count());
  std::uint64_t time = plain;
  if (*conf.increment && offences_before > 0) {
    if (conf.multipliers.empty())
      time = plain << std::min(offences_before, 20u);
    else
      time = plain * conf.multipliers[std::min<std::size_t>(offences_before, conf.multipliers.size() - 1)];
    time = std::max(time, plain);
    if (conf.maxtime) time = std::min(time, static_cast<std::uint64_t>(conf.maxtime->count()));
  }
  const auto spread = static_cast<std::uint64_t>(conf.rndtime->count());
  if (spread > 0) time += dice % (spread + 1);
  return std::min(time, for_ever / 2);
}

unsigned Jail::weight(unsigned offences_before) const {
  if (!*conf.increment || offences_before == 0) return 1;
  return std::min((1u << std::min(offences_before, 20u)) / 2 + 1, *conf.maxretry);
}

IpPrefix Jail::prefix_of(const IpAddress& client) const {
  const unsigned length = client.is_v4() ? 96 + *conf.ipv4 : *conf.ipv6;
  return {masked(client, *conf.ipv4, *conf.ipv6), static_cast<std::uint8_t>(length)};
}

}  // namespace gatehouse::ratelimit
