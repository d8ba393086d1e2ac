// tunnels.h: the tunnels of a running door: its keys, listeners, plan, and a carrier for each worker.
//   A reload is all or nothing, keys included. A key file that changes takes effect by itself; one that breaks leaves
//   what holds as it is, and is told.
//   Threads  control.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "conf/config.h"
#include "conf/finding.h"
#include "net/open_sockets.h"
#include "proxy/worker_io.h"
#include "tunnel/carrier_io.h"
#include "tunnel/dialer_io.h"
#include "tunnel/keyring_io.h"

namespace gatehouse::cli {

class Tunnels {
 public:
  Tunnels(proxy::Shared& shared, OpenSockets& open);

  // As root: the addresses. Then, as who serves: keys and Unix sockets. What fails changes nothing.
  Status bind(const conf::Tunnel& wanted);
  Status bind_local(const conf::Tunnel& wanted);
  // Errors among the findings: not taken.
  conf::Findings take_keys(const conf::Tunnel& wanted);

  void start(std::span<const std::unique_ptr<proxy::Worker>> workers, std::uint64_t seed);
  // What was bound and taken last is what holds from now on.
  void publish(const conf::Config& config, const tunnel::Addresses& addresses);
  std::vector<int> listening() const;  // descriptors
  void leave_files();                  // of Unix sockets: they are another process's now
  void drain();
  void cut();
  void end();  // REQUIRES that the workers have ended

  // True: the keys are others now, and are to be published.
  bool reread_keys(const conf::Tunnel& tunnel, conf::Findings& told);

  // What services lead through; null: there is no such tunnel. The same as long as its way is.
  DialerPtr dialer(const std::string& name) const;
  const tunnel::Plan& plan() const { return *plan_; }
  const tunnel::KeySet& keys() const { return keys_; }
  const tunnel::Shared& shared() const { return shared_; }
  const conf::Findings& findings() const { return findings_; }  // of the keys; to be placed

 private:
  std::vector<tunnel::OpenDoor> open_doors(const conf::Tunnel& tunnel) const;

  void keep_dialers();

  tunnel::Shared shared_;
  OpenSockets& open_;
  tunnel::Registry registry_;
  tunnel::KeySet keys_;
  conf::Findings findings_;
  tunnel::PlanPtr plan_;
  std::map<std::string, std::shared_ptr<ListenSocket>> sockets_;  // by place
  std::vector<std::unique_ptr<tunnel::Carrier>> carriers_;
  std::map<std::string, tunnel::DialerOf> dialers_;
  bool draining_ = false;  // nothing new is published
};

}  // namespace gatehouse::cli
