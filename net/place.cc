#include "net/place.h"

#include <charconv>

#include "net/host_name.h"

namespace gatehouse {
namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::size_t socket_path_most = 107;  // sun_path

}  // namespace

Result<Place> Place::parse(std::string_view text) {
  Place place;
  if (text.starts_with(unix_scheme)) {
    place.socket = text.substr(unix_scheme.size());
    if (!place.socket.starts_with('/') || place.socket.size() > socket_path_most)
      return invalid(std::string(text) + ": write unix: and an absolute path of at most 107 bytes");
    return place;
  }
  const Error wrong = invalid(
      std::string(text) + ": write ADDRESS:PORT, HOST:PORT or unix:/PATH, as in 127.0.0.1:5432 or db.internal:5432");
  if (text.starts_with(':')) return wrong;  // all addresses are nobody to dial
  if (const auto address = SocketAddress::parse(text)) {
    if (address->port == 0) return wrong;
    place.address = *address;
    return place;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  const auto host = HostName::parse(text.substr(0, colon));
  const std::string_view digits = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place.address.port);
  if (!host || error != std::errc() || end != digits.data() + digits.size() || place.address.port == 0) return wrong;
  place.host = host->text();
  if (place.host.find_first_not_of("0123456789.") == std::string::npos) return wrong;  // half an address
  return place;
}

std::string Place::text() const {
  if (!socket.empty()) return std::string(unix_scheme) + socket;
  return host.empty() ? address.text() : host + ":" + std::to_string(address.port);
}

}  // namespace gatehouse
