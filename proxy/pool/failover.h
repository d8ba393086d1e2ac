// failover.h: when a service goes to another datacenter's endpoints, and when it comes back. Pure.
//   By itself: there once none here was usable for `after` and one there is; back once one here was for `back_after`,
//   at once where none there is left. By hand: there and here until told otherwise; coming back by hand leaves the
//   rest to the policy. Endpoints that await their first check keep a service where it is.
//   Time     steady clock as a parameter.
//   Threads  one (control).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "net/clock.h"
#include "net/result.h"
#include "proxy/pool/endpoint.h"

namespace gatehouse::pool {

// Of one datacenter's endpoints.
struct Reach {
  bool usable = false;     // there is one that may get requests
  bool unchecked = false;  // there is one that we don't know of yet
  void add(const Endpoint& endpoint);
};

class Failovers {
 public:
  struct Away {
    std::string datacenter;
    bool by_hand = false;
    bool operator==(const Away&) const = default;
  };
  struct Look {
    bool changed = false;
    std::string why;                     // it did
    TimePoint again = TimePoint::max();  // when time alone may change it
  };

  // One service as it is now: `here` is its own datacenter, `there` the one it would go to or is at.
  Look look(const std::string& service, const conf::Failover& policy, const Reach& here, const Reach& there,
            TimePoint now);
  // An operator's word. Back: false, nothing to come back from.
  void go(const std::string& service, const std::string& datacenter);
  bool back(const std::string& service);

  const std::map<std::string, Away>& away() const { return away_; }
  std::string text() const;             // to be kept on disk, and read again
  void restore(std::string_view text);  // lines that can't be read are passed over

 private:
  std::map<std::string, Away> away_;
  std::map<std::string, TimePoint> since_;  // when what would change it began: none usable here; or one, while away
};

}  // namespace gatehouse::pool
