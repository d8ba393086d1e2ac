#include "conf/tcp_value.h"

#include "conf/host_pattern.h"
#include "conf/service_values.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

Status set_sni(TcpEntry& entry, std::string_view text) {
  Result<std::string> name = parse_route_host(text);
  if (!name) return invalid("sni=" + name.error().what);
  if (name->starts_with('[') || IpAddress::parse(*name))
    return invalid("sni=" + *name + ": TLS asks for names, never for addresses");
  entry.sni = std::move(*name);
  return Done{};
}

Status set_proxy_protocol(TcpEntry& entry, std::string_view text) {
  if (text == "v1" || text == "v2" || text == "none")
    return invalid("proxy_protocol=" + std::string(text) +
                   ": write from which networks the header comes; towards the endpoint it is the key send_proxy");
  Result<std::vector<IpPrefix>> networks = parse_networks(text);
  if (!networks) return invalid("proxy_protocol=" + networks.error().what);
  entry.proxy_protocol = std::move(*networks);
  return Done{};
}

}  // namespace

Result<TcpEntry> parse_tcp(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  const std::optional<SocketAddress> address = SocketAddress::parse(words->head);
  if (!address || address->port == 0)
    return invalid(words->head + ": write address:port, as in 127.0.0.1:5432 or [::]:5432");
  TcpEntry entry;
  entry.address = *address;
  for (const Option& option : words->options) {
    Status status = Done{};
    if (option.name == "sni")
      status = set_sni(entry, option.value);
    else if (option.name == "proxy_protocol")
      status = set_proxy_protocol(entry, option.value);
    else
      status = invalid(option.name + ": unknown option; write one of sni proxy_protocol");
    if (!status) return status.error();
  }
  return entry;
}

}  // namespace gatehouse::conf
