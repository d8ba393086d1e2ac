// tcp_table.h: which service a TCP connection is for: by the listener it came through and, where services share an
//   address, by the name that its ClientHello asks for. Part of the world; pure and immutable. A lookup allocates
//   nothing.
//   Order    exact name, `*.x`, `**.x` by longest suffix; then the service that takes all that comes to the address.
//            At a TLS listener of gatehouse.yaml nobody takes all: what has no match is terminated there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "net/ip.h"

namespace gatehouse::proxy {

struct TcpTarget {
  std::uint32_t service = 0;  // index into the routing table's services, and the world's pools
  std::uint32_t index = 0;    // of the entry in its service
};

class TcpTable {
 public:
  TcpTable() = default;
  explicit TcpTable(const std::vector<std::shared_ptr<const conf::Service>>& services);

  // Whether a TLS listener of gatehouse.yaml has names that are passed on: else it need not look.
  bool shares(const SocketAddress& listener) const { return !shared_.empty() && asks_name(shared_, listener); }
  bool asks_name(const SocketAddress& listener) const { return asks_name(own_, listener); }

  // For a listener that a service opened; `name` is "" where none was read.
  std::optional<TcpTarget> find(const SocketAddress& listener, std::string_view name) const;
  // For a TLS listener of gatehouse.yaml.
  std::optional<TcpTarget> find_shared(const SocketAddress& listener, std::string_view name) const;

 private:
  using Names = std::map<std::string, TcpTarget, std::less<>>;
  struct Place {
    std::optional<TcpTarget> all;
    Names exact, one_label, labels;  // "a.x"; "x" of "*.x"; "x" of "**.x"
    std::optional<TcpTarget> find(std::string_view name) const;
    bool asks_name() const { return !exact.empty() || !one_label.empty() || !labels.empty(); }
  };
  using Places = std::map<SocketAddress, Place>;
  static bool asks_name(const Places& places, const SocketAddress& listener);
  static std::optional<TcpTarget> find(const Places& places, const SocketAddress& listener, std::string_view name);

  Places own_, shared_;
};

}  // namespace gatehouse::proxy
