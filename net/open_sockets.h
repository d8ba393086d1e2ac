// open_sockets.h: listening sockets that somebody else opened for us: the gatehouse that we replace, or systemd.
//   Found by where they listen, so that no names have to agree.
//   Source   sd_listen_fds(3).
#pragma once

#include <map>
#include <string>

#include "net/ip.h"
#include "net/unique_fd.h"

namespace gatehouse {

class OpenSockets {
 public:
  // A descriptor that does not listen is closed.
  void add(UniqueFd socket);
  // Those of LISTEN_FDS, if they are meant for this process; takes them out of the environment.
  void add_from_environment();

  // Empty: nobody opened it.
  UniqueFd take(const SocketAddress& address);
  UniqueFd take_unix(const std::string& path);
  void clear() { by_place_.clear(); }

 private:
  UniqueFd take_at(const std::string& place);
  std::map<std::string, UniqueFd> by_place_;  // "127.0.0.1:80", "unix:/run/x"
};

}  // namespace gatehouse
