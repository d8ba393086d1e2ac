#include "conf/service.h"

namespace gatehouse::conf {

std::string RouteMatch::text() const {
  std::string out = host;
  if (port != 0) out += ":" + std::to_string(port);
  out += path;
  if (exact_path) out += " if.path=exact";
  for (std::size_t i = 0; i < methods.size(); ++i) out += (i == 0 ? " if.method=" : ",") + methods[i];
  for (const HeaderMatch& header : headers) {
    out += " if.header=" + header.name;
    if (!header.value.empty()) out += ":" + header.value;
  }
  return out;
}

bool TcpPolicy::admits(const IpAddress& client) const {
  return (allow.empty() ? client.is_private() : is_in(allow, client)) && !is_in(deny, client);
}

std::string TcpEntry::text() const { return address.text() + (sni.empty() ? "" : " sni=" + sni); }

}  // namespace gatehouse::conf
