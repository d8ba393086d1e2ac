#include "conf/catalog/own_service.h"

#include <algorithm>

#include <boost/json.hpp>

#include "conf/catalog/consul_health.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;

constexpr const char* epoch_key = "gatehouse_epoch";
constexpr const char* gone_after = "10m";  // critical for so long: the agent forgets it

}  // namespace

std::string check_id(const OwnService& own) { return "service:" + own.id; }

std::string registration(const OwnService& own) {
  json::object body{
      {"ID", own.id},
      {"Name", own.name},
      {"Port", own.port},
      {"Meta", {{epoch_key, own.epoch}, {"gatehouse_version", own.version}}},
      {"Check",
       {{"CheckID", check_id(own)},
        {"Name", "the door runs"},
        {"TTL", std::to_string(own.ttl.count()) + "ms"},
        {"Status", "passing"},
        {"DeregisterCriticalServiceAfter", gone_after}}},
  };
  if (!own.address.empty()) body["Address"] = own.address;
  return json::serialize(body);
}

Result<std::optional<std::string>> shown_in(std::string_view body, const OwnService& own) {
  const Result<std::vector<conf::Instance>> found = parse_health(body, {.datacenter = "", .shown_as = "consul"});
  if (!found) return found.error();
  for (const conf::Instance& each : *found) {
    const auto epoch = each.meta.find(epoch_key);
    if (each.id == own.id && epoch != each.meta.end() && epoch->second == own.epoch)
      return std::optional(each.datacenter);
  }
  return std::optional<std::string>();
}

}  // namespace gatehouse::catalog
