// forwarded.h: who the client is, behind proxies that we trust.
//   X-Forwarded-For or Forwarded (RFC 7239) is read from right to left: each address was written by the hop to its
//   right, so it is believed while that hop is trusted. Should both be there and differ, neither is believed: a proxy
//   writes one of them, and the other may be its client's own. The walk ends at the first untrusted
//   address, at a malformed element (the last good hop is the client then), or after hops_max. What stands further
//   left was written by strangers and is forgotten. Nothing that an untrusted peer says is believed. No allocation.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/ip.h"
#include "proxy/http/head.h"

namespace gatehouse::http {

inline constexpr unsigned hops_max = 16;

struct ClientInfo {
  std::array<IpAddress, hops_max> hop;  // from the peer (0) outward; the last one is the client
  unsigned hop_count = 0;
  bool peer_trusted = false;
  // What a trusted peer told of the client's own request, if it is well-formed; empty or 0: nothing.
  std::string_view proto;  // "http" or "https"
  std::string_view host;   // a valid authority
  std::uint16_t port = 0;  // told, or what follows of proto and the host
  std::string_view request_id;

  const IpAddress& address() const { return hop[hop_count - 1]; }
  const IpAddress& peer() const { return hop[0]; }
};

// The views of the result point into the head's bytes.
ClientInfo client_of(const IpAddress& peer, std::span<const IpPrefix> trusted, const RequestHead& head);

}  // namespace gatehouse::http
