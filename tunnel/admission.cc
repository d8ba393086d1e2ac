#include "tunnel/admission.h"

#include <algorithm>

namespace gatehouse::tunnel {
namespace {

bool has(const std::vector<std::string>& services, std::string_view service) {
  return std::find(services.begin(), services.end(), service) != services.end();
}

// The service that is meant; empty: none can be told.
std::string_view meant_service(const Plan& plan, const Exit& exit, const conf::TunnelAllow& allow,
                               std::string_view name) {
  if (!exit.conf.service.empty()) return exit.conf.service;
  if (plan.offers.contains(name)) return name;
  return allow.services.size() == 1 ? std::string_view(allow.services.front()) : std::string_view();
}

}  // namespace

bool may_come_from(const Exit& exit, const IpAddress& source) {
  return exit.sources.empty() || is_in(exit.sources, source);
}

Admission admit(const Plan& plan, const Exit& exit, std::string_view identity, std::string_view name,
                const IpAddress& source) {
  Admission out{End::not_allowed, Word::not_allowed, nullptr, nullptr};
  const auto known = exit.allowed.find(identity);
  if (known == exit.allowed.end()) return out;
  out.who = &known->second;
  const conf::TunnelAllow& allow = out.who->conf;
  if (!allow.from.empty() && !is_in(allow.from, source)) return out;
  const std::string_view service = meant_service(plan, exit, allow, name);
  if (service.empty()) {
    out.end = End::no_service, out.word = Word::no_service;
    return out;
  }
  const auto offered = plan.offers.find(service);
  if (!has(allow.services, service) || offered == plan.offers.end()) return out;
  out.end = End::ok, out.word = Word::reached;
  out.offer = offered->second.get();
  return out;
}

std::uint64_t exits_of_others(const Entry& entry, std::string_view node) {
  std::uint64_t others = 0;
  for (std::size_t i = 0; i < entry.targets.size(); ++i) {
    const std::string& its = entry.targets[i].conf.node;
    if (!its.empty() && its != node) others |= std::uint64_t{1} << i;
  }
  return others;
}

std::optional<std::size_t> next_target(const Entry& entry, std::uint64_t tried, std::size_t turn,
                                       std::int64_t now_ms) {
  const std::size_t count = entry.targets.size();
  const std::size_t from = entry.conf.balance == conf::TunnelBalance::round_robin && count != 0 ? turn % count : 0;
  std::optional<std::size_t> resting;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (from + i) % count;
    if ((tried >> at & 1) != 0) continue;
    if (!entry.targets[at].state->rests(now_ms)) return at;
    if (!resting) resting = at;
  }
  return resting;
}

}  // namespace gatehouse::tunnel
