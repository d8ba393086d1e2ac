// listener.h: what a connection must know of the listener it came through. Immutable, shared by its connections.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "net/listener.h"

namespace gatehouse::proxy {

struct Listener {
  conf::Listen conf;
  std::shared_ptr<ListenSocket> socket;
  std::uint16_t port() const { return conf.address.port; }
};

}  // namespace gatehouse::proxy
