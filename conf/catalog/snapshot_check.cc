#include "conf/catalog/snapshot_check.h"

#include "net/ip.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;
using conf::HealthCheck;

constexpr Millis long_enough = 87'600h;  // of a state that nothing changes

std::string duration(Millis time) { return std::to_string(time.count()) + "ms"; }

std::string authority(const HealthCheck& check) {
  const bool bracketed = check.host.find(':') != std::string::npos;
  return (bracketed ? "[" + check.host + "]" : check.host) + ":" + std::to_string(check.port);
}

void say_http(const HealthCheck& check, json::object& out) {
  out["http"] = (check.tls ? "https://" : "http://") + authority(check) + check.path;
  out["method"] = check.method;
  if (!check.body.empty()) out["body"] = check.body;
  if (!check.follow_redirects) out["disable_redirects"] = true;
  json::object headers;
  for (const auto& [name, value] : check.headers) {
    json::value& values = headers[name];
    if (!values.is_array()) values = json::array();
    values.get_array().emplace_back(value);
  }
  out["header"] = std::move(headers);
}

}  // namespace

json::object check_definition(const HealthCheck& check) {
  json::object out{{"id", check.id}, {"name", check.name}, {"status", check.initial}};
  if (check.kind == HealthCheck::Kind::ttl) {
    out["ttl"] = duration(check.ttl.count() > 0 ? check.ttl : long_enough);
    return out;
  }
  switch (check.kind) {
    case HealthCheck::Kind::http: say_http(check, out); break;
    case HealthCheck::Kind::grpc:
      out["grpc"] = authority(check) + (check.path.empty() ? "" : "/" + check.path);
      out["grpc_use_tls"] = check.tls;
      break;
    case HealthCheck::Kind::h2ping:
      out["h2ping"] = authority(check);
      out["h2ping_use_tls"] = check.tls;
      break;
    default: out["tcp"] = authority(check); break;
  }
  out["interval"] = duration(check.interval);
  out["timeout"] = duration(check.timeout);
  out["success_before_passing"] = check.rise;
  out["failures_before_critical"] = check.fall;
  if (check.fall_warning != 0) out["failures_before_warning"] = check.fall_warning;
  if (!check.tls_verify) out["tls_skip_verify"] = true;
  if (!check.tls_server_name.empty()) out["tls_server_name"] = check.tls_server_name;
  return out;
}

}  // namespace gatehouse::catalog
