// dns_ask.h: questions to servers of the DNS, answered record by record, by c-ares. Blocks: for threads that may wait.
//   Caches nothing, searches nothing, and follows no alias: who asks wants to know what stands where.
//   Failure  Errc::unavailable: there is no such name or record; anything else: nobody could say.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "net/ip.h"
#include "net/result.h"

namespace gatehouse {

class DnsAsk {
 public:
  // `servers`: "192.0.2.1:53,[2001:db8::1]:53"; empty: the system's. `recursive`: whether they may ask others.
  DnsAsk(std::string servers, bool recursive, const std::atomic<bool>& stop)
      : servers_(std::move(servers)), recursive_(recursive), stop_(stop) {}

  Result<std::vector<std::string>> texts(const std::string& name) const;  // each record's strings joined
  Result<std::string> alias(const std::string& name) const;               // of a CNAME
  Result<std::vector<std::string>> name_servers(const std::string& zone) const;
  Result<std::vector<std::string>> names(const IpAddress& address) const;  // of PTR records
  Result<std::vector<IpAddress>> addresses(const std::string& name) const;

 private:
  struct Record {
    std::string text;  // a name, or a TXT's content
    IpAddress address;
  };
  Result<std::vector<Record>> ask(const std::string& name, int type) const;
  Result<std::vector<std::string>> texts_of(const std::string& name, int type) const;

  const std::string servers_;
  const bool recursive_;
  const std::atomic<bool>& stop_;
};

}  // namespace gatehouse
