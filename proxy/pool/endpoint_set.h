// endpoint_set.h: the endpoints of one service with what their balancing policy prepared: prefix sums for weighted
//   draws, a smooth schedule for round_robin, a Maglev table where asked. Immutable once made; read by every worker.
//   Limits   schedule at most 4096 + endpoints; Maglev table by maglev_table.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "conf/service.h"
#include "net/clock.h"
#include "proxy/pool/endpoint.h"
#include "proxy/pool/maglev_table.h"

namespace gatehouse::pool {

// Primaries, those of other zones, or backups: a run of endpoints, and their weights for drawing one in proportion.
struct Tier {
  std::uint32_t first = 0, count = 0;
  std::uint64_t total = 0;              // of the weights below
  std::vector<std::uint64_t> sums;      // sums[i]: weights of the tier's endpoints 0..i; empty when all are alike
  std::vector<std::uint32_t> schedule;  // round_robin: indices in a smooth weighted order; empty when all are alike
};

class EndpointSet {
 public:
  EndpointSet() = default;
  // Primaries come first, of them the near ones, else the order is kept. `previous`: its Maglev table is shared when
  // it would be the same.
  EndpointSet(const std::vector<Endpoint>& endpoints, const conf::Service& service,
              const EndpointSet* previous = nullptr);

  std::span<const Endpoint> endpoints() const { return endpoints_; }
  const Endpoint& operator[](std::size_t index) const { return endpoints_[index]; }
  std::size_t size() const { return endpoints_.size(); }
  bool empty() const { return endpoints_.empty(); }

  const Tier& primaries() const { return tiers_[0]; }  // of a service that prefers its zone: the near ones
  const Tier& far() const { return tiers_[1]; }        // the other ones; empty where no zone is preferred
  const Tier& backups() const { return tiers_[2]; }
  std::span<const Tier> tiers() const { return tiers_; }
  bool spills() const { return tiers_[1].total != 0; }  // there are other zones to go to
  conf::Balance balance() const { return balance_; }
  bool single() const { return single_; }
  bool panics() const { return panics_; }  // panic.h
  std::int64_t slow_start_ms() const { return slow_start_ms_; }
  std::int64_t drain_ms() const { return drain_ms_; }
  const MaglevTable* maglev() const { return maglev_.get(); }
  std::shared_ptr<const MaglevTable> share_maglev() const { return maglev_; }

 private:
  std::vector<Endpoint> endpoints_;
  std::array<Tier, 3> tiers_;
  conf::Balance balance_ = conf::Balance::least_request;
  bool single_ = false, panics_ = false;
  std::int64_t slow_start_ms_ = 0, drain_ms_ = 0;
  std::shared_ptr<const MaglevTable> maglev_;
};

}  // namespace gatehouse::pool
