#include "cli/metrics_page.h"

#include <algorithm>

#include "cli/json.h"
#include "cli/status.h"
#include "cli/status_page.h"
#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"

namespace gatehouse::cli {
namespace {

bool is_address(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return IpAddress::parse(host).has_value();
}

// A probe of HTTP/1.0 without Host is no browser.
bool is_believed(std::string_view host, const std::vector<std::string>& hosts) {
  if (host.empty()) return true;
  const std::optional<http::Authority> authority = http::parse_authority(host);
  if (!authority) return false;
  if (is_address(authority->host) || http::equals_caseless(authority->host, "localhost")) return true;
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const std::string& known) { return http::equal_caseless(authority->host, known); });
}

HttpReply text_reply(int status, std::string body) { return {status, "text/plain; charset=utf-8", std::move(body)}; }

bool is_browser(const HttpRequest& request) {
  for (const auto& [name, value] : request.fields)
    if (http::equals_caseless(name, "accept") && value.find("text/html") != std::string::npos) return true;
  return false;
}

HttpReply index(const DoorView& view, const HttpRequest& request) {
  if (is_browser(request)) return {200, "text/html; charset=utf-8", std::string(status_page())};
  return text_reply(200, "gatehouse " GATEHOUSE_VERSION " on " + view.config.node.name +
                             "\n\n"
                             "/                      the status page, to a browser\n"
                             "/status.json           what it shows\n"
                             "/metrics               for Prometheus\n"
                             "/metrics?endpoints=1   with series of each endpoint\n"
                             "/healthz               200 while the program lives\n"
                             "/readyz                200 while it should get traffic, else 503 and why\n");
}

HttpReply metrics(const DoorView& view, const HttpRequest& request) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(view, request.query_or("endpoints") == "1")};
}

HttpReply status(const DoorView& view, const HttpRequest&) {
  return {200, json_type, json::serialize(status_page_json(view)) + "\n"};
}

HttpReply health(const DoorView&, const HttpRequest&) { return text_reply(200, "alive\n"); }

HttpReply readiness(const DoorView& view, const HttpRequest&) {
  const std::string reason = unready_reason(view);
  return reason.empty() ? text_reply(200, ready_words(view) + "\n") : text_reply(503, reason + "\n");
}

struct Page {
  std::string_view path;
  HttpReply (*answer)(const DoorView&, const HttpRequest&);
};

constexpr Page pages[] = {
    {"/", index}, {"/status.json", status}, {"/metrics", metrics}, {"/healthz", health}, {"/readyz", readiness}};

}  // namespace

HttpReply answer_metrics(const DoorView& view, const HttpRequest& request) {
  if (!is_in(view.config.metrics.allow, request.peer))
    return text_reply(403, request.peer.text() + " is not in metrics.allow\n");
  if (!is_believed(request.host, view.config.metrics.hosts))
    return text_reply(421, "this Host is not an address, not localhost and not in metrics.hosts\n");
  if (request.method != "GET" && request.method != "HEAD") {
    HttpReply reply = text_reply(405, "read-only: changes go over the admin socket\n");
    reply.allow = "GET, HEAD";
    return reply;
  }
  for (const Page& page : pages)
    if (page.path == request.path) return page.answer(view, request);
  return text_reply(404, "there are /metrics, /healthz, /readyz, /status.json and /\n");
}

HttpReply answer_metrics(const Door& door, const HttpRequest& request) {
  return answer_metrics(view_of(door), request);
}

}  // namespace gatehouse::cli
