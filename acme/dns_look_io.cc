#include "acme/dns_look_io.h"

#include <algorithm>
#include <thread>

#include "net/dns_ask.h"

namespace gatehouse::acme {
namespace {

constexpr Millis first_pause{250}, pause_most{10'000}, nap{100};
constexpr std::size_t servers_most = 32;

struct Server {
  std::string name;
  SocketAddress address;
};

bool is_below(const std::string& name, const std::string& zone) {
  return name == zone ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

// The servers of the zone that the name is in, found from it upwards.
Result<std::vector<Server>> servers_of(const std::string& name, const DnsAsk& ask) {
  constexpr std::uint16_t dns_port = 53;
  std::string zone = name;
  for (;;) {
    const auto names = ask.name_servers(zone);
    if (!names && names.error().code != Errc::unavailable) return names.error();
    if (names) {
      std::vector<Server> out;
      for (const std::string& each : *names)
        if (const auto addresses = ask.addresses(each))
          for (const IpAddress& ip : *addresses)
            if (out.size() < servers_most) out.push_back({each, {ip, dns_port}});
      if (out.empty()) return Error{Errc::io, "no server of " + zone + " has an address"};
      return out;
    }
    const std::size_t dot = zone.find('.');
    if (dot == zone.npos) return Error{Errc::io, name + ": no zone holds it"};
    zone.erase(0, dot + 1);
  }
}

void sleep_for(Millis time, const std::atomic<bool>& stop) {
  for (const TimePoint due = Clock::now() + time; Clock::now() < due && !stop.load();)
    std::this_thread::sleep_for(nap);
}

}  // namespace

const conf::DnsZone* zone_of(const std::vector<conf::DnsZone>& zones, const std::string& name) {
  const conf::DnsZone* out = nullptr;
  for (const conf::DnsZone& each : zones)
    if (is_below(name, each.zone) && (out == nullptr || each.zone.size() > out->zone.size())) out = &each;
  return out;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

Result<std::string> real_name(const std::string& name, const std::string& resolver, unsigned most,
                              const std::atomic<bool>& stop) {
  const DnsAsk ask(resolver, true, stop);
  std::string at = name;
  for (unsigned i = 0; i <= most; ++i) {
    const auto alias = ask.alias(at);
    if (!alias && alias.error().code == Errc::unavailable) return at;
    if (!alias) return alias.error();
    at = *alias;
  }
  return Error{Errc::invalid, name + " is an alias of an alias, more than " + std::to_string(most) + " times"};
}

Status await_text(const std::string& name, const std::string& value, const std::string& resolver, Millis within,
                  const std::atomic<bool>& stop) {
  const TimePoint due = Clock::now() + within;
  const DnsAsk ask(resolver, true, stop);
  Result<std::vector<Server>> servers = servers_of(name, ask);
  if (!servers) return servers.error();
  Millis pause = first_pause;
  for (;;) {
    const auto shows = [&](const Server& server) {
      const auto texts = DnsAsk(server.address.text(), false, stop).texts(name);
      return texts && std::find(texts->begin(), texts->end(), value) != texts->end();
    };
    std::erase_if(*servers, shows);  // who has shown it once need not be asked again
    if (servers->empty()) return Done{};
    const Server& left = servers->front();
    if (stop.load() || Clock::now() + pause > due)
      return Error{Errc::timed_out,
                   name + " is not shown by " + left.name + " (" + left.address.ip.text() + ")" +
                       (servers->size() > 1 ? " and " + std::to_string(servers->size() - 1) + " more" : "")};
    sleep_for(pause, stop);
    pause = std::min(pause * 2, pause_most);
  }
}

}  // namespace gatehouse::acme
