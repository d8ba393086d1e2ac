#include "net/client_counts.h"

#include <algorithm>
#include <cstring>

namespace gatehouse {

std::size_t ClientCounts::Hash::operator()(const IpAddress& address) const {
  std::uint64_t high, low;
  std::memcpy(&high, address.bytes.data(), 8);
  std::memcpy(&low, address.bytes.data() + 8, 8);
  std::uint64_t mixed = (high ^ 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9 ^ low;
  mixed = (mixed ^ (mixed >> 31)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 29);
}

IpAddress ClientCounts::key(const IpAddress& client) {
  if (client.is_v4()) return client;
  IpAddress network = client;
  std::fill(network.bytes.begin() + 8, network.bytes.end(), 0);
  return network;
}

ClientCounts::Stripe& ClientCounts::stripe(const IpAddress& key) { return stripes_[Hash{}(key) % stripes_.size()]; }

bool ClientCounts::enter(const IpAddress& client, unsigned most) {
  const IpAddress counted = key(client);
  Stripe& home = stripe(counted);
  std::lock_guard lock(home.mutex);
  unsigned& count = home.counts[counted];
  if (most != 0 && count >= most) return false;
  ++count;
  return true;
}

void ClientCounts::leave(const IpAddress& client) {
  const IpAddress counted = key(client);
  Stripe& home = stripe(counted);
  std::lock_guard lock(home.mutex);
  const auto entry = home.counts.find(counted);
  if (entry != home.counts.end() && --entry->second == 0) home.counts.erase(entry);
}

unsigned ClientCounts::count(const IpAddress& client) {
  const IpAddress counted = key(client);
  Stripe& home = stripe(counted);
  std::lock_guard lock(home.mutex);
  const auto entry = home.counts.find(counted);
  return entry == home.counts.end() ? 0 : entry->second;
}

}  // namespace gatehouse
