#include "conf/catalog/check_definition.h"

#include <algorithm>
#include <chrono>

#include "conf/catalog/check_target.h"
#include "conf/catalog/go_duration.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

using conf::HealthCheck;
using std::chrono::nanoseconds;

constexpr Millis interval_min = 1s, timeout_default = 10s;

JsonPath below(const JsonPath& path, std::string_view name) {
  JsonPath out = path;
  out.emplace_back(name);
  return out;
}

struct Times {
  nanoseconds interval{0}, timeout{0}, ttl{0};
  bool readable = true;
};

Times read_times(const Definition& said, const JsonPath& path, FileReport& report) {
  Times times;
  nanoseconds deregister{0};  // an instance that is critical for long is not forgotten here, it is just not used
  const std::pair<std::string_view, nanoseconds*> known[] = {{"interval", &times.interval},
                                                             {"timeout", &times.timeout},
                                                             {"ttl", &times.ttl},
                                                             {"deregister_critical_service_after", &deregister}};
  for (const auto& [name, time] : known) {
    if (!said.says(name)) continue;
    const std::string text = said.text(name);
    const auto value = parse_go_duration(text);
    if (!value) {
      report.error(below(path, name), '"' + text + "\": not a duration; write it as in \"500ms\", \"2s\", \"1m30s\"");
      times.readable = false;
    }
    *time = value.value_or(nanoseconds(0));
  }
  return times;
}

// Consul's CheckType.Validate, rule by rule. nullptr: fine.
const char* what_is_wrong(const Definition& said, const Times& times) {
  const bool probes = !said.texts("args").empty() || !said.text("http").empty() || !said.text("tcp").empty() ||
                      !said.text("grpc").empty() || !said.text("h2ping").empty();
  const bool alias = !said.text("alias_node").empty() || !said.text("alias_service").empty();
  const std::int64_t critical = said.number("failures_before_critical").value_or(0);
  if (times.interval.count() > 0 && times.ttl.count() > 0) return "interval and ttl exclude each other; keep one";
  if (probes && times.interval.count() <= 0) return "interval is missing or not above 0; write it as in \"5s\"";
  if (probes && alias) return "an alias is not also a check of its own; keep one";
  if (alias && times.ttl.count() > 0) return "an alias has no ttl";
  if (!probes && !alias && times.ttl.count() <= 0)
    return "says neither http, tcp, grpc, h2ping, ttl nor an alias; write one of them";
  if (said.number("output_max_size").value_or(0) < 0) return "output_max_size is below 0";
  if (said.number("failures_before_warning").value_or(critical) > critical)
    return "failures_before_warning is above failures_before_critical";
  return nullptr;
}

unsigned threshold(std::optional<std::int64_t> said) {
  return static_cast<unsigned>(std::clamp<std::int64_t>(said.value_or(0), 1, 1000));
}

Millis in_millis(nanoseconds time) {
  return std::clamp(std::chrono::ceil<Millis>(time), Millis(1), Millis(10 * 365 * 24h));
}

// What Consul would run and find failing for ever: a state that nothing changes.
void never_passes(HealthCheck& check) {
  check.kind = HealthCheck::Kind::ttl;
  check.initial = "critical";
}

void set_headers(HealthCheck& check, const Definition& said, const JsonPath& path, FileReport& report) {
  const auto has = [&](std::string_view name) {
    return std::any_of(check.headers.begin(), check.headers.end(),
                       [&](const auto& header) { return same_key(header.first, name); });
  };
  if (const json::object* headers = said.map("header")) {
    for (const auto& [name, values] : *headers) {
      if (!values.is_array()) continue;  // null
      for (const json::value& value : values.get_array()) {
        std::string text = text_of(value);
        if (!conf::is_token(name) || !conf::check_plain(text)) {
          report.doubt(below(path, "header"),
                       std::string(name) + ": not a field that can be sent; the check never passes");
          return never_passes(check);
        }
        check.headers.emplace_back(name, std::move(text));
      }
    }
  }
  // What Consul's own checks send, and back ends may know them by.
  if (!has("User-Agent")) check.headers.emplace_back("User-Agent", "Consul Health Check");
  if (!has("Accept")) check.headers.emplace_back("Accept", "text/plain, text/*, */*");
}

void set_http(HealthCheck& check, const Definition& said, const JsonPath& path, FileReport& report) {
  check.kind = HealthCheck::Kind::http;
  check.warning_status = {429};
  check.follow_redirects = !said.flag("disable_redirects");
  check.body = said.text("body");
  if (std::string method = said.text("method"); !method.empty()) check.method = std::move(method);
  set_headers(check, said, path, report);
  if (check.kind != HealthCheck::Kind::http) return;
  const std::string url = said.text("http");
  if (!conf::is_token(check.method)) {
    report.doubt(below(path, "method"), check.method + ": not a method, as GET is; the check never passes");
    never_passes(check);
  } else if (!set_url(check, url)) {
    HealthCheck with_scheme;
    const std::string meant = set_url(with_scheme, "http://" + url) ? "http://" + url : "http://127.0.0.1:8000/up";
    report.doubt(below(path, "http"), url + ": write a URL, as in " + meant + "; the check never passes");
    never_passes(check);
  }
}

void set_address(HealthCheck& check, HealthCheck::Kind kind, std::string_view key, const Definition& said,
                 const JsonPath& path, FileReport& report) {
  check.kind = kind;
  check.path.clear();
  std::string target = said.text(key);
  if (const std::size_t slash = target.find('/'); kind == HealthCheck::Kind::grpc && slash != std::string::npos) {
    check.path = target.substr(slash + 1);
    target.resize(slash);
  }
  if (set_host_port(check, target)) return;
  report.doubt(below(path, key), target + ": write address:port, as in 127.0.0.1:8000; the check never passes");
  never_passes(check);
}

// One kind, in the order in which Consul looks for it.
void set_kind(CheckDefinition& out, const Definition& said, const Times& times, const JsonPath& path,
              FileReport& report) {
  HealthCheck& check = out.check;
  if (times.ttl.count() > 0) {
    check.kind = HealthCheck::Kind::ttl;
    check.ttl = in_millis(times.ttl);
  } else if (!said.text("http").empty()) {
    set_http(check, said, path, report);
  } else if (!said.text("tcp").empty()) {
    set_address(check, HealthCheck::Kind::tcp, "tcp", said, path, report);
  } else if (!said.text("grpc").empty()) {
    check.tls = said.flag("grpc_use_tls");
    set_address(check, HealthCheck::Kind::grpc, "grpc", said, path, report);
  } else if (!said.text("h2ping").empty()) {
    check.tls = said.flag("h2ping_use_tls", true);
    set_address(check, HealthCheck::Kind::h2ping, "h2ping", said, path, report);
  } else {
    out.alias_service = said.text("alias_service");
    out.alias_node = said.text("alias_node");
  }
}

void set_state(HealthCheck& check, const Definition& said, const JsonPath& path, FileReport& report) {
  const std::string status = said.text("status");
  if (status == "passing" || status == "warning" || status == "critical")
    check.initial = status;
  else if (!status.empty())
    report.warning(below(path, "status"), status + ": write passing, warning or critical; critical is taken");
}

bool runs_elsewhere_only(const Definition& said) {
  if (!said.says("udp") && !said.says("os_service")) return false;
  for (const std::string_view kind : {"http", "tcp", "grpc", "h2ping", "ttl", "alias_service", "alias_node"})
    if (!said.text(kind).empty()) return false;
  return true;
}

}  // namespace

std::optional<CheckDefinition> read_check(const Definition& said, const JsonPath& path, FileReport& report) {
  const Times times = read_times(said, path, report);
  if (!said.texts("args").empty()) {
    report.error(below(path, "args"),
                 "checks that run a program are not run here; write http, tcp, grpc, h2ping or ttl");
    return std::nullopt;
  }
  if (runs_elsewhere_only(said)) return std::nullopt;
  if (!times.readable) return std::nullopt;
  if (const char* wrong = what_is_wrong(said, times)) {
    report.error(path, wrong);
    return std::nullopt;
  }

  CheckDefinition out;
  HealthCheck& check = out.check;
  check.id = said.text("id");
  check.name = said.text("name");
  out.service_id = said.text("service_id");
  check.tls_verify = !said.flag("tls_skip_verify");
  check.tls_server_name = said.text("tls_server_name");
  check.rise = threshold(said.number("success_before_passing"));
  check.fall = threshold(said.number("failures_before_critical"));
  if (said.says("failures_before_warning")) check.fall_warning = threshold(said.number("failures_before_warning"));
  if (check.fall_warning == check.fall) check.fall_warning = 0;
  if (times.interval.count() > 0 && times.interval < interval_min)
    report.warning(below(path, "interval"), "below a second; a second is taken, as in Consul");
  if (times.interval.count() > 0) check.interval = std::max(interval_min, in_millis(times.interval));
  check.timeout = times.timeout.count() > 0 ? in_millis(times.timeout) : timeout_default;
  set_state(check, said, path, report);
  set_kind(out, said, times, path, report);
  return out;
}

}  // namespace gatehouse::catalog
