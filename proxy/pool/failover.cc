#include "proxy/pool/failover.h"

#include <algorithm>

namespace gatehouse::pool {

void Reach::add(const Endpoint& endpoint) {
  const Health health = health_of(endpoint);
  if (endpoint.maintenance || endpoint.live->draining_since_ms.load(std::memory_order_relaxed) != 0) return;
  if ((health == Health::warning ? endpoint.weight_warning : endpoint.weight) == 0) return;
  usable = usable || health == Health::up || health == Health::warning;
  unchecked = unchecked || health == Health::unknown;
}

Failovers::Look Failovers::look(const std::string& service, const conf::Failover& policy, const Reach& here,
                                const Reach& there, TimePoint now) {
  const auto away = away_.find(service);
  const bool is_away = away != away_.end();
  if (is_away && away->second.by_hand) return since_.erase(service), Look{};
  const bool no_longer = is_away && away->second.datacenter != policy.datacenter;
  const bool due = is_away ? here.usable : !here.usable && !here.unchecked && !policy.datacenter.empty();
  if (!due && !no_longer) return since_.erase(service), Look{};
  const TimePoint since = since_.try_emplace(service, now).first->second;
  const TimePoint when = since + (is_away ? policy.back_after : policy.after);
  if (is_away) {
    const bool lost = !there.usable && !there.unchecked;
    if (now < when && !lost && !no_longer) return {false, "", when};
    away_.erase(away);
    since_.erase(service);
    return {true, no_longer ? "its policy names " + (policy.datacenter.empty() ? "none" : policy.datacenter)
                  : lost    ? "nothing usable there"
                            : "usable here again"};
  }
  if (now < when) return {false, "", when};
  if (!there.usable) return {};  // a change there is looked at when it comes
  away_[service] = {policy.datacenter, false};
  since_.erase(service);
  return {true, "nothing usable here"};
}

void Failovers::go(const std::string& service, const std::string& datacenter) {
  away_[service] = {datacenter, true};
  since_.erase(service);
}

bool Failovers::back(const std::string& service) {
  since_.erase(service);
  return away_.erase(service) != 0;
}

std::string Failovers::text() const {
  std::string out;
  for (const auto& [service, away] : away_)
    out += service + " " + away.datacenter + (away.by_hand ? " by hand\n" : "\n");
  return out;
}

void Failovers::restore(std::string_view text) {
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    constexpr std::string_view mark = " by hand";
    const bool by_hand = line.ends_with(mark);
    if (by_hand) line.remove_suffix(mark.size());
    const std::size_t space = line.rfind(' ');  // a service's name may hold some
    if (space != line.npos && space > 0 && space + 1 < line.size())
      away_[std::string(line.substr(0, space))] = {std::string(line.substr(space + 1)), by_hand};
  }
}

}  // namespace gatehouse::pool
