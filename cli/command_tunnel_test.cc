// gatehouse tunnel test: each exit of a tunnel, tried from here with the configuration's keys; which hop fails.
#include <cstring>
#include <iostream>

#include <netdb.h>

#include "cli/text.h"
#include "cli/tunnel_commands.h"
#include "conf/reader_io.h"
#include "tunnel/entry_io.h"
#include "tunnel/keyring_io.h"

namespace gatehouse::cli {
namespace {

tunnel::Addresses resolve(const std::set<std::string>& names) {
  tunnel::Addresses out;
  for (const std::string& name : names) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) continue;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next)
      out[name].push_back(SocketAddress::from(each->ai_addr).ip);
    ::freeaddrinfo(found);
  }
  return out;
}

struct Trial {
  Loop& loop;
  const tunnel::Entry& entry;
  const PskClientContext& context;
  bool good = true;
};

Task<> try_all(Trial& trial) {
  Waker waker(trial.loop);
  for (const tunnel::Target& target : trial.entry.targets) {
    const std::string where = trial.entry.conf.name + " -> " + target.conf.address.text();
    if (target.addresses.empty()) {
      std::cout << where << ": the name is not resolved\n";
      trial.good = false;
    }
    for (const tunnel::DialAddress& address : target.addresses) {
      const LoopTime deadline = trial.loop.now() + static_cast<LoopTime>(trial.entry.conf.connect_timeout.count());
      const tunnel::Dialling how{trial.loop, waker, nullptr, deadline};
      std::string told;
      const Status done = co_await tunnel::check_target(trial.entry, target, address, trial.context, how, told);
      trial.good = trial.good && static_cast<bool>(done);
      std::cout << printable(where + " (" + address.text() + ") as " + target.offer->identity + ": " +
                             (done ? told : done.error().what))
                << "\n";
    }
  }
  trial.loop.stop();
}

bool test_entry(const tunnel::Entry& entry) {
  const PskVersion version = entry.conf.tls == conf::TunnelTls::v13 ? PskVersion::tls13 : PskVersion::tls12;
  const Result<PskClientContext> context = PskClientContext::make(version);
  if (!context) {
    std::cerr << context.error().what << "\n";
    return false;
  }
  Loop loop;
  Trial trial{loop, entry, *context};
  Task<> story = try_all(trial);
  loop.post([&story] { story.start(); });
  loop.run();
  return trial.good;
}

}  // namespace

int run_tunnel_test(const Where& where, const std::string& name) {
  const std::string file = where.config.empty() ? usual_config : where.config;
  const conf::ReadConfig read = conf::read_config(file, conf::surroundings_of_process(file));
  tunnel::LoadedKeys loaded;
  conf::Findings findings = read.findings;
  if (!conf::has_error(findings)) {
    loaded = tunnel::load_keys(read.config.tunnel);
    conf::add_findings(findings, loaded.findings);
    conf::place(findings, read.positions);
  }
  for (const conf::Finding& each : findings)
    if (each.severity == conf::Severity::error) std::cerr << printable(each.text()) << "\n";
  if (conf::has_error(findings)) return 1;
  tunnel::Registry registry;
  const tunnel::Addresses addresses = resolve(tunnel::names_of(read.config.tunnel));
  const tunnel::Plan plan = tunnel::build_plan(read.config.tunnel, loaded.keys, addresses, registry);
  const tunnel::Entry* entry = plan.find_entry(name);
  if (entry != nullptr) return test_entry(*entry) ? 0 : 1;
  std::cerr << printable(name) << ": tunnel.connect has no tunnel of this name\n";
  return 1;
}

}  // namespace gatehouse::cli
