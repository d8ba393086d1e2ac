// tcp_value.h: the text form of a service's TCP address, "address:port [sni=NAME] [proxy_protocol=NETWORK,…]". Pure.
#pragma once

#include <string_view>

#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::conf {

Result<TcpEntry> parse_tcp(std::string_view text);

}  // namespace gatehouse::conf
