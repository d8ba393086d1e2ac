#include "cli/tunnel_view.h"

#include <functional>

#include "cli/text.h"

namespace gatehouse::cli {
namespace {

using tunnel::Stats;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t series_most = 1000;
constexpr std::int64_t day_ms = 86'400'000;

template <class T>
T load(const std::atomic<T>& value) {
  return value.load(std::memory_order_relaxed);
}

struct Row {
  std::atomic<std::uint64_t> Stats::* value;
  bool is_counter;
  const char *name, *help;
};

constexpr Row rows[] = {
    {&Stats::connections, true, "gatehouse_tunnel_connections_total", "Connections that were let through a tunnel."},
    {&Stats::open, false, "gatehouse_tunnel_connections_open", "Of those, the open ones."},
    {&Stats::bytes_in, true, "gatehouse_tunnel_received_bytes_total", "Bytes from who connected, decrypted."},
    {&Stats::bytes_out, true, "gatehouse_tunnel_sent_bytes_total", "Bytes to who connected, decrypted."},
    {&Stats::handshakes, true, "gatehouse_tunnel_handshakes_total", "Handshakes that succeeded, by the key."},
    {&Stats::rekeys, true, "gatehouse_tunnel_rekeys_total", "Connections whose keys were renewed while they lasted."},
};

class Figures {
 public:
  explicit Figures(std::int64_t wall_ms) : wall_ms_(wall_ms) {}

  void stats(const Stats& stats, const Labels& labels) {
    if (series_++ >= series_most) return;
    for (const Row& row : rows)
      add(row.name, row.help, row.is_counter, static_cast<double>(load(stats.*row.value)), labels);
    add("gatehouse_tunnel_handshake_seconds_total", "Time that these handshakes took.", true,
        static_cast<double>(load(stats.handshake_us)) / 1e6, labels);
    for (std::size_t i = 0; i < tunnel::end_count; ++i) {
      const std::uint64_t count = load(stats.ends[i]);
      if (count == 0) continue;
      Labels with = labels;
      with.emplace_back("termination", tunnel::name_of(static_cast<tunnel::End>(i)));
      add("gatehouse_tunnel_ends_total", "Connections that ended or were refused, by how.", true,
          static_cast<double>(count), with);
    }
    if (const std::int64_t seen = load(stats.last_seen_ms); seen != 0)
      add("gatehouse_tunnel_last_seen_seconds", "Since the identity last came in, or was last let in.", false,
          static_cast<double>(std::max<std::int64_t>(0, wall_ms_ - seen)) / 1000, labels);
  }

  void add(const char* name, const char* help, bool is_counter, double value, const Labels& labels) {
    out_.push_back({name, help, is_counter, value, labels});
  }
  std::vector<TunnelFigure> take() { return std::move(out_); }

 private:
  std::int64_t wall_ms_;
  std::size_t series_ = 0;
  std::vector<TunnelFigure> out_;
};

json::object stats_json(const Stats& stats, std::int64_t wall_ms) {
  json::object out{{"connections", load(stats.connections)},
                   {"open", load(stats.open)},
                   {"bytes_in", load(stats.bytes_in)},
                   {"bytes_out", load(stats.bytes_out)}};
  json::object ends;
  for (std::size_t i = 0; i < tunnel::end_count; ++i)
    if (const std::uint64_t count = load(stats.ends[i]); count != 0)
      ends[tunnel::name_of(static_cast<tunnel::End>(i))] = count;
  out["ends"] = std::move(ends);
  if (const std::int64_t seen = load(stats.last_seen_ms); seen != 0) {
    out["last_seen"] = utc_text(seen);
    out["last_seen_ms"] = std::max<std::int64_t>(0, wall_ms - seen);
  }
  return out;
}

void add_key_age(json::object& out, const tunnel::KeySet& keys, const std::string& identity, std::int64_t wall_ms) {
  const auto changed = keys.changed_ms.find(identity);
  if (changed != keys.changed_ms.end()) out["key_days"] = (wall_ms - changed->second) / day_ms;
}

json::object exit_json(const tunnel::Exit& exit, const tunnel::KeySet& keys, std::int64_t wall_ms) {
  json::object out{{"name", exit.name},
                   {"address", exit.conf.address.text()},
                   {"service", exit.conf.service},
                   {"strangers", stats_json(*exit.stats, wall_ms)}};
  json::array identities;
  for (const auto& [identity, allowed] : exit.allowed) {
    json::object each = stats_json(*allowed.stats, wall_ms);
    json::array services, from;
    for (const std::string& service : allowed.conf.services) services.emplace_back(service);
    for (const IpPrefix& prefix : allowed.conf.from) from.emplace_back(prefix.text());
    each["identity"] = identity;
    each["services"] = std::move(services);
    each["from"] = std::move(from);
    each["has_key"] = exit.keys->contains(identity);
    add_key_age(each, keys, identity, wall_ms);
    identities.push_back(std::move(each));
  }
  out["identities"] = std::move(identities);
  return out;
}

json::object entry_json(const tunnel::Entry& entry, const tunnel::KeySet& keys, std::int64_t wall_ms,
                        std::int64_t steady_ms) {
  json::object out{{"name", entry.conf.name},
                   {"listen", entry.conf.listens() ? entry.conf.listen.text() : ""},
                   {"service", entry.conf.asked_service()},
                   {"failed", stats_json(*entry.stats, wall_ms)}};
  json::array targets;
  for (const tunnel::Target& target : entry.targets) {
    json::object each = stats_json(*target.stats, wall_ms);
    each["address"] = target.conf.address.text();
    each["identity"] = target.offer->identity;
    each["resolved"] = !target.addresses.empty();
    each["rests"] = target.state->rests(steady_ms);
    each["failures"] = target.state->failures();
    add_key_age(each, keys, target.offer->identity, wall_ms);
    targets.push_back(std::move(each));
  }
  out["targets"] = std::move(targets);
  return out;
}

}  // namespace

std::vector<TunnelFigure> tunnel_figures(const Tunnels& tunnels, std::int64_t wall_ms) {
  Figures out(wall_ms);
  for (const auto& exit : tunnels.plan().exits) {
    out.stats(*exit->stats, {{"tunnel", exit->name}, {"side", "exit"}, {"identity", ""}});
    for (const auto& [identity, allowed] : exit->allowed)
      out.stats(*allowed.stats, {{"tunnel", exit->name}, {"side", "exit"}, {"identity", identity}});
  }
  for (const auto& entry : tunnels.plan().entries) {
    out.stats(*entry->stats, {{"tunnel", entry->conf.name}, {"side", "entry"}, {"identity", ""}});
    for (const tunnel::Target& target : entry->targets)
      out.stats(*target.stats, {{"tunnel", entry->conf.name},
                                {"side", "entry"},
                                {"identity", target.offer->identity},
                                {"target", target.conf.address.text()}});
  }
  for (const auto& [identity, changed] : tunnels.keys().changed_ms)
    out.add("gatehouse_tunnel_key_age_seconds", "Since the key's file was written.", false,
            static_cast<double>(std::max<std::int64_t>(0, wall_ms - changed)) / 1000, {{"identity", identity}});
  if (!tunnels.plan().exits.empty()) {
    out.add("gatehouse_tunnel_handshakes_under_way", "Handshakes under way.", false,
            load(tunnels.shared().handshakes), {});
    out.add("gatehouse_tunnel_refusal_lines_dropped_total",
            "Refusals that got no line in the access log, because of their number.", true,
            static_cast<double>(load(tunnels.shared().refused_lines_dropped)), {});
  }
  return out.take();
}

json::object tunnels_json(const Tunnels& tunnels, std::int64_t wall_ms, std::int64_t steady_ms) {
  json::array exits, entries, offers;
  for (const auto& exit : tunnels.plan().exits) exits.push_back(exit_json(*exit, tunnels.keys(), wall_ms));
  for (const auto& [name, offer] : tunnels.plan().offers) {
    json::array to;
    for (const Place& place : offer->conf.to) to.emplace_back(place.text());
    offers.push_back(json::object{{"service", name}, {"to", std::move(to)}});
  }
  for (const auto& entry : tunnels.plan().entries)
    entries.push_back(entry_json(*entry, tunnels.keys(), wall_ms, steady_ms));
  return {{"exits", std::move(exits)}, {"offers", std::move(offers)}, {"entries", std::move(entries)}};
}

}  // namespace gatehouse::cli
