#include "conf/cors.h"

#include <algorithm>

#include "conf/service_values.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

bool is_label_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }
bool is_host_character(char c) { return is_label_character(c) || c == '.' || c == ':' || c == '[' || c == ']'; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

std::size_t host_of(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? at : at + 3;
}

Result<std::string> read_origin(std::string_view text) {
  const std::string origin = lower_case(text);
  const std::size_t at = host_of(origin);
  std::string_view host = at == std::string::npos ? std::string_view() : std::string_view(origin).substr(at);
  if (host.starts_with("*.")) host.remove_prefix(2);
  const bool known = origin.starts_with("https://") || origin.starts_with("http://");
  if (!known || host.empty() || !std::ranges::all_of(host, is_host_character))
    return invalid(std::string(text) +
                   ": write an origin as in https://shop.example or https://*.shop.example, or *");
  return origin;
}

// "GET,PUT" as it stands in a field: "GET, PUT".
Status set_names(std::string& out, std::string_view text) {
  out.clear();
  for (const std::string_view name : split_list(text)) {
    if (!is_token(name)) return invalid(std::string(text) + ": write names as in A,B");
    out += (out.empty() ? "" : ", ") + std::string(name);
  }
  if (out.size() > Cors::names_bytes_max) return invalid("longer than 1 KiB");
  return Done{};
}

template <class T>
Status take(T& out, Result<T> value) {
  if (!value) return value.error();
  out = std::move(*value);
  return Done{};
}

Status set_option(Cors& cors, const Option& option) {
  const auto& [name, value] = option;
  if (name == "methods") return set_names(cors.methods, value);
  if (name == "fields" && value == "*") return cors.fields = value, Done{};
  if (name == "fields") return set_names(cors.fields, value);
  if (name == "expose") return set_names(cors.expose, value);
  if (name == "credentials") return take(cors.credentials, parse_bool(value));
  if (name == "max_age") return take(cors.max_age, parse_span(value, 0ms, 24h, true));
  constexpr std::string_view known[] = {"methods", "fields", "expose", "credentials", "max_age"};
  return invalid("unknown option" + did_you_mean(nearest(name, known)));
}

}  // namespace

bool Cors::admits(std::string_view origin) const {
  if (origin.size() > origin_bytes_max) return false;  // it is given back in the answer
  if (any) return true;
  const std::string_view wanted = origin;  // browsers write it in small letters
  return std::ranges::any_of(origins, [&](const std::string& each) {
    const std::size_t host = host_of(each);
    if (each.compare(host, 2, "*.") != 0) return each == wanted;
    const std::string_view scheme = std::string_view(each).substr(0, host);
    const std::string_view suffix = std::string_view(each).substr(host + 1);  // ".shop.example"
    return wanted.size() > scheme.size() + suffix.size() && wanted.starts_with(scheme) && wanted.ends_with(suffix) &&
           std::ranges::all_of(wanted.substr(host, wanted.size() - host - suffix.size()), is_label_character);
  });
}

Result<Cors> parse_cors(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  Cors cors;
  for (const std::string_view part : split_list(words->head)) {
    if (part == "*") {
      cors.any = true;
      continue;
    }
    Result<std::string> origin = read_origin(part);
    if (!origin) return origin.error();
    cors.origins.push_back(std::move(*origin));
  }
  if (cors.any && !cors.origins.empty()) return invalid(words->head + ": * is every origin; write it alone");
  if (cors.origins.size() > Cors::origins_max) return invalid("more than 64 origins");
  for (const Option& option : words->options)
    if (const Status status = set_option(cors, option); !status)
      return invalid(option.name + "=" + status.error().what);
  if (cors.any && cors.credentials)
    return invalid("credentials=true: any page could act in its visitor's name; name the origins instead of *");
  return cors;
}

}  // namespace gatehouse::conf
