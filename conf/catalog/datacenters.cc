#include "conf/catalog/datacenters.h"

#include <algorithm>
#include <set>

namespace gatehouse::catalog {
namespace {

std::string home_of(const conf::Service& service, const std::string& of_node) {
  const auto is_of = [&](const conf::Instance& instance) { return instance.datacenter == of_node; };
  const bool only_away = std::all_of(service.instances.begin(), service.instances.end(), [&](const auto& instance) {
    return instance.datacenter == service.failover.datacenter;
  });
  if (only_away || std::any_of(service.instances.begin(), service.instances.end(), is_of)) return of_node;
  return service.instances.front().datacenter;
}

bool waits_for_home(const conf::Service& service, const std::string& of_node, HomeNews at_home) {
  if (at_home == HomeNews::heard || (at_home == HomeNews::dead && !service.single && service.tcp.empty()))
    return false;
  return std::none_of(service.instances.begin(), service.instances.end(),
                      [&](const conf::Instance& instance) { return instance.datacenter == of_node; });
}

void settle(conf::Service& service, const conf::Config& config, const FailedOver& failed_over, HomeNews at_home,
            conf::Findings& findings) {
  std::string& away = service.failover.datacenter;
  const auto now = failed_over.find(service.name);
  const auto elsewhere = [&](const conf::Instance& instance) {
    return instance.datacenter != service.instances.front().datacenter;
  };
  if (now == failed_over.end() && !service.instances.empty() &&
      waits_for_home(service, config.node.datacenter, at_home)) {
    findings.push_back({{},
                        service.name,
                        "waits until it is known what " + config.node.datacenter +
                            " has of it: its Consul has not been heard; `gatehouse failover` goes elsewhere at once",
                        conf::Severity::warning});
    std::erase_if(service.instances, [&](const auto& instance) { return instance.datacenter != away; });
    service.datacenter = config.node.datacenter;
    return;
  }
  const bool several = std::any_of(service.instances.begin(), service.instances.end(), elsewhere);
  if (service.instances.empty() || (!several && away.empty() && now == failed_over.end())) return;
  const std::string home = home_of(service, config.node.datacenter);
  if (away == home) away.clear();
  const auto is_there = [&](const conf::Instance& instance) { return instance.datacenter == away; };
  if (!away.empty() && std::none_of(service.instances.begin(), service.instances.end(), is_there))
    findings.push_back({{},
                        service.name,
                        "failover names " + away + ", where there is no instance of it: nobody stands by",
                        conf::Severity::note});
  service.datacenter = now == failed_over.end() ? home : now->second;
  std::set<std::string> left_out;
  std::erase_if(service.instances, [&](const conf::Instance& instance) {
    const std::string& of = instance.datacenter;
    if (of == home || of == away || of == service.datacenter) return false;
    left_out.insert(of);
    return true;
  });
  for (const std::string& datacenter : left_out)
    findings.push_back({{},
                        service.name,
                        "the instances of " + datacenter + " are not used: it is served by " + home +
                            ", and failover does not name them",
                        conf::Severity::note});
}

}  // namespace

conf::Findings settle_datacenters(std::vector<conf::Service>& services, const conf::Config& config,
                                  const FailedOver& failed_over, HomeNews at_home) {
  conf::Findings findings;
  for (conf::Service& service : services) settle(service, config, failed_over, at_home, findings);
  return findings;
}

}  // namespace gatehouse::catalog
