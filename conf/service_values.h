// service_values.h: the text forms of the larger values of service keys: health, retry, eject, pages and the like.
//   Each reader takes a setting's text and gives the plain data of service.h, or what to write instead. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::conf {

struct HealthSetting {
  bool none = false;              // health=none: no check at all, the catalog's own neither
  bool follows_protocol = false;  // a bare /path or grpc: TLS as the service's protocol says
  HealthCheck check;
};

Result<HealthSetting> parse_health(std::string_view text);  // "http:8080/up status=2xx interval=5s", "/up", "tcp", …
Result<RetryPolicy> parse_retry(std::string_view text);     // "1 on=connect,stale methods=GET budget=20%"
Result<Eject> parse_eject(std::string_view text);           // "errors=5 interval=10s time=30s max=50%", "off"
Result<Queue> parse_queue(std::string_view text);           // "1024,5s"
Result<Failover> parse_failover(std::string_view text);     // "dc2 after=30s back_after=5m"
Result<Through> parse_through(std::string_view text);       // "shop datacenter=dc2"
Result<std::vector<Page>> parse_pages(
    std::string_view text);                              // "5xx:sorry.html retry_after=60s", "502,503:down.html"
Result<Redirect> parse_redirect(std::string_view text);  // "301,https://www.example$path"
Result<Maintenance> parse_maintenance(std::string_view text);  // "true allow=10.0.0.0/8 retry_after=60s"
Result<Share> parse_canary(std::string_view text);             // "web-next 5% sticky"
Result<Share> parse_mirror(std::string_view text);             // "web-next 0.1%"
Result<Methods> parse_methods(std::string_view text);          // "GET,HEAD"
Result<HashOn> parse_hash_on(std::string_view text);           // "client", "header:X", "cookie:X", "path"
Result<std::string> parse_sticky(std::string_view text);       // "cookie", "cookie:NAME", "none": the cookie's name
Result<std::vector<IpPrefix>> parse_networks(std::string_view text);          // "10.0.0.0/8,2001:db8::/32"
Result<std::vector<StatusRange>> parse_status_ranges(std::string_view text);  // "200", "2xx", "500-504", "502,503"
Result<std::string> parse_host_sent(std::string_view text);                   // the Host field: "name", "name:8080"
Result<std::string> parse_certificate_name(std::string_view text);            // "file:NAME": the NAME

struct WebsocketSetting {
  bool allowed = true;
  std::optional<Millis> idle_timeout;
};
Result<WebsocketSetting> parse_websocket(std::string_view text);  // "true idle_timeout=2h", "false"

// A duration within bounds; off: whether "off" and "0" (both zero) are fine.
Result<Millis> parse_span(std::string_view text, Millis least, Millis most, bool off);

constexpr std::string_view default_sticky_cookie = "gatehouse";
constexpr std::string_view health_check_id = "gatehouse:health";

}  // namespace gatehouse::conf
