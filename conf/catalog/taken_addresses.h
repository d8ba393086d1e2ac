// taken_addresses.h: addresses of instances that are only held, which the catalog gives to others by now. Pure.
//   What is held is judged by whether it answers, and whoever has its address now answers just as well: requests
//   would reach another service. Addresses are compared as addresses, names without regard to case.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "conf/service.h"

namespace gatehouse::catalog {

class TakenAddresses {
 public:
  TakenAddresses() = default;
  // `said`: as the catalog says; `merged`: the same with what tags say of their ports.
  TakenAddresses(std::span<const conf::Instance> said, const std::vector<conf::Service>& merged);
  // Who has the address of a held instance: "n2/web-2 of shop"; empty: nobody, or it isn't held.
  std::string by_whom(const conf::Instance& held) const;

 private:
  void add(const conf::Instance& instance);

  std::map<std::string, std::string> owners_;  // of those addresses that are held, too
};

}  // namespace gatehouse::catalog
