#include "conf/route_value.h"

#include <algorithm>
#include <tuple>

#include "conf/host_pattern.h"
#include "conf/values.h"
#include "net/encoding.h"

namespace gatehouse::conf {
namespace {

bool is_unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool is_path_character(char c) {
  constexpr std::string_view marks = "/!$&'()*+,;=:@";  // RFC 3986 3.3: pchar and the slash
  return is_unreserved(static_cast<unsigned char>(c)) || marks.find(c) != std::string_view::npos;
}

Status set_exact_path(RouteMatch& match, std::string_view text) {
  if (text != "exact") return invalid("if.path=" + std::string(text) + ": write if.path=exact");
  return match.exact_path = true, Done{};
}

Status set_methods(RouteMatch& match, std::string_view text) {
  for (const std::string_view method : split_list(text)) {
    if (!is_token(method)) return invalid("if.method=" + std::string(text) + ": write methods as in GET,HEAD");
    match.methods.emplace_back(method);
  }
  return Done{};
}

Status add_header(RouteMatch& match, std::string_view text) {
  const std::size_t colon = text.find(':');
  HeaderMatch header{std::string(text.substr(0, colon)), {}};
  if (!is_token(header.name)) return invalid("if.header=" + std::string(text) + ": write NAME or NAME:VALUE");
  if (colon != std::string_view::npos) {
    header.value = text.substr(colon + 1);
    if (header.value.empty())
      return invalid("if.header=" + std::string(text) + ": the value is empty; write NAME alone for any value");
  }
  match.headers.push_back(std::move(header));
  return Done{};
}

// if.header_regex=NAME:PATTERN, if.header_not=NAME[:VALUE], if.header_not_regex=NAME:PATTERN, if.query=NAME[:VALUE], if.query_regex=NAME:PATTERN, if.path_regex=PATTERN
Status add_condition(RouteMatch& match, const Option& option) {
  HeaderMatch condition;
  condition.of = option.name.starts_with("if.path")    ? HeaderMatch::Of::path
                 : option.name.starts_with("if.query") ? HeaderMatch::Of::query
                                                       : HeaderMatch::Of::field;
  condition.inverted = option.name.starts_with("if.header_not");
  std::string_view text = option.value;
  const auto wrong = [&](const std::string& what) { return invalid(option.name + "=" + option.value + ": " + what); };
  const bool by_pattern = option.name.ends_with("_regex");
  if (condition.of != HeaderMatch::Of::path) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    condition.name = text.substr(0, colon);
    text.remove_prefix(colon);
    const bool named = condition.of == HeaderMatch::Of::field ? is_token(condition.name) : !condition.name.empty();
    const bool valued = text.size() > 1 || (text.empty() && !by_pattern);
    if (!named || !valued) return wrong(by_pattern ? "write NAME:EXPRESSION" : "write NAME or NAME:VALUE");
    text.remove_prefix(text.empty() ? 0 : 1);
  }
  if (by_pattern) {
    Result<TextPattern> pattern = TextPattern::parse(text);
    if (!pattern) return wrong(pattern.error().what);
    condition.pattern = std::move(*pattern);
  } else {
    condition.value = text;
  }
  match.headers.push_back(std::move(condition));
  return Done{};
}

bool is_condition(std::string_view option) {
  constexpr std::string_view names[] = {"if.header_regex", "if.header_not",  "if.header_not_regex",
                                        "if.query",        "if.query_regex", "if.path_regex"};
  return std::ranges::find(names, option) != std::end(names);
}

// "host:port" before the path; either may be missing.
Status parse_authority(std::string_view text, RouteMatch& match) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos)
    return invalid(std::string(text) + ": the bracket of the IPv6 address is not closed");
  const std::size_t colon = text.find(':', bracket);
  if (colon != std::string_view::npos) {
    const Result<unsigned> port = parse_number(text.substr(colon + 1), 1, 65535);
    if (!port) return invalid(std::string(text) + ": the port: write a number from 1 to 65535");
    match.port = static_cast<std::uint16_t>(*port);
  }
  const std::string_view host = text.substr(0, colon);
  if (host.empty()) return Done{};
  Result<std::string> name = parse_route_host(host);
  if (!name) return name.error();
  match.host = std::move(*name);
  return Done{};
}

}  // namespace

void normalise_conditions(RouteMatch& match) {
  std::ranges::sort(match.methods);
  match.methods.erase(std::unique(match.methods.begin(), match.methods.end()), match.methods.end());
  for (HeaderMatch& header : match.headers)
    if (header.of == HeaderMatch::Of::field)
      std::ranges::transform(header.name, header.name.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::ranges::sort(match.headers, {}, [](const HeaderMatch& header) {
    return std::tie(header.of, header.name, header.value, header.pattern.text(), header.inverted);
  });
}

Result<std::string> parse_route_path(std::string_view text) {
  if (!text.starts_with('/')) return invalid(std::string(text) + ": a path begins with /");
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!is_path_character(text[i])) {
        if (text[i] == '?' || text[i] == '#')
          return invalid(std::string(text) + ": a route matches the path alone; write it without " + text[i] + "…");
        return invalid(std::string(text) + ": write the path's special characters as %XX");
      }
      path += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return invalid(std::string(text) + ": % is followed by two hexadecimal digits");
    const int byte = high * 16 + low;
    if (byte == 0) return invalid(std::string(text) + ": %00 is never in a path");
    constexpr std::string_view digits = "0123456789ABCDEF";
    if (is_unreserved(byte))
      path += static_cast<char>(byte);
    else
      path += {'%', digits[high], digits[low]};
    i += 2;
  }
  std::string normal;
  for (const std::string_view segment : split_list(path, '/')) {
    if (segment == "." || segment == "..")
      return invalid(std::string(text) +
                     ": requests are matched with . and .. resolved; write the path without them");
    if (!segment.empty()) normal += "/" + std::string(segment);
  }
  return normal.empty() ? "/" : normal;
}

Result<std::string> parse_path_prefix(std::string_view text) {
  Result<std::string> path = parse_route_path(text);
  if (!path) return path;
  if (*path == "/") return invalid(std::string(text) + ": write a path of at least one segment, as in /forum");
  return path;
}

Result<RouteSetting> parse_route(std::string_view text) {
  Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  RouteSetting route;
  const std::string_view head = words->head;
  if (head.find("://") != std::string_view::npos)
    return invalid(words->head + ": write host/path, without the scheme");
  const std::size_t slash = head.find('/');
  if (const Status status = parse_authority(head.substr(0, slash), route.match); !status) return status.error();
  if (slash != std::string_view::npos) {
    Result<std::string> path = parse_route_path(head.substr(slash));
    if (!path) return path.error();
    route.match.path = std::move(*path);
  }
  for (Option& option : words->options) {
    Status status = Done{};
    if (option.name == "if.path")
      status = set_exact_path(route.match, option.value);
    else if (option.name == "if.method")
      status = set_methods(route.match, option.value);
    else if (option.name == "if.header")
      status = add_header(route.match, option.value);
    else if (is_condition(option.name))
      status = add_condition(route.match, option);
    else
      route.options.push_back(std::move(option));
    if (!status) return status.error();
  }
  normalise_conditions(route.match);
  return route;
}

}  // namespace gatehouse::conf
