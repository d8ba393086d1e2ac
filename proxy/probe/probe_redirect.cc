#include "proxy/probe/probe_redirect.h"

#include <algorithm>

#include "proxy/http/authority.h"

namespace gatehouse::pool {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<std::string> redirected_path(std::string_view location, std::string_view path, std::string_view host,
                                           bool tls) {
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f; };
  location = location.substr(0, location.find('#'));
  if (location.empty() || !std::all_of(location.begin(), location.end(), plain)) return std::nullopt;
  const std::size_t colon = location.find(':');
  if (colon != std::string_view::npos && colon < location.find_first_of("/?")) {
    if (location.substr(0, colon) != (tls ? "https" : "http")) return std::nullopt;
    location.remove_prefix(colon + 1);
    if (!location.starts_with("//")) return std::nullopt;
  }
  if (location.starts_with("//")) {
    const std::size_t end = std::min(location.find_first_of("/?", 2), location.size());
    const auto there = http::parse_authority(location.substr(2, end - 2)), here = http::parse_authority(host);
    if (!there || !here || !http::same_authority(*there, *here, tls ? 443 : 80)) return std::nullopt;
    location.remove_prefix(end);
    return location.starts_with('/') ? std::string(location) : "/" + std::string(location);
  }
  if (location.starts_with('/')) return std::string(location);
  path = path.substr(0, path.find('?'));
  if (!location.starts_with('?')) path = path.substr(0, path.rfind('/') + 1);
  return std::string(path) + std::string(location);
}

}  // namespace gatehouse::pool
