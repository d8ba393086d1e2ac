#include "proxy/tcp_table.h"

#include <array>

namespace gatehouse::proxy {
namespace {

// An entry may name every address of a port, and so each listener of it.
std::array<SocketAddress, 3> places_of(const SocketAddress& listener) {
  return {listener, SocketAddress{IpAddress(), listener.port},
          SocketAddress{IpAddress::v4(0, 0, 0, 0), listener.port}};
}

std::string_view parent_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

template <class Map>
auto known(const Map& map, std::string_view name) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(name);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

TcpTable::TcpTable(const std::vector<std::shared_ptr<const conf::Service>>& services) {
  for (std::uint32_t i = 0; i < services.size(); ++i) {
    for (std::uint32_t j = 0; j < services[i]->tcp.size(); ++j) {
      const conf::TcpEntry& entry = services[i]->tcp[j];
      Place& place = (entry.shared ? shared_ : own_)[entry.address];
      const TcpTarget target{i, j};
      const std::string_view sni = entry.sni;
      if (sni.empty())
        place.all = target;
      else if (sni.starts_with("**."))
        place.labels.emplace(sni.substr(3), target);
      else if (sni.starts_with("*."))
        place.one_label.emplace(sni.substr(2), target);
      else
        place.exact.emplace(sni, target);
    }
  }
}

std::optional<TcpTarget> TcpTable::Place::find(std::string_view name) const {
  if (!name.empty()) {
    if (const auto target = known(exact, name)) return target;
    if (const auto target = known(one_label, parent_of(name))) return target;
    for (std::string_view suffix = parent_of(name); !suffix.empty(); suffix = parent_of(suffix))
      if (const auto target = known(labels, suffix)) return target;
  }
  return all;
}

bool TcpTable::asks_name(const Places& places, const SocketAddress& listener) {
  for (const SocketAddress& address : places_of(listener))
    if (const auto place = places.find(address); place != places.end() && place->second.asks_name()) return true;
  return false;
}

std::optional<TcpTarget> TcpTable::find(const Places& places, const SocketAddress& listener, std::string_view name) {
  for (const SocketAddress& address : places_of(listener))
    if (const auto place = places.find(address); place != places.end())
      if (const auto target = place->second.find(name)) return target;
  return std::nullopt;
}

std::optional<TcpTarget> TcpTable::find(const SocketAddress& listener, std::string_view name) const {
  return find(own_, listener, name);
}

std::optional<TcpTarget> TcpTable::find_shared(const SocketAddress& listener, std::string_view name) const {
  return find(shared_, listener, name);
}

}  // namespace gatehouse::proxy
