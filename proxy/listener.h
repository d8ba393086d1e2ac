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
  bool tcp = false;  // opened for services that carry TCP; else of gatehouse.yaml, for HTTP
  std::uint16_t port() const { return conf.address.port; }
};

// What a worker opens. Connections hold the listener alone: a socket ends with its workers' part in it, however long
// the connections that came through it last.
struct OpenListener {
  std::shared_ptr<const Listener> listener;
  std::shared_ptr<ListenSocket> socket;
};

}  // namespace gatehouse::proxy
