#include "net/ip.h"

#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace gatehouse {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <class Int>
std::optional<Int> parse_decimal(std::string_view text, Int max) {
  unsigned long value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return static_cast<Int>(value);
}

}  // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress out;
  std::memcpy(out.bytes.data(), mapped_prefix.data(), mapped_prefix.size());
  out.bytes[12] = a, out.bytes[13] = b, out.bytes[14] = c, out.bytes[15] = d;
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char zero_ended[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_ended) return std::nullopt;
  std::memcpy(zero_ended, text.data(), text.size());
  zero_ended[text.size()] = 0;
  IpAddress out;
  in_addr four;
  if (inet_pton(AF_INET, zero_ended, &four) == 1) {
    std::memcpy(out.bytes.data(), mapped_prefix.data(), mapped_prefix.size());
    std::memcpy(out.bytes.data() + 12, &four, 4);
    return out;
  }
  if (inet_pton(AF_INET6, zero_ended, out.bytes.data()) == 1) return out;
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::memcmp(bytes.data(), mapped_prefix.data(), mapped_prefix.size()) == 0; }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  IpAddress one;
  one.bytes[15] = 1;
  return *this == one;
}

bool IpAddress::is_private() const {
  if (is_loopback()) return true;
  if (is_v4())
    return bytes[12] == 10 || (bytes[12] == 172 && (bytes[13] & 0xf0) == 16) ||
           (bytes[12] == 192 && bytes[13] == 168) || (bytes[12] == 169 && bytes[13] == 254);
  return (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

std::size_t IpAddress::write(char* buffer) const {
  if (is_v4()) {
    char* end = buffer;
    for (int i = 12; i < 16; ++i) {
      if (i > 12) *end++ = '.';
      end = std::to_chars(end, end + 3, bytes[i]).ptr;
    }
    return end - buffer;
  }
  inet_ntop(AF_INET6, bytes.data(), buffer, INET6_ADDRSTRLEN);
  return std::strlen(buffer);
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  return std::string(buffer, write(buffer));
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpPrefix out{*address, 128};
  if (slash == std::string_view::npos) return out;
  const std::uint8_t most = address->is_v4() ? 32 : 128;
  const auto length = parse_decimal<std::uint8_t>(text.substr(slash + 1), most);
  if (!length) return std::nullopt;
  out.length = address->is_v4() ? 96 + *length : *length;
  for (unsigned bit = out.length; bit < 128; ++bit) out.address.bytes[bit / 8] &= ~(0x80u >> (bit % 8));
  return out;
}

bool IpPrefix::contains(const IpAddress& other) const {
  const unsigned whole = length / 8, rest = length % 8;
  if (std::memcmp(address.bytes.data(), other.bytes.data(), whole) != 0) return false;
  if (rest == 0) return true;
  const std::uint8_t mask = 0xff << (8 - rest);
  return (address.bytes[whole] & mask) == (other.bytes[whole] & mask);
}

bool is_in(std::span<const IpPrefix> networks, const IpAddress& address) {
  for (const IpPrefix& network : networks)
    if (network.contains(address)) return true;
  return false;
}

std::string IpPrefix::text() const {
  return address.text() + "/" + std::to_string(address.is_v4() ? length - 96 : length);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return SocketAddress{IpAddress{}, *port};
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto ip = IpAddress::parse(host);
  if (!ip || bracketed == ip->is_v4()) return std::nullopt;
  return SocketAddress{*ip, *port};
}

SocketAddress SocketAddress::from(const sockaddr* address) {
  SocketAddress out;
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    std::memcpy(out.ip.bytes.data(), mapped_prefix.data(), mapped_prefix.size());
    std::memcpy(out.ip.bytes.data() + 12, &four->sin_addr, 4);
    out.port = ntohs(four->sin_port);
  } else if (address->sa_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
    std::memcpy(out.ip.bytes.data(), &six->sin6_addr, 16);
    out.port = ntohs(six->sin6_port);
  }
  return out;
}

socklen_t SocketAddress::to(sockaddr_storage& out) const {
  std::memset(&out, 0, sizeof out);
  if (ip.is_v4()) {
    auto* four = reinterpret_cast<sockaddr_in*>(&out);
    four->sin_family = AF_INET;
    std::memcpy(&four->sin_addr, ip.bytes.data() + 12, 4);
    four->sin_port = htons(port);
    return sizeof *four;
  }
  auto* six = reinterpret_cast<sockaddr_in6*>(&out);
  six->sin6_family = AF_INET6;
  std::memcpy(&six->sin6_addr, ip.bytes.data(), 16);
  six->sin6_port = htons(port);
  return sizeof *six;
}

std::string SocketAddress::text() const {
  const std::string host = ip.is_v4() ? ip.text() : "[" + ip.text() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace gatehouse
