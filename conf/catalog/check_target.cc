#include "conf/catalog/check_target.h"

#include <algorithm>
#include <optional>

#include "conf/host_pattern.h"
#include "conf/values.h"
#include "net/encoding.h"
#include "net/ip.h"

namespace gatehouse::catalog {
namespace {

bool set_user(conf::HealthCheck& check, std::string_view user) {
  const std::size_t colon = user.find(':');
  const auto name = percent_decoded(user.substr(0, colon));
  const auto password = percent_decoded(colon == std::string_view::npos ? "" : user.substr(colon + 1));
  if (!name || !password) return false;
  check.headers.emplace_back("Authorization", "Basic " + base64(*name + ":" + *password));
  return true;
}

}  // namespace

bool is_host(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  const Result<std::string> name = conf::parse_route_host(text);
  return name && !name->starts_with('*') && !name->starts_with('[');
}

bool set_host_port(conf::HealthCheck& check, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const Result<unsigned> port = conf::parse_number(text.substr(colon + 1), 1, 65535);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "127.0.0.1";
  if (!port || !is_host(host)) return false;
  check.host = host;
  check.port = static_cast<std::uint16_t>(*port);
  return true;
}

bool set_url(conf::HealthCheck& check, std::string_view url) {
  constexpr auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(url.begin(), url.end(), is_control)) return false;
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  check.tls = url.substr(0, scheme) == "https";
  if (!check.tls && url.substr(0, scheme) != "http") return false;
  url = url.substr(scheme + 3);
  url = url.substr(0, url.find('#'));
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, end);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (!set_user(check, authority.substr(0, at))) return false;
    authority.remove_prefix(at + 1);
  }
  const std::size_t bracket = authority.rfind(']');
  const bool has_port =
      authority.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
  const std::string with_port = std::string(authority) + (has_port ? "" : check.tls ? ":443" : ":80");
  if (authority.empty() || !set_host_port(check, with_port)) return false;
  check.path = url.size() > end && url[end] == '/' ? "" : "/";
  for (const char c : url.substr(end)) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f)
      check.path += c;
    else
      check.path += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return true;
}

}  // namespace gatehouse::catalog
