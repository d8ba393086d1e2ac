// prober_io.h: the thread that runs active checks and writes what they say into the endpoints' states.
//   Its own loop: a slow check or a busy worker delays nobody. A check whose answer came while this loop itself was
//   late counts for little (health.h). A failed connection on the data path asks for a look at once.
//   Threads  watch(), report() and stop() from any thread; everything else in the loop. What is probed is kept alive
//            by its service, not by a world. Limits: one connection per check at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "net/dice.h"
#include "net/loop.h"
#include "net/trust_store.h"
#include "proxy/pool/endpoint.h"
#include "proxy/pool/health.h"
#include "proxy/probe/probe_io.h"

namespace gatehouse::pool {

// An endpoint to be probed: `service` keeps the checks and the instance alive.
struct Probed {
  std::shared_ptr<const conf::Service> service;
  Endpoint endpoint;
  std::vector<conf::HealthCheck> checks;
  std::vector<std::optional<IpAddress>> addresses;  // where each check asks; none: its host's are not known
  std::shared_ptr<const TlsClientPolicy> tls;       // the service's; null: not usable
  DialerPtr dialer;                                 // of an endpoint that is reached through one
};

// What a check said last, for `status`.
struct CheckView {
  std::string check, output;
  CheckResult result = CheckResult::critical;
  std::int64_t at_ms = 0;  // wall clock
};

class Prober {
 public:
  struct Change {
    std::string service, endpoint, output;
    std::string of_service;  // whose instance it is: a service may have others' in its pool
    std::string datacenter;  // the instance's
    std::uint32_t id;        // EndpointState's: names may be the same in two datacenters
    Health before, after;
  };
  using OnChange = std::function<void(const Change&)>;  // called in the prober's thread

  Prober(OnChange on_change, std::uint64_t seed);
  ~Prober();

  // The whole new set. What is probed already and unchanged goes on with its history.
  void watch(std::vector<Probed> probed);
  // The last outputs of an endpoint's checks, by EndpointState::id.
  std::vector<CheckView> views(std::uint32_t endpoint_id) const;
  // Every check of what is watched has run.
  bool has_looked() const;

 private:
  struct Subject;
  void keep(std::vector<Probed> probed);
  Task<> story(Subject& subject, std::size_t check);
  void look_for_failures();
  void take(Subject& subject, std::size_t check, const ProbeReport& report);
  using ContextPtr = std::shared_ptr<const TlsClientContext>;
  Result<ContextPtr> context_for(const Probed& probed, const conf::HealthCheck& check);

  struct Glance : Timer {
    Prober* prober = nullptr;
  };

  OnChange on_change_;
  Dice dice_;
  Glance glance_;
  Loop loop_;
  std::map<const EndpointState*, std::unique_ptr<Subject>> subjects_;
  std::vector<std::unique_ptr<Subject>> ending_;  // until their stories have noticed
  // By the service's policy (null: none, the check says it all), verification and HTTP/2.
  std::map<std::tuple<std::shared_ptr<const TlsClientPolicy>, bool, bool>, ContextPtr> contexts_;
  SystemTrust system_;  // the authorities of checks that say it all
  mutable std::mutex views_mutex_;
  unsigned unheeded_ = 0;  // sets that the loop has yet to take up
  std::map<std::uint32_t, std::vector<CheckView>> views_;
  std::thread thread_;
};

}  // namespace gatehouse::pool
