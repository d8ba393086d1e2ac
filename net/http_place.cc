#include "net/http_place.h"

#include <algorithm>
#include <charconv>

#include <sys/un.h>

namespace gatehouse {
namespace {

constexpr const char* due = "write http://HOST:PORT, https://HOST:PORT or unix:///PATH";

bool is_host_character(char c) { return c > ' ' && c != '/' && c != '@' && c != '?' && c != '#' && c != 127; }

}  // namespace

Result<HttpPlace> HttpPlace::parse(std::string_view url, std::uint16_t usual_port, std::uint16_t usual_tls_port) {
  HttpPlace out;
  if (url.starts_with("unix://")) {
    out.socket = url.substr(7);
    if (!out.socket.starts_with('/') || out.socket.size() >= sizeof(sockaddr_un::sun_path))
      return invalid("a Unix socket is named by its absolute path of at most 107 bytes: unix:///PATH");
    return out;
  }
  out.tls = url.starts_with("https://");
  if (!out.tls && !url.starts_with("http://")) return invalid(std::string(url) + ": " + due);
  std::string_view authority = url.substr(out.tls ? 8 : 7);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_character))
    return invalid(std::string(url) + ": " + due);
  out.host = host;
  out.port = out.tls ? usual_tls_port : usual_port;
  if (colon == authority.npos) return out;
  const std::string_view digits = authority.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc() || end != digits.data() + digits.size() || out.port == 0)
    return invalid(std::string(url) + ": a port is a number from 1 to 65535");
  return out;
}

std::string HttpPlace::text() const {
  if (!socket.empty()) return "unix://" + socket;
  const bool six = host.find(':') != host.npos;
  return (tls ? "https://" : "http://") + (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace gatehouse
