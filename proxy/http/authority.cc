#include "proxy/http/authority.h"

#include "net/ip.h"
#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

// The bytes of reg-name (an IPv4 address is one too); escapes must be whole.
bool valid_reg_name(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is(name[i], regname_byte)) continue;
    if (name[i] != '%' || name.size() - i < 3 || hex_digit(name[i + 1]) < 0 || hex_digit(name[i + 2]) < 0)
      return false;
    i += 2;
  }
  return true;
}

bool has_empty_label(std::string_view name) {
  return name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  port = static_cast<std::uint16_t>(value);
  return true;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  if (text.empty() || text.size() > host_bytes_max + 6) return std::nullopt;
  Authority out;
  std::string_view rest;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto ip = IpAddress::parse(text.substr(1, close - 1));
    if (!ip || text.find(':') > close) return std::nullopt;  // no IPv4 in brackets
    out.host = text.substr(0, close + 1);
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    out.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    if (!valid_reg_name(out.host)) return std::nullopt;
    if (out.host.size() > 1 && out.host.back() == '.') out.host.remove_suffix(1);
    if (out.host.empty() || has_empty_label(out.host) || out.host.size() > host_bytes_max) return std::nullopt;
  }
  if (rest.empty()) return out;
  if (rest.front() != ':' || !parse_port(rest.substr(1), out.port)) return std::nullopt;
  return out;
}

std::string_view certified_name(std::string_view authority) {
  const auto parsed = parse_authority(authority);
  if (!parsed) return {};
  return parsed->host.starts_with('[') ? parsed->host.substr(1, parsed->host.size() - 2) : parsed->host;
}

std::string_view lower_host(std::string_view host, std::span<char> buffer) {
  bool capitals = false;
  for (const char c : host) capitals |= c >= 'A' && c <= 'Z';
  if (!capitals || buffer.size() < host.size()) return host;
  for (std::size_t i = 0; i < host.size(); ++i) buffer[i] = to_lower(host[i]);
  return {buffer.data(), host.size()};
}

bool same_authority(const Authority& a, const Authority& b, std::uint16_t default_port) {
  const auto port = [default_port](const Authority& it) { return it.port ? it.port : default_port; };
  return equal_caseless(a.host, b.host) && port(a) == port(b);
}

}  // namespace gatehouse::http
