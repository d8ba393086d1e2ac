// Which datacenter serves a service: judged after whatever may change it, kept in the state folder.
#include <algorithm>

#include "cli/door.h"
#include "conf/values.h"
#include "net/atomic_file.h"
#include "net/read_file.h"

namespace gatehouse::cli {
namespace {

constexpr std::size_t state_bytes_most = 1 << 20;

// The datacenter that the service would go to, or is at; empty: none.
std::string other_datacenter(const conf::Service& service, const pool::Failovers& failovers) {
  const auto away = failovers.away().find(service.name);
  return away == failovers.away().end() ? service.failover.datacenter : away->second.datacenter;
}

// Empty: nobody.
std::string served_by(const proxy::ServicePool& pool) {
  if (!pool.service->datacenter.empty() || pool.endpoints.empty()) return pool.service->datacenter;
  return pool.endpoints[0].instance->datacenter;
}

}  // namespace

void Door::load_failovers() {
  const Result<FileContent> file = read_file(state_file("failover"), state_bytes_most);
  if (file)
    failovers_.restore(file->bytes);
  else if (file.error().code != Errc::unavailable)
    warn("process", "failovers are not known: " + file.error().what);
}

Status Door::save_failovers() const {
  if (gave_way_) return Done{};
  return write_file_atomically(state_file("failover"), failovers_.text(), 0600);
}

void Door::look_at_failovers() {
  const TimePoint now = Clock::now();
  TimePoint again = TimePoint::max();
  bool changed = false;
  // Who has not been heard of yet may be there.
  const bool heard = std::ranges::all_of(consuls_, [](const auto& consul) { return consul->is_heard(); });
  for (const proxy::PoolPtr& pool : world_->pools()) {
    const conf::Service& service = *pool->service;
    const std::string other = other_datacenter(service, failovers_);
    if (other.empty()) continue;
    pool::Reach here{.unchecked = !heard}, there{.unchecked = !heard};
    pool->each_endpoint([&](const pool::Endpoint& endpoint) {
      (endpoint.instance->datacenter == other ? there : here).add(endpoint);
    });
    const pool::Failovers::Look look = failovers_.look(service.name, service.failover, here, there, now);
    again = std::min(again, look.again);
    if (!look.changed) continue;
    changed = true;
    const bool is_away = failovers_.away().contains(service.name);
    warn("failover", service.name + (is_away ? ": served by " + other : ": back from " + other) + ": " + look.why);
  }
  if (changed) {
    if (const Status saved = save_failovers(); !saved) warn("process", "failover: " + saved.error().what);
    read_table();
    return publish("failover");  // looks again
  }
  failover_timer_.expires_at(again);
  failover_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look_at_failovers();
  });
}

Result<std::string> Door::fail_over(const std::string& name, const std::string& datacenter, const std::string& by) {
  const proxy::ServicePool* pool = world_->find(name);
  if (pool == nullptr) {
    std::vector<std::string_view> known;
    for (const proxy::PoolPtr& each : world_->pools()) known.push_back(each->service->name);
    return invalid("there is no service " + name + conf::did_you_mean(conf::nearest(name, known)));
  }
  const std::string to = datacenter.empty() ? pool->service->failover.datacenter : datacenter;
  if (to.empty()) return invalid(name + ": its policy names no datacenter to go to; name one");
  if (!failovers_.away().contains(name) && served_by(*pool) == to) return invalid(name + " is served by " + to);
  std::vector<std::string> whose = entries_.leads_to(name);
  whose.push_back(name);
  bool known = std::ranges::any_of(instances_.instances, [&](const conf::Instance& instance) {
    return instance.datacenter == to && std::ranges::find(whose, instance.service) != whose.end();
  });
  pool->each_endpoint([&](const pool::Endpoint& each) { known = known || each.instance->datacenter == to; });
  if (!known) return invalid("no instance of " + name + " in " + to + " is known: going there would answer 503");
  failovers_.go(name, to);
  note("command", "failover " + name + " " + to, by);
  const Status saved = save_failovers();
  read_table();
  publish("failover");
  if (saved) return to;
  return Error{saved.error().code, "done, but it will not outlive a restart: " + saved.error().what};
}

Status Door::fail_back(const std::string& name, const std::string& by) {
  if (!failovers_.back(name)) return invalid(name + " has not failed over");
  note("command", "failover " + name + " --back", by);
  const Status saved = save_failovers();
  read_table();
  publish("failover");
  if (saved) return Done{};
  return Error{saved.error().code, "done, but it will not outlive a restart: " + saved.error().what};
}

}  // namespace gatehouse::cli
