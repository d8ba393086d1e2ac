// dns_challenges_io.h: the TXT records of dns-01 (RFC 8555 8.4): written by providers, seen by all servers of their
// zones, and taken back.
//   Each order's records are written, and taken back, by a thread of its own: aliases are followed (_acme-challenge may
//   be a CNAME into another zone), the provider with the longest zone writes, and then every authoritative server is
//   asked until it shows the value, since a CA may ask any of them.
//   What was written stands in a journal until it was taken back: a crash leaves nothing behind for ever.
//   Threads  control; callbacks come there. The destructor breaks off what is under way.
//   Limits   aliases_most; Acme::propagation.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "acme/dns_provider_io.h"
#include "net/asio.h"

namespace gatehouse::acme {

struct DnsProof {
  std::string domain;  // without "*."
  std::string value;   // of the TXT record
};

class DnsChallenges {
 public:
  static constexpr unsigned aliases_most = 8;
  using Done = std::function<void(std::string trouble)>;  // empty: the CA can look

  DnsChallenges(asio::io_context& io, std::string journal);
  ~DnsChallenges();

  // What a run before left is taken back, once there are zones.
  void configure(const conf::Acme& acme);
  bool can_prove(const std::string& domain) const;  // as far as it is known without asking: aliases may lead further

  void put_up(const std::string& order, std::vector<DnsProof> proofs, Done done);
  void take_down(const std::string& order);

 private:
  struct Journal;
  class Queue;
  Status run_aside(const std::string& order, std::function<void()> work);

  asio::io_context& io_;
  std::shared_ptr<const conf::Acme> acme_;
  std::shared_ptr<Journal> journal_;
  std::map<std::string, std::shared_ptr<std::atomic<bool>>> orders_;  // under way; true: break off
  std::map<std::string, std::shared_ptr<Queue>> queues_;              // of orders
  std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  std::vector<std::future<Status>> running_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace gatehouse::acme
