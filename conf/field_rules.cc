#include "conf/field_rules.h"

#include <algorithm>
#include <array>

#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Framing and the connection's life (RFC 9110 7.6.1), and the name that the door gives each request.
constexpr std::array never{"connection",        "content-length",   "expect",      "http2-settings",
                           "keep-alive",        "proxy-connection", "te",          "trailer",
                           "transfer-encoding", "upgrade",          "x-request-id"};
// Who the client is, and where it wanted to go.
constexpr std::array of_the_door{
    "forwarded",         "host",     "proxy", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
    "x-forwarded-proto", "x-real-ip"};

bool is_one_of(std::string_view name, auto& names) {
  return std::ranges::any_of(names, [&](const char* each) { return same_field(name, each); });
}

Status check_name(std::string_view name, bool of_request) {
  if (name.ends_with(':')) return invalid(std::string(name) + ": write NAME VALUE, without the colon");
  if (!is_token(name)) return invalid(std::string(name) + ": is no field's name");
  const auto taken = [&](const char* why) { return Status(invalid(std::string(name) + ": " + why)); };
  if (is_one_of(name, never)) return taken("the door writes this field by itself");
  if (of_request && same_field(name, "host")) return taken("write the key host");
  if (of_request && is_one_of(name, of_the_door))
    return taken("the door tells of the client by itself: see forwarded");
  if (of_request) return Done{};
  if (same_field(name, "strict-transport-security")) return taken("write the key hsts");
  if (same_field(name, "date")) return taken("the door writes this field by itself");
  return Done{};
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

// Puts a rule where it belongs: what came before under its name counts no more if this one says it all.
Status put(FieldRules& into, FieldRule rule) {
  using Kind = FieldRule::Kind;
  if (rule.kind == Kind::set || rule.kind == Kind::remove)
    std::erase_if(into.rules, [&](const FieldRule& each) { return same_field(each.name, rule.name); });
  if (rule.kind == Kind::fallback) {
    const auto said = [&](const FieldRule& each) { return same_field(each.name, rule.name); };
    if (std::ranges::any_of(into.rules, said)) return Done{};
  }
  into.rules.push_back(std::move(rule));
  into.bytes = 0;
  for (const FieldRule& each : into.rules)
    if (each.kind != Kind::remove) into.bytes += each.name.size() + each.value.size() + 4;
  if (into.rules.size() > FieldRules::rules_max)
    return invalid("more than " + std::to_string(FieldRules::rules_max) + " fields of one side are changed");
  if (into.bytes > FieldRules::bytes_max)
    return invalid("the fields of one side are larger than " + size_text(FieldRules::bytes_max));
  return Done{};
}

// What does no harm to any page and keeps browsers from guessing: the backend's own word comes first.
Status add_security(FieldRules& answer) {
  constexpr std::array<std::array<const char*, 2>, 3> given{{{"X-Content-Type-Options", "nosniff"},
                                                             {"X-Frame-Options", "SAMEORIGIN"},
                                                             {"Referrer-Policy", "strict-origin-when-cross-origin"}}};
  for (const auto& [name, value] : given)
    if (Status status = put(answer, {FieldRule::Kind::fallback, name, value}); !status) return status;
  return put(answer, {FieldRule::Kind::remove, "X-Powered-By", ""});
}

}  // namespace

bool same_field(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool FieldRules::drops(std::string_view name) const {
  return std::ranges::any_of(rules, [&](const FieldRule& rule) {
    return (rule.kind == FieldRule::Kind::set || rule.kind == FieldRule::Kind::remove) && same_field(rule.name, name);
  });
}

Status add_field_rule(HeaderRules& into, std::string_view text) {
  using Kind = FieldRule::Kind;
  std::string_view rest = text;
  std::string_view verb = take_word(rest);
  if (verb == "security" && rest.empty()) return add_security(into.answer);
  const bool of_request = verb == "request";
  if (of_request || verb == "response") verb = take_word(rest);
  FieldRule rule;
  if (verb == "set")
    rule.kind = Kind::set;
  else if (verb == "add")
    rule.kind = Kind::add;
  else if (verb == "default")
    rule.kind = Kind::fallback;
  else if (verb == "remove")
    rule.kind = Kind::remove;
  else
    return invalid(std::string(text) +
                   ": write [request|response] set|add|default NAME VALUE, or remove NAME, or security");
  rule.name = take_word(rest);
  if (Status good = check_name(rule.name, of_request); !good) return good;
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  rule.value = rest;
  if (rule.kind == Kind::remove && !rest.empty()) return invalid(std::string(text) + ": remove takes one name");
  if (rule.kind != Kind::remove && rest.empty()) return invalid(std::string(text) + ": the value is missing");
  return put(of_request ? into.request : into.answer, std::move(rule));
}

}  // namespace gatehouse::conf
