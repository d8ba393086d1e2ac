// door_view.h: the running program as something to be told of: what status, metrics and explain read.
//   Borrowed and short-lived: made for one answer, on the control thread, and gone with it. Changes nothing.
//   Counters are read relaxed, so sums over workers are of about one moment.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acme/issuer_io.h"
#include "cli/catalog_memory.h"
#include "cli/history.h"
#include "conf/catalog/consul_source_io.h"
#include "conf/config.h"
#include "proxy/pool/failover.h"
#include "proxy/probe/prober_io.h"
#include "proxy/worker_io.h"
#include "proxy/world.h"

namespace gatehouse::cli {

class Door;
class Tunnels;

struct DoorView {
  const conf::Config& config;
  const proxy::World& world;
  std::vector<const proxy::WorkerCounters*> workers{};
  conf::Findings certificate_findings{}, tcp_findings{};
  std::vector<acme::CertificateView> obtained{};  // certificates that are obtained, or are to be
  acme::IssuerCounts issuer{};
  std::set<std::string> drained{};
  std::vector<HistoryEntry> recent{};                   // what changed last, the latest first
  std::map<std::string, pool::Failovers::Away> away{};  // services that another datacenter serves
  std::vector<catalog::ConsulSource::View> consuls{};
  std::function<std::vector<pool::CheckView>(std::uint32_t endpoint_id)> checks{};

  const Tunnels* tunnels = nullptr;

  std::uint64_t table = 0;             // the last that came into force
  std::optional<Frozen> frozen{};      // without its input
  std::vector<std::string> waiting{};  // what a frozen catalog would change
  std::string degraded{};              // what it serves in spite of; empty: nothing
  std::string unknown{};               // which catalogs nothing is known of yet; empty: none

  bool ready = false, stopping = false, file_differs = false;
  long pid = 0;
  std::int64_t started_ms = 0;  // wall clock
  std::int64_t wall_ms = 0;     // now
  std::int64_t steady_ms = 0;   // now, as in pool::EndpointState

  ratelimit::Tables* guard = nullptr;  // null: there is no guard

  std::uint64_t connections_open = 0, connections_most = 0, memory_used = 0;
  std::uint64_t log_lines_dropped = 0, log_writes_failed = 0, event_lines_dropped = 0, worlds_live = 0;
  std::uint64_t guard_records_dropped = 0;

  std::vector<const proxy::Mirrors*> mirrors{};

  std::uint64_t sum(Counter proxy::WorkerCounters::* counter) const;
};

// REQUIRES a door that has a world: one that answers on its sockets.
DoorView view_of(const Door& door);

// Why no traffic should come here; empty: it should.
std::string unready_reason(const DoorView& view);

// Of a door that is ready: "ready", or "ready, degraded: …".
std::string ready_words(const DoorView& view);

}  // namespace gatehouse::cli
