// hold_down.h: what the catalog no longer has is believed only with evidence. Pure.
//   A healthy answer that lacks instances may be the truth (they were deregistered) or a lie (a token lost its
//   rights, servers were wiped, an agent restarted). An instance leaves at once if it was critical or in maintenance
//   before, or if few leave (who flaps counts for nothing) and the catalog is trusted; else it is held: it stays,
//   marked with the reason, for as long as our own check of it passes. It is let go when the check fails, when the
//   catalog has it again (no longer held), when an operator approves, or, of a trusted catalog, after hold_most. The
//   last of a service leaves its definition behind, so that its routes answer 503 instead of leading nowhere, until
//   an operator approves or a day of a trusted catalog is over; for awaited_most nobody else takes them. What was
//   known from before (of a snapshot) and is not in the first answer is held, too: nobody saw it leave. Time steady
//   clock as a parameter. Threads one. Limits: what the catalog had.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conf/catalog/consul_health.h"
#include "conf/catalog/losses.h"
#include "conf/service.h"
#include "net/clock.h"

namespace gatehouse::catalog {

// Who is held is judged by us alone: where nothing else is checked, by whether it can be connected to.
conf::HealthCheck connect_check();

class HoldDown {
 public:
  static constexpr Millis hold_most = 10min, departed_most = 24h, awaited_most = 5min, window = 10s;

  struct Held {
    std::string service, node, id, reason;
    TimePoint since;
  };

  // What was known of a service before anything was heard of it.
  void remember(const conf::Instance& instance, TimePoint now);
  // What the catalog says of a service now; gives what shall be served. `single`: two at once would be worse than
  // none; nobody is held whom another may have replaced.
  std::vector<conf::Instance> update(const std::string& service, const std::vector<conf::Instance>& said,
                                     bool trusted, bool single, TimePoint now);
  // Checks that have not run yet, since their agent was restarted, say nothing: what was known of such instances
  // holds.
  void recall(const std::string& service, std::vector<conf::Instance>& said,
              const std::set<InstanceKey>& unproven) const;
  // Whether that answer lacks instances which nothing has spoken against so far. They count at once in what all
  // services lose: so that a node which goes with all its services is not believed bit by bit, update() comes later.
  bool doubt(const std::string& service, const std::vector<conf::Instance>& said, TimePoint now);
  // Our own check of it failed: it is gone. True: it was held.
  bool drop(const std::string& service, const std::string& node, const std::string& id,
            const std::string& datacenter);
  // An operator says that the catalog is right; an id, or NODE/ID; empty: of all the service's. How many were held.
  std::size_t approve(const std::string& service, const std::string& id);
  // Those that were held, or departed, long enough, of a catalog that was trusted all the while; or awaited long
  // enough. True: there were some. To be asked often: that it isn't trusted is seen here.
  bool expire(bool trusted, TimePoint now);

  // A service that is watched no more.
  void forget(const std::string& service);

  std::vector<conf::Instance> instances(const std::string& service) const;
  std::vector<Held> held() const;

 private:
  using Key = InstanceKey;
  struct Known {
    conf::Instance instance;
    TimePoint held_since{};   // of one that is held
    bool remembered = false;  // and not heard of since
  };
  struct Service {
    std::map<Key, Known> known;
    std::optional<conf::Instance> departed;  // whom the service had last
    std::optional<TimePoint> departed_at;    // first seen so, of a catalog that was trusted since
    std::optional<TimePoint> awaited_since;
    std::vector<Key> leaving(const std::set<Key>& present) const;
    Losses<Key> left;       // of late, without a failure before
    std::set<Key> doubted;  // of its instances, since they count in left_ already
  };

  void remove(Service& service, std::map<Key, Known>::iterator which);
  bool end_waiting(TimePoint now);

  std::map<std::string, Service> services_;
  std::optional<TimePoint> trusted_since_;
  std::size_t count_ = 0;                             // of all services' instances
  std::size_t doubted_ = 0;                           // of these
  Losses<std::pair<std::string, InstanceKey>> left_;  // of all services; doubted ones too
};

}  // namespace gatehouse::catalog
