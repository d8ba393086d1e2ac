#include "conf/catalog/holders.h"

#include <set>

#include <boost/json.hpp>

#include "conf/claims.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;

constexpr std::string_view route_word = "route ", tcp_word = "tcp ", out_word = "out ", sni_word = " sni=";

std::string name_of(const conf::Instance& instance) { return instance.node + "/" + instance.id; }

std::string text_of(const conf::Route& route) {
  const conf::RouteMatch& match = route.match;
  json::array headers;
  for (const conf::HeaderMatch& header : match.headers)
    headers.push_back(
        json::array{header.name, header.value, header.pattern.text(), static_cast<int>(header.of), header.inverted});
  json::array parts{match.host,        match.port, match.path, match.exact_path, json::value_from(match.methods),
                    std::move(headers)};
  if (route.derived)  // another service's, which holds it
    parts.insert(parts.end(), {json::value(route.spelling), json::value(route.derived->router)});
  return json::serialize(parts);
}

// REQUIRES what text_of made: the checksum held.
conf::Route route_of(std::string_view text) {
  const json::value value = json::parse(text);
  const json::array& parts = value.as_array();
  conf::Route route;
  if (parts.size() > 7) {
    route.spelling = parts.at(6).as_string();
    route.derived.emplace().router = parts.at(7).as_string();
  }
  conf::RouteMatch& out = route.match;
  out.host = parts.at(0).as_string();
  out.port = parts.at(1).to_number<std::uint16_t>();
  out.path = parts.at(2).as_string();
  out.exact_path = parts.at(3).as_bool();
  for (const json::value& method : parts.at(4).as_array()) out.methods.emplace_back(method.as_string());
  for (const json::value& header : parts.at(5).as_array()) {
    conf::HeaderMatch& one = out.headers.emplace_back();
    one.name = header.at(0).as_string();
    one.value = header.at(1).as_string();
    const std::string_view pattern = header.at(2).as_string();
    if (const auto read = conf::TextPattern::parse(pattern); !pattern.empty() && read) one.pattern = *read;
    one.of = static_cast<conf::HeaderMatch::Of>(header.at(3).to_number<int>());
    one.inverted = header.as_array().size() > 4 && header.at(4).as_bool();
  }
  return route;
}

void hold(conf::Service& service, std::string_view tag, std::set<std::string>& out) {
  if (tag.starts_with(route_word)) {
    service.routes.push_back(route_of(tag.substr(route_word.size())));
  } else if (tag.starts_with(tcp_word)) {
    const std::string_view text = tag.substr(tcp_word.size());
    const std::size_t sni = std::min(text.find(sni_word), text.size());
    const auto address = SocketAddress::parse(text.substr(0, sni));
    if (!address) return;
    conf::TcpEntry& entry = service.tcp.emplace_back();
    entry.address = *address;
    if (sni < text.size()) entry.sni = text.substr(sni + sni_word.size());
  } else if (tag.starts_with(out_word)) {
    out.emplace(tag.substr(out_word.size()));
  }
}

}  // namespace

Snapshot holders_of(const conf::RoutingTable& table, std::span<const conf::Instance> input) {
  std::map<std::string_view, std::vector<const conf::Instance*>> instances;
  for (const conf::Instance& instance : input) instances[instance.service].push_back(&instance);
  SourceInstances entries{"holders", {}};
  for (const auto& service : table.services) {
    conf::Instance& entry = entries.instances.emplace_back();
    entry.service = entry.id = service->name;
    for (const conf::Route& route : service->routes) entry.tags.push_back(std::string(route_word) + text_of(route));
    for (const conf::TcpEntry& tcp : service->tcp) entry.tags.push_back(std::string(tcp_word) + tcp.text());
    std::set<std::string> pool;
    for (const conf::Instance& instance : service->instances) pool.insert(name_of(instance));
    for (const conf::Instance* instance : instances[service->name])
      if (!pool.contains(name_of(*instance))) entry.tags.push_back(std::string(out_word) + name_of(*instance));
  }
  return {{}, {std::move(entries)}};
}

conf::RoutingTable table_of_holders(const Snapshot& holders, std::span<const conf::Instance> input) {
  std::map<std::string_view, std::vector<const conf::Instance*>> instances;
  for (const conf::Instance& instance : input) instances[instance.service].push_back(&instance);
  conf::RoutingTable table;
  const SourceInstances known = known_to(holders, "holders");
  for (const conf::Instance& entry : known.instances) {
    conf::Service service;
    service.name = entry.service;
    std::set<std::string> out;
    for (const std::string& tag : entry.tags) hold(service, tag, out);
    for (const conf::Instance* instance : instances[service.name])
      if (!out.contains(name_of(*instance))) service.instances.push_back(*instance);
    table.services.push_back(std::make_shared<const conf::Service>(std::move(service)));
  }
  return table;
}

}  // namespace gatehouse::catalog
