#include "proxy/pool/endpoint_set.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

namespace gatehouse::pool {
namespace {

constexpr std::uint64_t schedule_max = 4096;

// What an endpoint may at most weigh, whatever its health: drawn by this, then accepted by what it weighs now.
std::uint64_t most(const Endpoint& endpoint) { return std::max(endpoint.weight, endpoint.weight_warning); }

// Turns per endpoint in one round, in the proportion of the weights and not more than schedule_max by much.
std::vector<std::uint64_t> turns_of(std::span<const Endpoint> endpoints, std::uint64_t total) {
  std::uint64_t divisor = 0;
  for (const auto& endpoint : endpoints) divisor = std::gcd(divisor, most(endpoint));
  std::vector<std::uint64_t> turns;
  for (const auto& endpoint : endpoints) {
    std::uint64_t n = most(endpoint) / divisor;
    if (n > 0 && total / divisor > schedule_max) {
      n = std::max<std::uint64_t>(1, (most(endpoint) * schedule_max + total / 2) / total);
    }
    turns.push_back(n);
  }
  return turns;
}

// Each endpoint's turns as evenly spread over the round as they can be: the k-th of n is due at (k + phase) / n. The
// phases differ (by the golden ratio), or all endpoints of one weight would come in a bunch.
std::vector<std::uint32_t> smooth_schedule(std::span<const Endpoint> endpoints, std::uint64_t total,
                                           std::uint32_t first) {
  std::vector<std::pair<double, std::uint32_t>> due;
  const auto turns = turns_of(endpoints, total);
  for (std::uint32_t i = 0; i < turns.size(); ++i) {
    const double phase = std::fmod((i + 1) * 0.6180339887498949, 1.0);
    for (std::uint64_t turn = 0; turn < turns[i]; ++turn) {
      due.emplace_back((static_cast<double>(turn) + phase) / static_cast<double>(turns[i]), first + i);
    }
  }
  std::ranges::sort(due);
  std::vector<std::uint32_t> schedule;
  for (const auto& [when, index] : due) schedule.push_back(index);
  return schedule;
}

Tier make_tier(std::span<const Endpoint> all, std::uint32_t first, std::uint32_t count, conf::Balance balance) {
  Tier tier{.first = first, .count = count};
  const auto endpoints = all.subspan(first, count);
  bool alike = true;
  for (const auto& endpoint : endpoints) {
    tier.total += most(endpoint);
    alike = alike && most(endpoint) == most(endpoints.front());
  }
  if (alike || tier.total == 0) return tier;
  std::uint64_t sum = 0;
  for (const auto& endpoint : endpoints) tier.sums.push_back(sum += most(endpoint));
  if (balance == conf::Balance::round_robin) tier.schedule = smooth_schedule(endpoints, tier.total, first);
  return tier;
}

std::shared_ptr<const MaglevTable> make_maglev(std::span<const Endpoint> primaries, const EndpointSet* previous) {
  std::vector<MaglevMember> members;
  bool weighty = false;
  for (const auto& endpoint : primaries) {
    members.push_back({endpoint.key, endpoint.weight});
    weighty = weighty || endpoint.weight > 0;
  }
  if (!weighty || members.size() > MaglevTable::members_max) return nullptr;  // pick_maglev then ranks them all
  if (previous && previous->maglev() && std::ranges::equal(previous->maglev()->members(), members)) {
    return previous->share_maglev();
  }
  return std::make_shared<MaglevTable>(std::move(members));
}

}  // namespace

EndpointSet::EndpointSet(const std::vector<Endpoint>& endpoints, const conf::Service& service,
                         const EndpointSet* previous)
    : balance_(service.balance),
      single_(service.single),
      panics_(!service.single && service.tcp.empty()),
      slow_start_ms_(service.slow_start.count()),
      drain_ms_(service.drain_time.count()) {
  endpoints_.reserve(endpoints.size());
  const auto tier_of = [](const Endpoint& endpoint) { return endpoint.backup ? 2u : endpoint.far ? 1u : 0u; };
  std::array<std::uint32_t, 3> counts{};
  for (std::uint32_t tier = 0; tier < counts.size(); ++tier) {
    const std::size_t before = endpoints_.size();
    std::ranges::copy_if(endpoints, std::back_inserter(endpoints_),
                         [&](const Endpoint& endpoint) { return tier_of(endpoint) == tier; });
    counts[tier] = static_cast<std::uint32_t>(endpoints_.size() - before);
  }
  std::uint32_t first = 0;
  for (std::size_t tier = 0; tier < counts.size(); ++tier) {
    tiers_[tier] = make_tier(endpoints_, first, counts[tier], balance_);
    first += counts[tier];
  }
  if (balance_ == conf::Balance::maglev)
    maglev_ = make_maglev(std::span<const Endpoint>(endpoints_).first(counts[0]), previous);
}

}  // namespace gatehouse::pool
