// proxy_protocol.h: the header by which a proxy tells whose connection it carries; read and written, both versions.
//   Pure: bytes in, values out; views point into the bytes given. Reading is incremental by reading again from the
//   start (a header is short), and what cannot become a header is refused at its first wrong byte.
//   Limits  v1 107 bytes, v2 16 + proxy_v2_body_max. Strict: no leading zeros, no bare LF, no datagrams, every TLV
//           inside the header, a checksum that is there must hold. Anything after the header is not looked at.
//   Trust   only from peers that are listed: whoever may send this may claim any address.
//   Source  haproxy.org/download/2.9/doc/proxy-protocol.txt
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/ip.h"

namespace gatehouse {

inline constexpr std::size_t proxy_v1_bytes_max = 107;
inline constexpr std::size_t proxy_v2_body_max = 4096;  // the addresses and the TLVs

struct ProxyHeader {
  // The connection's own addresses count: the proxy checks us itself, or cannot name its client by an IP address.
  bool local = false;
  SocketAddress source, destination;
  std::string_view tlvs;  // v2: well-formed, read by find_proxy_tlv
};

struct ProxyReading {
  enum class State { incomplete, complete, refused };
  State state = State::incomplete;
  std::size_t consumed = 0;  // complete: the header's size; the connection's first byte is after it
  ProxyHeader header;
  const char* why = "";  // refused
};

ProxyReading read_proxy_header(std::string_view bytes);

// The value of the first TLV of this type: 0x01 ALPN, 0x02 authority, 0x20 TLS, ...
std::optional<std::string_view> find_proxy_tlv(std::string_view tlvs, std::uint8_t type);

struct ProxyBytes {
  std::array<char, proxy_v1_bytes_max> bytes;
  std::size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};

// Addresses of both families in one header are written as IPv6.
ProxyBytes write_proxy_v1(const ProxyHeader& header);
ProxyBytes write_proxy_v2(const ProxyHeader& header);

struct ProxyTlv {
  std::uint8_t type;
  std::string_view value;
};
// REQUIRES that they fit proxy_v2_body_max with the addresses.
std::string write_proxy_v2(const ProxyHeader& header, std::span<const ProxyTlv> tlvs);

}  // namespace gatehouse
