#include "conf/service_values.h"

#include <algorithm>
#include <array>
#include <optional>

#include "conf/host_pattern.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

Error unknown_option(std::string_view name, std::span<const std::string_view> known) {
  std::string what = std::string(name) + ": unknown option";
  if (const std::string_view near = nearest(name, known); !near.empty())
    return invalid(what + "; did you mean " + std::string(near) + "?");
  what += "; write one of";
  for (const std::string_view option : known) what += " " + std::string(option);
  return invalid(what);
}

template <class T>
Status take(T& out, const Result<T>& value) {
  if (!value) return value.error();
  out = *value;
  return Done{};
}

// Reads options one by one; what is wrong with one is told by its name. An option's last value counts.
template <class Set>
Status set_options(const std::vector<Option>& options, std::initializer_list<std::string_view> known, Set set) {
  for (const Option& option : options) {
    if (std::find(known.begin(), known.end(), option.name) == known.end())
      return unknown_option(option.name, std::vector<std::string_view>(known));
    const std::string_view name = option.name, value = option.value;
    if (const Status status = set(name, value); !status) return invalid(option.name + "=" + status.error().what);
  }
  return Done{};
}

}  // namespace

Result<Millis> parse_span(std::string_view text, Millis least, Millis most, bool off) {
  if (off && text == "off") return Millis(0);
  Result<Millis> value = parse_duration(text);
  if (!value) return value;
  if (off && *value == Millis(0)) return value;
  if (*value < least || *value > most)
    return invalid(std::string(text) + ": write a duration from " + duration_text(least) + " to " +
                   duration_text(most) + (off ? ", or off" : ""));
  return value;
}

Result<std::vector<StatusRange>> parse_status_ranges(std::string_view text) {
  std::vector<StatusRange> ranges;
  for (const std::string_view part : split_list(text)) {
    const std::string wrong = std::string(text) + ": write statuses as in 200, 2xx, 500-504 or 502,503";
    if (part.size() == 3 && part.ends_with("xx") && part[0] >= '1' && part[0] <= '5') {
      const int hundred = (part[0] - '0') * 100;
      ranges.push_back({hundred, hundred + 99});
      continue;
    }
    const std::size_t dash = part.find('-');
    const Result<unsigned> first = parse_number(part.substr(0, dash), 100, 599);
    const Result<unsigned> last =
        dash == std::string_view::npos ? first : parse_number(part.substr(dash + 1), 100, 599);
    if (!first || !last || *first > *last) return invalid(wrong);
    ranges.push_back({static_cast<int>(*first), static_cast<int>(*last)});
  }
  return ranges;
}

namespace {

// The first word of a health setting: what is asked, and where.
Status parse_health_target(std::string_view head, HealthSetting& out) {
  HealthCheck& check = out.check;
  if (head == "none") return out.none = true, Done{};
  if (head == "tcp") return check.kind = HealthCheck::Kind::tcp, Done{};
  if (head == "redis") return check.kind = HealthCheck::Kind::redis, Done{};
  if (head == "grpc" || head.starts_with("grpc:")) {
    check.kind = HealthCheck::Kind::grpc;
    check.path = head.size() > 5 ? head.substr(5) : "";
    out.follows_protocol = true;
    return Done{};
  }
  check.kind = HealthCheck::Kind::http;
  if (head.starts_with('/')) {
    out.follows_protocol = true;
  } else {
    check.tls = head.starts_with("https:");
    if (!check.tls && !head.starts_with("http:"))
      return invalid(std::string(head) +
                     ": write /path, http:[PORT]/path, https:[PORT]/path, tcp, grpc[:SERVICE] or none");
    head.remove_prefix(check.tls ? 6 : 5);
    const std::size_t slash = head.find('/');
    if (slash == std::string_view::npos)
      return invalid(std::string(head) + ": the path is missing, as in http:8080/status");
    if (slash > 0) {
      const Result<unsigned> port = parse_number(head.substr(0, slash), 1, 65535);
      if (!port) return port.error();
      check.port = static_cast<std::uint16_t>(*port);
      head.remove_prefix(slash);
    }
  }
  if (head.find_first_of(" #") != std::string_view::npos)
    return invalid(std::string(head) + ": not a request's path");
  check.path = head;
  return Done{};
}

Status set_health_option(HealthSetting& out, std::string_view name, std::string_view value) {
  HealthCheck& check = out.check;
  const bool http = check.kind == HealthCheck::Kind::http;
  if (name == "interval") return take(check.interval, parse_span(value, 100ms, 1h, false));
  if (name == "timeout") return take(check.timeout, parse_span(value, 10ms, 5min, false));
  if (name == "rise") return take(check.rise, parse_number(value, 1, 100));
  if (name == "fall") return take(check.fall, parse_number(value, 1, 100));
  if (name == "status" && http) return take(check.status, parse_status_ranges(value));
  if (name == "body" && http) return check.body_contains = value, Done{};
  if (name != "role" || check.kind != HealthCheck::Kind::redis)
    return invalid(std::string(value) + ": is not for this kind of check");
  if (value != "master") return invalid(std::string(value) + ": write role=master");
  return check.redis_master = true, Done{};
}

}  // namespace

Result<HealthSetting> parse_health(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  HealthSetting out;
  out.check.id = health_check_id;
  out.check.name = "health";
  if (const Status target = parse_health_target(words->head, out); !target) return target.error();
  if (out.none && !words->options.empty()) return invalid("none takes no options");
  const Status status =
      set_options(words->options, {"interval", "timeout", "rise", "fall", "status", "body", "role"},
                  [&](std::string_view name, std::string_view value) { return set_health_option(out, name, value); });
  if (!status) return status.error();
  return out;
}

namespace {

Status set_retry_cause(RetryPolicy& retry, std::string_view cause) {
  if (cause == "connect") return retry.on_connect = true, Done{};
  if (cause == "stale") return retry.on_stale = true, Done{};
  if (cause == "timeout") return retry.on_timeout = true, Done{};
  const Result<std::vector<StatusRange>> ranges = parse_status_ranges(cause);
  if (!ranges || ranges->front().first < 400)
    return invalid(std::string(cause) + ": write connect, stale, timeout or a status as in 503 or 5xx");
  retry.on_status.insert(retry.on_status.end(), ranges->begin(), ranges->end());
  return Done{};
}

Status set_retry_option(RetryPolicy& retry, std::string_view name, std::string_view value) {
  if (name == "budget") return take(retry.budget_percent, parse_percent(value));
  if (name == "methods") {
    for (const std::string_view method : split_list(value)) {
      if (!is_token(method)) return invalid(std::string(value) + ": write methods as in GET,HEAD");
      retry.methods.emplace_back(method);
    }
    return Done{};
  }
  retry.on_connect = retry.on_stale = retry.on_timeout = false;
  for (const std::string_view cause : split_list(value))
    if (Status status = set_retry_cause(retry, cause); !status) return status;
  return Done{};
}

}  // namespace

Result<RetryPolicy> parse_retry(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  RetryPolicy retry;
  if (const Status attempts = take(retry.attempts, parse_number(words->head, 0, 10)); !attempts)
    return attempts.error();
  const Status status = set_options(
      words->options, {"on", "methods", "budget"},
      [&](std::string_view name, std::string_view value) { return set_retry_option(retry, name, value); });
  if (!status) return status.error();
  return retry;
}

Result<Eject> parse_eject(std::string_view text) {
  if (text == "off") return Eject{};
  const Result<Words> words = parse_words(text, Head::none);
  if (!words) return words.error();
  Eject eject;
  const auto set = [&](std::string_view name, std::string_view value) {
    if (name == "errors") return take(eject.errors, parse_number(value, 1, 1000));
    if (name == "slow") return take(eject.slow, parse_number(value, 2, 100));
    if (name == "max") return take(eject.max_percent, parse_percent(value));
    return take(name == "time" ? eject.time : eject.interval,
                parse_span(value, 100ms, name == "time" ? 24h : 1h, false));
  };
  if (const Status status = set_options(words->options, {"errors", "slow", "interval", "time", "max"}, set); !status)
    return status.error();
  if (eject.errors == 0 && eject.slow == 0)
    return invalid("errors= or slow= is missing, as in errors=5 interval=10s time=30s max=50%; or write off");
  return eject;
}

Result<Queue> parse_queue(std::string_view text) {
  const std::vector<std::string_view> parts = split_list(text);
  if (parts.size() != 2) return invalid(std::string(text) + ": write a number and a duration, as in 1024,5s");
  Queue queue;
  if (const Status status = take(queue.length, parse_number(parts[0], 0, 1'000'000)); !status) return status.error();
  if (const Status status = take(queue.wait, parse_span(parts[1], 1ms, 10min, true)); !status) return status.error();
  return queue;
}

Result<Failover> parse_failover(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  Failover failover{.datacenter = words->head};
  const auto set = [&](std::string_view name, std::string_view value) {
    return take(name == "after" ? failover.after : failover.back_after, parse_span(value, 1s, 24h, true));
  };
  if (const Status status = set_options(words->options, {"after", "back_after"}, set); !status) return status.error();
  return failover;
}

Result<Through> parse_through(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  Through through{.tunnel = std::string(words->head), .datacenter = {}};
  const auto set = [&](std::string_view, std::string_view value) -> Status {
    if (value.empty()) return invalid("datacenter= is empty");
    through.datacenter = value;
    return Done{};
  };
  if (const Status status = set_options(words->options, {"datacenter"}, set); !status) return status.error();
  return through;
}

namespace {

std::string_view content_type_of(std::string_view file) {
  struct Type {
    std::string_view suffix, type;
  };
  constexpr Type types[] = {{".json", "application/json"},
                            {".txt", "text/plain; charset=utf-8"},
                            {".xml", "application/xml"},
                            {".svg", "image/svg+xml"}};
  for (const Type& type : types)
    if (file.ends_with(type.suffix)) return type.type;
  return "text/html; charset=utf-8";
}

}  // namespace

Result<std::vector<Page>> parse_pages(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  const std::size_t colon = words->head.find(':');
  if (colon == std::string::npos || colon + 1 == words->head.size())
    return invalid(words->head + ": write STATUS:FILE, as in 5xx:pages/sorry.html");
  const Result<std::vector<StatusRange>> ranges = parse_status_ranges(std::string_view(words->head).substr(0, colon));
  if (!ranges) return ranges.error();
  Page page{.file = words->head.substr(colon + 1)};
  page.content_type = content_type_of(page.file);
  const auto set = [&](std::string_view, std::string_view value) {
    return take(page.retry_after, parse_span(value, 1s, 24h, false));
  };
  if (const Status status = set_options(words->options, {"retry_after"}, set); !status) return status.error();
  std::vector<Page> pages;
  for (const StatusRange& range : *ranges) {
    if (range.first < 400) return invalid(words->head + ": a page is for statuses from 400 to 599");
    page.status = range;
    pages.push_back(page);
  }
  return pages;
}

Result<Redirect> parse_redirect(std::string_view text) {
  const std::size_t comma = text.find(',');
  const Result<unsigned> code = parse_number(text.substr(0, comma), 301, 308);
  if (comma == std::string_view::npos || !code || (*code > 303 && *code < 307))
    return invalid(std::string(text) +
                   ": write CODE,URL with code 301, 302, 303, 307 or 308, as in 301,https://www.example$path");
  const std::string_view url = text.substr(comma + 1);
  constexpr std::string_view beginnings[] = {"http://", "https://", "$scheme://", "/"};
  if (std::ranges::none_of(beginnings, [&](std::string_view each) { return url.starts_with(each); }))
    return invalid(std::string(url) + ": write https://…, http://… or /path");
  for (const char c : url)
    if (c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\')
      return invalid(std::string(url) + ": write the URL with its special characters as %XX");
  for (std::size_t at = url.find('$'); at != std::string_view::npos; at = url.find('$', at + 1)) {
    const std::string_view rest = url.substr(at + 1);
    constexpr std::string_view known[] = {"scheme", "host", "path", "query"};
    if (std::ranges::none_of(known, [&](std::string_view each) { return rest.starts_with(each); }))
      return invalid(std::string(url) + ": only $scheme, $host, $path and $query are known");
  }
  return Redirect{static_cast<int>(*code), std::string(url)};
}

Result<Methods> parse_methods(std::string_view text) {
  Methods methods;
  for (const std::string_view name : split_list(text)) {
    if (!is_token(name)) return invalid(std::string(text) + ": write methods as in GET,HEAD");
    methods.names.emplace_back(name);
    methods.text += (methods.text.empty() ? "" : ", ") + std::string(name);
  }
  if (methods.names.size() > 64 || methods.text.size() > 1024)
    return invalid("more methods than 64, or 1 KiB of them");
  return methods;
}

Result<Maintenance> parse_maintenance(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  Maintenance out;
  if (const Status on = take(out.on, parse_bool(words->head)); !on) return on.error();
  const auto set = [&](std::string_view name, std::string_view value) {
    return name == "allow" ? take(out.allow, parse_networks(value))
                           : take(out.retry_after, parse_span(value, 1s, 24h, false));
  };
  if (const Status status = set_options(words->options, {"allow", "retry_after"}, set); !status)
    return status.error();
  return out;
}

namespace {

// "5%", "0.25%": of 10000.
std::optional<unsigned> share_of(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t point = text.find('.');
  const Result<unsigned> whole = parse_number(text.substr(0, point), 0, 100);
  if (!whole) return std::nullopt;
  std::string decimals(point == std::string_view::npos ? "" : text.substr(point + 1));
  if (decimals.size() > 2 || (point != std::string_view::npos && decimals.empty())) return std::nullopt;
  decimals.resize(2, '0');
  const Result<unsigned> part = parse_number(decimals, 0, 99);
  if (!part || *whole * 100 + *part > 10000) return std::nullopt;
  return *whole * 100 + *part;
}

Result<Share> parse_share(std::string_view text, bool may_stick) {
  if (text == "none") return Share{};
  std::vector<std::string_view> words;
  for (const std::string_view word : split_list(text, ' '))
    if (!word.empty()) words.push_back(word);
  const bool sticky = words.size() == 3 && may_stick && words[2] == "sticky";
  const std::optional<unsigned> share = words.size() < 2 ? std::nullopt : share_of(words[1]);
  if (!share || (words.size() != 2 && !sticky))
    return invalid(std::string(text) + ": write SERVICE and a share, as in web-next 5%" +
                   (may_stick ? " or web-next 5% sticky" : ""));
  return Share{std::string(words[0]), *share, sticky};
}

}  // namespace

Result<Share> parse_canary(std::string_view text) { return parse_share(text, true); }
Result<Share> parse_mirror(std::string_view text) { return parse_share(text, false); }

Result<HashOn> parse_hash_on(std::string_view text) {
  if (text == "client") return HashOn{HashOn::Kind::client, ""};
  if (text == "path") return HashOn{HashOn::Kind::path, ""};
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view name = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if ((kind == "header" || kind == "cookie") && is_token(name))
    return HashOn{kind == "header" ? HashOn::Kind::header : HashOn::Kind::cookie, std::string(name)};
  return invalid(std::string(text) + ": write client, path, header:NAME or cookie:NAME");
}

Result<std::string> parse_sticky(std::string_view text) {
  if (text == "none") return std::string();
  if (text == "cookie") return std::string(default_sticky_cookie);
  if (text.starts_with("cookie:") && is_token(text.substr(7))) return std::string(text.substr(7));
  return invalid(std::string(text) + ": write cookie, cookie:NAME or none");
}

Result<std::vector<IpPrefix>> parse_networks(std::string_view text) {
  std::vector<IpPrefix> networks;
  for (const std::string_view part : split_list(text)) {
    const std::optional<IpPrefix> network = IpPrefix::parse(part);
    if (!network)
      return invalid(std::string(part) + ": not a network; write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32");
    networks.push_back(*network);
  }
  return networks;
}

Result<std::string> parse_host_sent(std::string_view text) {
  const std::size_t colon = text.starts_with('[') ? text.find("]:") : text.find(':');
  const std::size_t end = colon == std::string_view::npos || !text.starts_with('[') ? colon : colon + 1;
  const Result<std::string> host = parse_route_host(text.substr(0, end));
  if (!host) return host.error();
  if (host->starts_with('*')) return invalid(std::string(text) + ": write one name, without a star");
  if (end == std::string_view::npos) return *host;
  const Result<unsigned> port = parse_number(text.substr(end + 1), 1, 65535);
  if (!port) return port.error();
  return *host + ":" + std::to_string(*port);
}

Result<std::string> parse_certificate_name(std::string_view text) {
  std::string_view name = text;
  const bool plain = name.starts_with("file:") && name.size() > 5 && name[5] != '.' &&
                     std::all_of(name.begin() + 5, name.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              c == '-' || c == '_' || c == '.';
                     });
  if (!plain) return invalid(std::string(text) + ": write file:NAME, of letters, digits, dots, - and _");
  return std::string(name.substr(5));
}

Result<WebsocketSetting> parse_websocket(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  WebsocketSetting out;
  if (const Status allowed = take(out.allowed, parse_bool(words->head)); !allowed) return allowed.error();
  const auto set = [&](std::string_view, std::string_view value) {
    return take(out.idle_timeout.emplace(), parse_span(value, 1s, 7 * 24h, true));
  };
  if (const Status status = set_options(words->options, {"idle_timeout"}, set); !status) return status.error();
  return out;
}

}  // namespace gatehouse::conf
