#include "proxy/http/forwarded.h"

#include <algorithm>
#include <optional>

#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"
#include "proxy/http/request_id.h"

namespace gatehouse::http {
namespace {

// Takes the last element off a comma-separated list; commas between quotes don't separate.
std::string_view last_element(std::string_view& list) {
  bool quoted = false;
  std::size_t at = list.size();
  for (; at > 0; --at) {
    const char c = list[at - 1];
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) break;
  }
  const std::string_view element = trimmed(list.substr(at));
  list = at == 0 ? std::string_view{} : list.substr(0, at - 1);
  return element;
}

// 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80
std::optional<IpAddress> parse_node(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    port = text.substr(close + 1);
    text = text.substr(1, close - 1);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  } else if (text.find('.') != std::string_view::npos && text.find(':') == text.rfind(':')) {
    const auto colon = std::min(text.find(':'), text.size());
    port = text.substr(colon);
    text = text.substr(0, colon);
  }
  if (!port.empty() && (port.size() < 2 || port.size() > 6 || port.front() != ':')) return std::nullopt;
  for (const char c : port.substr(port.empty() ? 0 : 1))
    if (!is_digit(c)) return std::nullopt;
  return IpAddress::parse(text);
}

// One forwarded-element; quoted values may hold no escapes (no node, host or scheme needs one).
struct Element {
  std::string_view node, proto, host;
};

std::optional<Element> parse_element(std::string_view text) {
  Element out;
  while (!text.empty()) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = trimmed(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    const bool quoted = text.starts_with('"');
    if (quoted) text.remove_prefix(1);
    const auto end = text.find(quoted ? '"' : ';');
    if (quoted && end == std::string_view::npos) return std::nullopt;
    const std::string_view value = quoted ? text.substr(0, end) : trimmed(text.substr(0, end));
    if (name.empty() || !all(name, token_byte) || value.find('\\') != std::string_view::npos) return std::nullopt;
    if (!quoted && value.find('"') != std::string_view::npos) return std::nullopt;
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end);
    if (quoted) text = trimmed(text.substr(1));
    if (!text.empty()) {
      if (text.front() != ';') return std::nullopt;
      text = trimmed(text.substr(1));
    }
    std::string_view* const known = equals_caseless(name, "for")     ? &out.node
                                    : equals_caseless(name, "proto") ? &out.proto
                                    : equals_caseless(name, "host")  ? &out.host
                                                                     : nullptr;
    if (!known) continue;
    if (!known->empty()) return std::nullopt;  // each at most once
    *known = value;
  }
  return out;
}

// Walks the lists of all fields of that name from the last to the first. visit returns false to stop.
template <class Visit>
void each_element_from_right(const RequestHead& head, FieldId id, Visit visit) {
  const auto fields = head.fields();
  for (std::size_t i = fields.size(); i > 0; --i) {
    if (fields[i - 1].id != id) continue;
    std::string_view list = head.value(fields[i - 1]);
    do {
      const std::string_view element = last_element(list);
      if (!element.empty() && !visit(element)) return;  // RFC 9110 5.6.1: empty elements count for nothing
    } while (!list.empty());
  }
}

// Two of them would be one of the peer's and one of a stranger's: neither is believed.
std::string_view only_value(const RequestHead& head, FieldId id) {
  const Field* first = head.find(id);
  if (!first) return {};
  for (const Field& f : head.fields())
    if (f.id == id && &f != first) return {};
  return head.value(*first);
}

std::string_view scheme_of(std::string_view text) {
  if (equals_caseless(text, "https")) return "https";
  return equals_caseless(text, "http") ? "http" : "";
}

std::string_view authority_of(std::string_view text) { return parse_authority(text) ? text : std::string_view{}; }

// Adds a hop; whether the walk goes on behind it.
bool add_hop(const std::optional<IpAddress>& address, std::span<const IpPrefix> trusted, ClientInfo& out) {
  if (!address || out.hop_count == hops_max) return false;
  out.hop[out.hop_count++] = *address;
  return is_in(trusted, *address);
}

void walk_x_forwarded_for(const RequestHead& head, std::span<const IpPrefix> trusted, ClientInfo& out) {
  each_element_from_right(head, FieldId::x_forwarded_for,
                          [&](std::string_view element) { return add_hop(parse_node(element), trusted, out); });
}

void walk_forwarded(const RequestHead& head, std::span<const IpPrefix> trusted, ClientInfo& out) {
  each_element_from_right(head, FieldId::forwarded, [&](std::string_view text) {
    const auto element = parse_element(text);
    if (!element) return false;
    const auto node = parse_node(element->node);
    if (node) out.proto = scheme_of(element->proto), out.host = authority_of(element->host);
    return add_hop(node, trusted, out);
  });
}

bool same_hops(const ClientInfo& a, const ClientInfo& b) {
  return std::equal(a.hop.begin(), a.hop.begin() + a.hop_count, b.hop.begin(), b.hop.begin() + b.hop_count);
}

std::uint16_t port_of(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c) || value > 65535) return 0;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535 ? static_cast<std::uint16_t>(value) : 0;
}

// Who tells the scheme and no port means the one that a URL of that scheme and host has, and not the port we listen
// on.
std::uint16_t port_meant(const ClientInfo& client, const RequestHead& head) {
  const auto authority = parse_authority(client.host.empty() ? head.host() : client.host);
  if (authority && authority->port != 0) return authority->port;
  return client.proto == "https" ? 443 : 80;
}

}  // namespace

ClientInfo client_of(const IpAddress& peer, std::span<const IpPrefix> trusted, const RequestHead& head) {
  ClientInfo out;
  out.hop[0] = peer;
  out.hop_count = 1;
  out.peer_trusted = is_in(trusted, peer);
  if (!out.peer_trusted) return out;

  if (!head.find(FieldId::x_forwarded_for)) {
    walk_forwarded(head, trusted, out);
  } else {
    walk_x_forwarded_for(head, trusted, out);
    if (head.find(FieldId::forwarded)) {
      ClientInfo told;
      told.hop[0] = peer;
      told.hop_count = 1;
      walk_forwarded(head, trusted, told);
      if (!same_hops(out, told)) out.hop_count = 1;
    }
  }
  if (const auto proto = scheme_of(only_value(head, FieldId::x_forwarded_proto)); !proto.empty()) out.proto = proto;
  if (const auto host = authority_of(only_value(head, FieldId::x_forwarded_host)); !host.empty()) out.host = host;
  out.port = port_of(only_value(head, FieldId::x_forwarded_port));
  if (out.port == 0 && !out.proto.empty()) out.port = port_meant(out, head);
  const std::string_view id = only_value(head, FieldId::x_request_id);
  if (valid_request_id(id)) out.request_id = id;
  return out;
}

}  // namespace gatehouse::http
