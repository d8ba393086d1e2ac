#include "cli/tunnels.h"

#include <algorithm>

#include "proxy/guard_io.h"

namespace gatehouse::cli {
namespace {

constexpr mode_t socket_mode = 0660;

std::string at_key(const char* list, std::size_t i, const char* key, const Error& error) {
  return "tunnel." + std::string(list) + "[" + std::to_string(i) + "]." + key + ": " + error.what;
}

// The guard of the worker whose loop carries the tunnels.
class WorkersGatekeeper final : public tunnel::Gatekeeper {
 public:
  explicit WorkersGatekeeper(proxy::Worker& worker) : worker_(worker) {}
  bool refuses(const IpAddress& client) override { return proxy::is_banned(worker_, client); }
  void saw_refusal(const IpAddress& client, tunnel::End why) override {
    proxy::show_to_guard(worker_, client, ratelimit::event_kind::tunnel, tunnel::name_of(why));
  }

 private:
  proxy::Worker& worker_;
};

}  // namespace

Tunnels::Tunnels(proxy::Shared& shared, OpenSockets& open)
    : shared_{shared.open_connections, shared.connections_most,
              [&shared] {
                if (shared.nudge_log) shared.nudge_log();
              }},
      open_(open),
      plan_(std::make_shared<tunnel::Plan>()) {}

// New ones are kept until the configuration that wants them is taken, or the next one is.
Status Tunnels::bind(const conf::Tunnel& wanted) {
  const auto listen_at = [this](const SocketAddress& address) -> Status {
    std::shared_ptr<ListenSocket>& socket = sockets_[address.text()];
    if (socket) return Done{};
    if (UniqueFd open = open_.take(address)) return socket = ListenSocket::adopt(std::move(open)), Done{};
    Result<std::shared_ptr<ListenSocket>> bound = ListenSocket::bind(address);
    if (!bound) return bound.error();
    socket = std::move(*bound);
    return Done{};
  };
  for (std::size_t i = 0; i < wanted.accept.size(); ++i)
    if (const Status bound = listen_at(wanted.accept[i].address); !bound)
      return Error{bound.error().code, at_key("accept", i, "address", bound.error())};
  for (std::size_t i = 0; i < wanted.connect.size(); ++i)
    if (wanted.connect[i].listens() && wanted.connect[i].listen.socket.empty())
      if (const Status bound = listen_at(wanted.connect[i].listen.address); !bound)
        return Error{bound.error().code, at_key("connect", i, "listen", bound.error())};
  return Done{};
}

Status Tunnels::bind_local(const conf::Tunnel& wanted) {
  for (std::size_t i = 0; i < wanted.connect.size(); ++i) {
    const Place& place = wanted.connect[i].listen;
    if (place.socket.empty() || sockets_.contains(place.text())) continue;
    if (UniqueFd open = open_.take_unix(place.socket)) {
      sockets_[place.text()] = ListenSocket::adopt(std::move(open), place.socket);
      continue;
    }
    Result<std::shared_ptr<ListenSocket>> bound = ListenSocket::bind_unix(place.socket, socket_mode);
    if (!bound) return Error{bound.error().code, at_key("connect", i, "listen", bound.error())};
    sockets_[place.text()] = std::move(*bound);
  }
  return Done{};
}

conf::Findings Tunnels::take_keys(const conf::Tunnel& wanted) {
  tunnel::LoadedKeys loaded = tunnel::load_keys(wanted);
  if (conf::has_error(loaded.findings)) return loaded.findings;
  keys_ = std::move(loaded.keys);
  findings_ = loaded.findings;
  return findings_;
}

bool Tunnels::reread_keys(const conf::Tunnel& wanted, conf::Findings& told) {
  tunnel::LoadedKeys loaded = tunnel::load_keys(wanted);
  told = loaded.findings;
  if (conf::has_error(loaded.findings)) return false;
  findings_ = std::move(loaded.findings);
  keys_ = std::move(loaded.keys);
  return true;
}

void Tunnels::start(std::span<const std::unique_ptr<proxy::Worker>> workers, std::uint64_t seed) {
  for (const auto& worker : workers) {
    carriers_.push_back(std::make_unique<tunnel::Carrier>(worker->loop, worker->buffers, worker->pipes,
                                                          worker->access_log, shared_, seed + carriers_.size()));
    carriers_.back()->set_gatekeeper(std::make_unique<WorkersGatekeeper>(*worker));
  }
}

std::vector<tunnel::OpenDoor> Tunnels::open_doors(const conf::Tunnel& tunnel) const {
  std::vector<tunnel::OpenDoor> doors;
  for (const conf::TunnelAccept& accept : tunnel.accept)
    doors.push_back({sockets_.at(accept.address.text()), true, accept.called()});
  for (const conf::TunnelConnect& connect : tunnel.connect)
    if (connect.listens()) doors.push_back({sockets_.at(connect.listen.text()), false, connect.name});
  return doors;
}

void Tunnels::publish(const conf::Config& config, const tunnel::Addresses& addresses) {
  if (draining_) return;
  auto plan = std::make_shared<tunnel::Plan>(tunnel::build_plan(config.tunnel, keys_, addresses, registry_));
  plan->node = config.node.name;
  plan->access_log = config.access_log.to != "off";
  const auto& redact = config.access_log.redact;
  plan->redact_client = std::find(redact.begin(), redact.end(), "client_address") != redact.end();
  plan_ = std::move(plan);
  keep_dialers();
  const std::vector<tunnel::OpenDoor> doors = open_doors(config.tunnel);
  std::erase_if(sockets_, [&](const auto& each) {
    return std::none_of(doors.begin(), doors.end(), [&](const auto& door) { return door.socket == each.second; });
  });
  for (auto& carrier : carriers_) {
    carrier->publish(plan_);
    carrier->listen(doors);
  }
  registry_.forget_unused();
}

// One whose way is the same stays the same, so that the pools that have it do.
void Tunnels::keep_dialers() {
  std::map<std::string, tunnel::DialerOf> next;
  for (const auto& entry : plan_->entries) {
    const auto known = dialers_.find(entry->conf.name);
    const bool same = known != dialers_.end() && known->second.rekey_bytes == plan_->rekey_bytes &&
                      tunnel::same_way(*known->second.entry, *entry);
    next[entry->conf.name] = same ? known->second : tunnel::make_dialer(entry, plan_->rekey_bytes);
  }
  dialers_ = std::move(next);
}

DialerPtr Tunnels::dialer(const std::string& name) const {
  const auto known = dialers_.find(name);
  return known == dialers_.end() ? nullptr : known->second.dialer;
}

std::vector<int> Tunnels::listening() const {
  std::vector<int> out;
  for (const auto& [place, socket] : sockets_) out.push_back(socket->fd());
  return out;
}

void Tunnels::leave_files() {
  for (const auto& [place, socket] : sockets_) socket->leave_file();
}

void Tunnels::drain() {
  draining_ = true;
  for (auto& carrier : carriers_) carrier->drain();
  sockets_.clear();
}

void Tunnels::cut() {
  for (auto& carrier : carriers_) carrier->cut();
}

void Tunnels::end() { carriers_.clear(); }

}  // namespace gatehouse::cli
