#include "conf/catalog/taken_addresses.h"

#include <algorithm>

#include "conf/catalog/traefik_tree.h"

namespace gatehouse::catalog {
namespace {

std::string key_of(const conf::Instance& instance) {
  std::string host = instance.address == "localhost" ? "127.0.0.1" : instance.address;
  if (const auto ip = IpAddress::parse(host); ip)
    host = ip->text();
  else
    host = lower_case(host);
  return host + " " + std::to_string(instance.port);
}

}  // namespace

TakenAddresses::TakenAddresses(std::span<const conf::Instance> said, const std::vector<conf::Service>& merged) {
  const auto hold = [&](const conf::Instance& instance) {
    if (!instance.held.empty()) owners_.try_emplace(key_of(instance));
  };
  for (const conf::Service& service : merged) std::ranges::for_each(service.instances, hold);
  if (owners_.empty()) return;
  for (const conf::Service& service : merged)
    for (const conf::Instance& instance : service.instances) add(instance);
  for (const conf::Instance& instance : said) add(instance);
}

void TakenAddresses::add(const conf::Instance& instance) {
  if (!instance.held.empty() || instance.departed) return;
  if (const auto owner = owners_.find(key_of(instance)); owner != owners_.end())
    owner->second = instance.node + "/" + instance.id + " of " + instance.service;
}

std::string TakenAddresses::by_whom(const conf::Instance& held) const {
  if (held.held.empty()) return {};
  const auto owner = owners_.find(key_of(held));
  return owner == owners_.end() ? std::string() : owner->second;
}

}  // namespace gatehouse::catalog
