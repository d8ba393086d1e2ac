// entry_pools.h: the instances that Consul's service-resolver and -splitter entries give a service. Pure.
//   A resolver leads to a subset, to another service (redirect), or has others' instances stand by as backups
//   (failover, which doesn't go on to theirs); a splitter makes one pool of several of these, in which each has its
//   share: the weights in force are scaled so that those of one split sum up to it, counting whom the catalog calls
//   usable. Another service's instance keeps that one's checks. What can't be had is left out of the pool with its
//   reason; where nothing is left the reason refuses the routes.
//   Limits  16 entries in a row, 256 splits in all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/catalog/config_entries.h"
#include "conf/service.h"

namespace gatehouse::catalog {

class EntryPools {
 public:
  struct Pool {
    std::vector<conf::Instance> instances;
    std::string refused;  // the first reason why something of it is missing
  };

  // `services`: as they were merged, those without a route too. Both must outlive this.
  EntryPools(const std::vector<conf::Service>& services, const ConfigEntries& entries);

  const conf::Service* find(const std::string& service) const;
  // What a service's traffic is spread over. `splits`: whether its splitter counts.
  Pool of(const conf::Service& service, bool splits) const;
  Pool of_subset(const conf::Service& service, const std::string& subset) const;

 private:
  struct Group {
    double share = 1;
    Pool pool;
  };
  enum class Backups { with, without };
  Pool resolved(const std::string& service, std::string subset, unsigned depth,
                Backups backups = Backups::with) const;
  void split(const std::string& service, double share, unsigned depth, std::vector<Group>& out) const;
  Pool adopted(const conf::Service& service, Pool pool) const;

  std::map<std::string_view, const conf::Service*> services_;
  const ConfigEntries& entries_;
};

}  // namespace gatehouse::catalog
