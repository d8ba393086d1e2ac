// tunnel.h: the section `tunnel:` as plain data: streams carried between hosts over TLS with pre-shared keys.
//   accept is the exit: who may come in, and to which service; offer is what an exit may dial, and nothing else is.
//   connect is the entry: a local listener, and the exits it leads to. Keys stand in files (tunnel/keyring_io.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/service.h"
#include "net/clock.h"
#include "net/ip.h"
#include "net/place.h"

namespace gatehouse::conf {

enum class TunnelTls { v13, v12 };
enum class KeyFormat { automatic, ascii, hex };  // automatic: what reads as hexadecimal is

// Keys in stunnel's format, IDENTITY:KEY a line.
struct TunnelSecrets {
  std::string file, folder;  // one of them; of a folder its files *.psk
  KeyFormat format = KeyFormat::automatic;
  bool operator==(const TunnelSecrets&) const = default;
};

// What an identity may reach, and from where.
struct TunnelAllow {
  std::string identity;
  std::vector<std::string> services;  // empty: that of its accept
  std::vector<IpPrefix> from;         // empty: anywhere
  unsigned max_connections = 0;       // 0: as many as the process may have
  bool operator==(const TunnelAllow&) const = default;
};

struct TunnelAccept {
  std::string name;  // empty: its address
  SocketAddress address;
  std::string service;  // of all who come in here; empty: by SNI, else the identity's only one
  TunnelSecrets secrets;
  std::vector<TunnelAllow> allow;
  TunnelTls tls = TunnelTls::v13;
  Millis handshake_time = 10s;
  unsigned handshakes = 1024, handshakes_per_client = 256;  // under way
  std::string called() const { return name.empty() ? address.text() : name; }
  bool operator==(const TunnelAccept&) const = default;
};

struct TunnelOffer {
  std::vector<Place> to;  // in this order
  SendProxy send_proxy = SendProxy::none;
  Millis connect_timeout = 5s, idle_timeout = 2h;
  bool operator==(const TunnelOffer&) const = default;
};

// An exit elsewhere, and who we are to it.
struct TunnelTarget {
  Place address;
  std::string identity;  // empty: the first of its secret's
  TunnelSecrets secret;
  std::string node;  // whose instances it leads to, where a service is dialled through it; empty: anybody's
  bool operator==(const TunnelTarget&) const = default;
};

enum class TunnelSni { service, none };  // none: for an exit that leads all to one service, or knows no SNI
enum class TunnelBalance { first, round_robin };

struct TunnelConnect {
  std::string name;
  std::string service;  // asked for by SNI; empty: the name
  TunnelSni sni = TunnelSni::service;
  Place listen;                 // none: only services of the proxy lead through it
  bool public_listen = false;   // it may listen beyond loopback and private networks
  std::vector<IpPrefix> allow;  // who may connect; empty: everybody who can
  std::vector<TunnelTarget> to;
  TunnelBalance balance = TunnelBalance::first;
  TunnelTls tls = TunnelTls::v13;
  Millis connect_timeout = 5s, idle_timeout = 2h;
  bool listens() const { return listen != Place(); }
  const std::string& asked_service() const { return service.empty() ? name : service; }
  bool operator==(const TunnelConnect&) const = default;
};

struct Tunnel {
  std::vector<TunnelAccept> accept;
  std::map<std::string, TunnelOffer> offer;
  std::vector<TunnelConnect> connect;
  std::uint64_t rekey_bytes = 64ull << 30;
  Millis rekey_time = 24h;
  bool empty() const { return accept.empty() && connect.empty(); }
  bool operator==(const Tunnel&) const = default;
};

}  // namespace gatehouse::conf
