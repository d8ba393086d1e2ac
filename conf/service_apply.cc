#include "conf/service_apply.h"

#include <vector>

#include "conf/route_value.h"
#include "conf/service_values.h"
#include "conf/values.h"

namespace gatehouse::conf {
namespace {

Status set_prefix(std::string& out, std::string_view text) {
  Result<std::string> prefix = parse_path_prefix(text);
  if (!prefix) return prefix.error();
  out = std::move(*prefix);
  return Done{};
}

std::string unknown_option(std::string_view name) {
  std::vector<std::string_view> known{"strip",           "prepend",        "redirect",
                                      "if.path",         "if.method",      "if.header",
                                      "if.header_regex", "if.header_not",  "if.header_not_regex",
                                      "if.query",        "if.query_regex", "if.path_regex"};
  for (const ServiceKey& candidate : service_keys())
    if (candidate.scope == Scope::route) known.push_back(candidate.name);
  return std::string(name) + ": unknown option" + did_you_mean(nearest(name, known));
}

}  // namespace

Status apply_route_option(Subject& subject, std::string_view name, std::string_view value, Trust said_by) {
  const auto named = [name](Status status) {
    return status ? std::move(status) : Status(invalid(std::string(name) + "=" + status.error().what));
  };
  if (name == "strip") return named(set_prefix(subject.route.strip, value));
  if (name == "prepend") return named(set_prefix(subject.route.prepend, value));
  if (name == "redirect") {
    Result<Redirect> redirect = parse_redirect(value);
    if (!redirect) return named(redirect.error());
    subject.route.redirect = std::move(*redirect);
    return Done{};
  }
  const ServiceKey* key = find_service_key(name);
  if (key == nullptr) return invalid(unknown_option(name));
  if (key->scope != Scope::route)
    return invalid(std::string(name) + ": is not a route's option; say it of the service");
  if (key->trust == Trust::file_only && said_by == Trust::tags)
    return invalid(std::string(name) + ": only gatehouse.yaml may say this");
  return named(key->apply(subject, value));
}

}  // namespace gatehouse::conf
