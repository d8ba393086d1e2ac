#include "cli/door_view.h"

#include <unistd.h>

#include "cli/door.h"

namespace gatehouse::cli {

std::uint64_t DoorView::sum(Counter proxy::WorkerCounters::* counter) const {
  std::uint64_t total = 0;
  for (const proxy::WorkerCounters* worker : workers) total += (worker->*counter).value();
  return total;
}

namespace {

constexpr std::size_t recent_most = 30;

// A catalog that can't be heard: what it said last is served.
std::string away_words(const Door& door) {
  std::string out;
  for (const auto& consul : door.consuls()) {
    const catalog::ConsulSource::View view = consul->view();
    if (view.fault == catalog::ConsulFault::none && view.good_at_ms != 0) continue;
    const std::string what = view.trouble.empty() ? "has not answered yet" : view.trouble;
    out += (out.empty() ? "" : "; ") + consul->name() + ": " + what;
  }
  return out.empty() ? out : out + "; what it said last is served";
}

// A catalog of which nothing is known yet: before it answers, a request would find no route. One that can't be had
// keeps no door away that has others.
std::string unknown_words(const Door& door) {
  const bool serves = !door.world()->pools().empty();
  std::string out;
  for (const auto& consul : door.consuls()) {
    const catalog::ConsulSource::View view = consul->view();
    if (view.known || (serves && view.fault != catalog::ConsulFault::none)) continue;
    const std::string what = view.trouble.empty() ? "has not answered yet" : view.trouble;
    out += (out.empty() ? "" : "; ") + consul->name() + ": " + what;
  }
  return out;
}

}  // namespace

DoorView view_of(const Door& door) {
  DoorView view{door.config(), *door.world()};
  for (const auto& worker : door.workers()) {
    view.workers.push_back(&worker->counters);
    view.guard_records_dropped += worker->guard_told.dropped();
    view.mirrors.push_back(&worker->mirrors);
    view.log_lines_dropped += worker->access_log.dropped();
  }
  view.certificate_findings = door.certificate_findings();
  view.tcp_findings = door.tcp_findings();
  if (door.issuer() != nullptr) {
    view.obtained = door.issuer()->views();
    view.issuer = door.issuer()->counts();
  }
  view.drained = door.drained();
  view.recent = door.history().last(recent_most);
  view.away = door.failovers().away();
  view.consuls = door.consul_views();
  view.checks = [&door](std::uint32_t endpoint_id) { return door.prober().views(endpoint_id); };
  view.tunnels = &door.tunnels();
  view.table = door.history().last_table();
  if (const auto& frozen = door.memory().frozen()) {
    view.frozen = Frozen{frozen->since_ms, frozen->by, frozen->table, {}};
    view.waiting = door.memory().waiting();
  }
  view.degraded = away_words(door);
  view.unknown = unknown_words(door);
  view.ready = door.ready() && view.unknown.empty();
  view.stopping = door.stopping();
  view.file_differs = door.file_differs();
  view.pid = ::getpid();
  view.started_ms = door.started_at_ms();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  view.wall_ms = std::chrono::duration_cast<Millis>(now).count();
  view.steady_ms = pool::ms_of(Clock::now());
  view.guard = door.shared().guard.get();
  view.connections_open = door.shared().open_connections.load(std::memory_order_relaxed);
  view.connections_most = door.shared().connections_most;
  view.memory_used = door.shared().memory_used.load(std::memory_order_relaxed);
  if (door.access_log() != nullptr) view.log_writes_failed = door.access_log()->failed_writes();
  view.event_lines_dropped = door.events().dropped();
  view.worlds_live = door.worlds_live();
  return view;
}

std::string unready_reason(const DoorView& view) {
  if (view.ready) return {};
  if (view.stopping) return "stopping: no new connections are taken";
  return view.unknown.empty() ? "starting" : "nothing is known of the catalog yet: " + view.unknown;
}

std::string ready_words(const DoorView& view) {
  return view.degraded.empty() ? "ready" : "ready, degraded: " + view.degraded;
}

}  // namespace gatehouse::cli
