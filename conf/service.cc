#include "conf/service.h"

namespace gatehouse::conf {

std::string RouteMatch::text() const {
  std::string out = host;
  if (port != 0) out += ":" + std::to_string(port);
  out += path;
  if (exact_path) out += " if.path=exact";
  for (std::size_t i = 0; i < methods.size(); ++i) out += (i == 0 ? " if.method=" : ",") + methods[i];
  for (const HeaderMatch& header : headers) {
    using Of = HeaderMatch::Of;
    out += header.of == Of::path ? " if.path" : header.of == Of::query ? " if.query" : " if.header";
    if (header.inverted) out += "_not";
    out += header.pattern.is_said() ? "_regex=" : "=";
    out += header.name;
    const std::string& value = header.pattern.is_said() ? header.pattern.text() : header.value;
    if (!value.empty()) out += (header.name.empty() ? "" : ":") + value;
  }
  return out;
}

bool HeaderMatch::accepts(std::string_view found) const {
  return pattern.is_said() ? pattern.is_in(found) : value.empty() || found == value;
}

bool TcpPolicy::admits(const IpAddress& client) const {
  return (allow.empty() ? client.is_private() : is_in(allow, client)) && !is_in(deny, client);
}

std::string TcpEntry::text() const { return address.text() + (sni.empty() ? "" : " sni=" + sni); }

}  // namespace gatehouse::conf
