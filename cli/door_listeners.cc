// Where the door listens: the addresses of gatehouse.yaml, and those that services of the catalog carry TCP from.
#include <algorithm>

#include "cli/door.h"
#include "conf/tcp_claims.h"

namespace gatehouse::cli {
namespace {

constexpr auto try_again = std::chrono::seconds(5);  // an address may come later, as a virtual one does

// One listener for all that share an address.
conf::Listen listen_of(const SocketAddress& address, const conf::RoutingTable& table) {
  conf::Listen listen{.name = "tcp " + address.text(), .address = address};
  for (const auto& service : table.services) {
    for (const conf::TcpEntry& entry : service->tcp) {
      if (entry.shared || entry.address != address) continue;
      listen.proxy_protocol.insert(listen.proxy_protocol.end(), entry.proxy_protocol.begin(),
                                   entry.proxy_protocol.end());
      if (listen.at.file.empty()) listen.at = entry.at;
    }
  }
  return listen;
}

std::vector<conf::Listen> wanted_by(const conf::RoutingTable& table) {
  std::vector<conf::Listen> wanted;
  for (const SocketAddress& address : conf::tcp_addresses(table)) wanted.push_back(listen_of(address, table));
  return wanted;
}

bool holds(const conf::Findings& findings, const conf::Finding& wanted) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const conf::Finding& each) { return each.text() == wanted.text(); });
}

}  // namespace

// The socket that listens there already; null: none does.
std::shared_ptr<ListenSocket> Door::socket_at(const SocketAddress& address) const {
  for (const auto* open : {&listeners_, &tcp_listeners_})
    for (const proxy::OpenListener& each : *open)
      if (each.listener->conf.address == address) return each.socket;
  return nullptr;
}

Result<std::shared_ptr<ListenSocket>> Door::open_socket(const SocketAddress& address) {
  if (UniqueFd open = open_sockets_.take(address)) return ListenSocket::adopt(std::move(open));
  return ListenSocket::bind(address);
}

Status Door::bind_listeners(const std::vector<conf::Listen>& wanted, std::vector<proxy::OpenListener>& out) {
  for (const conf::Listen& listen : wanted) {
    auto listener = std::make_shared<proxy::Listener>();
    listener->conf = listen;
    if (auto open = socket_at(listen.address)) {
      out.push_back({std::move(listener), std::move(open)});
      continue;
    }
    Result<std::shared_ptr<ListenSocket>> socket = open_socket(listen.address);
    if (!socket) return invalid(listen.name + ": " + socket.error().what);
    out.push_back({std::move(listener), *socket});
  }
  return Done{};
}

// Opens what the table wants and isn't open, and lets go what it no longer wants. What can't be opened is told, harms
// nothing else, and is tried again. False: that is so of one at least.
bool Door::open_tcp_listeners() {
  std::vector<proxy::OpenListener> next;
  conf::Findings findings;
  for (conf::Listen& listen : wanted_by(*table_)) {
    std::shared_ptr<ListenSocket> socket = socket_at(listen.address);
    if (!socket) {
      Result<std::shared_ptr<ListenSocket>> bound = open_socket(listen.address);
      if (!bound) {
        findings.push_back({listen.at, listen.name, bound.error().what});
        continue;
      }
      socket = std::move(*bound);
    }
    auto listener = std::make_shared<proxy::Listener>();
    listener->conf = std::move(listen);
    listener->tcp = true;
    next.push_back({std::move(listener), std::move(socket)});
  }
  for (const conf::Finding& each : findings)
    if (!holds(tcp_findings_, each)) tell("listen", each);
  tcp_findings_ = std::move(findings);
  tcp_listeners_ = std::move(next);
  return tcp_findings_.empty();
}

// After the world is published: a connection finds its service there.
void Door::listen() {
  if (stopping_) return;
  if (!open_tcp_listeners()) {
    listen_timer_.expires_after(try_again);
    listen_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) listen();
    });
  }
  std::vector<proxy::OpenListener> all = listeners_;
  all.insert(all.end(), tcp_listeners_.begin(), tcp_listeners_.end());
  for (auto& worker : workers_) worker->listen(all);
}

void Door::publish_tunnels() { tunnels_.publish(config_, addresses_); }

std::string Door::reread_tunnel_keys() {
  if (config_.tunnel.empty()) return {};
  const conf::Findings before = tunnels_.findings();
  conf::Findings told;
  const bool taken = tunnels_.reread_keys(config_.tunnel, told);
  conf::place(told, positions_);
  for (const conf::Finding& each : told)
    if (!taken || !holds(before, each)) tell("tunnel", each);
  if (taken) return publish("tunnel keys"), std::string();
  warn("tunnel", "the keys that hold are those from before: what was found is not taken");
  const auto first =
      std::find_if(told.begin(), told.end(), [](const auto& each) { return each.severity == conf::Severity::error; });
  return first->text();
}

}  // namespace gatehouse::cli
