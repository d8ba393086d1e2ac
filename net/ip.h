// ip.h: addresses, prefixes and socket addresses as values.
//   An IPv4 address is kept in its IPv4-mapped IPv6 form (RFC 4291 2.5.5.2), so that both families share one
//   comparison, one hash and one prefix test. Text is parsed strictly: no octal, no missing parts, no zone.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace gatehouse {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  static std::optional<IpAddress> parse(std::string_view text);  // "192.0.2.1", "2001:db8::1"; no brackets
  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);

  bool is_v4() const;  // mapped IPv4
  bool is_loopback() const;
  bool is_private() const;  // RFC 1918, RFC 4193, link-local and loopback
  std::string text() const;
  // Writes the text form; buffer must hold 46 bytes. Returns its length. For the data path: allocates nothing.
  std::size_t write(char* buffer) const;

  auto operator<=>(const IpAddress&) const = default;
};

// A network in CIDR form; an address without a length is a network of one (RFC 4632, RFC 4291 2.3).
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 128;  // of the mapped form: 96 + n for IPv4

  static std::optional<IpPrefix> parse(std::string_view text);
  bool contains(const IpAddress& other) const;
  std::string text() const;

  auto operator<=>(const IpPrefix&) const = default;
};

// Whether one of the networks holds it.
bool is_in(std::span<const IpPrefix> networks, const IpAddress& address);

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  static std::optional<SocketAddress> parse(std::string_view text);  // "127.0.0.1:80", "[::]:443", ":8080" is [::]
  static SocketAddress from(const sockaddr* address);                // AF_INET or AF_INET6; else all zero
  socklen_t to(sockaddr_storage& out) const;                         // AF_INET for mapped IPv4 unless it is [::]
  std::string text() const;                                          // "192.0.2.1:80", "[2001:db8::1]:80"

  auto operator<=>(const SocketAddress&) const = default;
};

}  // namespace gatehouse
