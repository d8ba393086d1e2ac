#include "acme/live_dns.h"

#include <algorithm>

#include "acme/json_look.h"

namespace gatehouse::acme {
namespace {

constexpr unsigned least_ttl = 300;  // Gandi takes no less

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

}  // namespace

Result<std::vector<std::string>> live_dns_values(std::string_view body) {
  const json::object object = read_object(body);
  if (object.empty()) return invalid("LiveDNS answered with something that is no set of records");
  std::vector<std::string> out;
  for (const json::value& each : list_at(object, "rrset_values")) {
    if (!each.is_string() || out.size() == values_most) return invalid("LiveDNS answered with values of no use");
    const auto& text = each.get_string();
    out.push_back(unquoted({text.data(), text.size()}));
  }
  return out;
}

std::optional<std::vector<std::string>> live_dns_change(const std::vector<std::string>& values, bool present,
                                                        const std::string& value) {
  const bool there = std::find(values.begin(), values.end(), value) != values.end();
  if (there == present) return std::nullopt;
  std::vector<std::string> out = values;
  if (present)
    out.push_back(value);
  else
    std::erase(out, value);
  return out;
}

std::string live_dns_body(const std::vector<std::string>& values) {
  return json::serialize(json::object{{"rrset_ttl", least_ttl}, {"rrset_values", json::value_from(values)}});
}

std::string live_dns_label(const std::string& name, const std::string& zone) {
  return name == zone ? "@" : name.substr(0, name.size() - zone.size() - 1);
}

std::string live_dns_refusal(unsigned status, std::string_view body) {
  const std::string said = text_at(read_object(body), "message");
  std::string out = "LiveDNS answered " + std::to_string(status) + (said.empty() ? "" : ": " + said);
  if (status == 401) out += " (the token is not one of Gandi's)";
  if (status == 403) out += " (the token has ended, or has no right to this zone)";
  if (status == 404) out += " (the token's account has no such zone)";
  return out;
}

}  // namespace gatehouse::acme
