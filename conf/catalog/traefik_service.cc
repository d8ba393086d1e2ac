#include "conf/catalog/traefik_service.h"

#include <algorithm>

#include "conf/catalog/go_duration.h"
#include "conf/service_keys.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

// "30", in seconds, or "1m30s".
std::optional<std::string> duration(const std::string& text) {
  constexpr unsigned most = 7 * 86400;
  if (const Result<unsigned> seconds = conf::parse_number(text, 0, most)) return std::to_string(*seconds) + "s";
  const auto time = parse_go_duration(text);
  if (!time || *time < Millis(1) || *time > std::chrono::seconds(most)) return std::nullopt;
  return conf::duration_text(std::chrono::duration_cast<Millis>(*time));
}

class ServiceReader {
 public:
  ServiceReader(TraefikTree& tree, const std::string& name, const conf::Instance& instance, ForeignTags& out)
      : tree_(tree), path_("http.services." + name + ".loadbalancer."), instance_(instance), out_(out) {}

  void run() {
    server();
    balance();
    sticky();
    health();
    passive_health();
    if (TraefikTag* tag = take("passhostheader"); tag != nullptr && !traefik_bool(tag->value))
      tag->verdict.loses("is not mapped: the client's Host is passed on");
    tree_.differ(path_ + "responseforwarding", "what comes is passed on at once");
    tree_.lose(path_ + "serverstransport",
               "is not mapped: https verifies by the system's authorities, or the tls_* keys");
  }

 private:
  TraefikTag* take(const std::string& key) { return tree_.take(path_ + key); }

  // Says a key if its grammar takes the value.
  bool say_key(TraefikTag& tag, const std::string& key, const std::string& value) {
    if (const auto wrong = conf::check_setting(key, value, conf::Trust::tags)) {
      tag.verdict.is_unmapped(*wrong, conf::Severity::warning);
      return false;
    }
    say(out_, tag.verdict, key, {value, instance_.at});
    return true;
  }

  void server() {
    if (TraefikTag* tag = take("server.port")) {
      const Result<unsigned> port = conf::parse_number(tag->value, 1, 65535);
      if (port)
        out_.port = static_cast<std::uint16_t>(*port);
      else
        tag->verdict.is_unmapped(port.error().what, conf::Severity::warning);
    }
    if (TraefikTag* tag = take("server.scheme")) say_key(*tag, "protocol", lower_case(tag->value));
    if (TraefikTag* tag = take("server.weight")) say_key(*tag, "weight", tag->value);
    tree_.lose(path_ + "server.url", "is not mapped: the address is the catalog's");
    tree_.differ(path_ + "server.preservepath", "the path is kept");
  }

  void balance() {
    constexpr std::pair<std::string_view, const char*> strategies[] = {
        {"wrr", "round_robin"}, {"p2c", "least_request"}, {"hrw", "maglev"}, {"leasttime", "peak_ewma"}};
    TraefikTag* tag = take("strategy");
    if (tag == nullptr) return;
    const auto known = std::find_if(std::begin(strategies), std::end(strategies),
                                    [&](const auto& row) { return row.first == lower_case(tag->value); });
    if (known == std::end(strategies))
      return tag->verdict.is_unmapped(tag->value + " is not known", conf::Severity::warning);
    say_key(*tag, "balance", known->second);
  }

  void sticky() {
    TraefikTag* whole = take("sticky");
    TraefikTag* cookie = take("sticky.cookie");
    TraefikTag* name = take("sticky.cookie.name");
    const bool off =
        (whole != nullptr && !traefik_bool(whole->value)) || (cookie != nullptr && !traefik_bool(cookie->value));
    if (name != nullptr)
      say_key(*name, "sticky", "cookie:" + name->value);
    else if (TraefikTag* tag = cookie != nullptr ? cookie : whole; tag != nullptr && !off)
      say_key(*tag, "sticky", "cookie");
    else if (tree_.has(path_ + "sticky.cookie") && !off)
      say_key(*tree_.below(path_ + "sticky.cookie")[0], "sticky", "cookie");
    for (TraefikTag* tag : tree_.below(path_ + "sticky.cookie."))
      if (tag != name)
        tag->read = true, tag->verdict.differs("the cookie is of path /, HttpOnly, SameSite=Lax, Secure on TLS");
  }

  void health() {
    const std::string prefix = path_ + "healthcheck.";
    TraefikTag* path = tree_.take(prefix + "path");
    TraefikTag* mode = tree_.take(prefix + "mode");
    const bool grpc = mode != nullptr && lower_case(mode->value) == "grpc";
    if (path == nullptr && !grpc)
      return tree_.lose(path_ + "healthcheck", "is not mapped: healthcheck.path is missing");
    std::string text = grpc ? "grpc" : health_target(path->value);
    const std::string status = tree_.value(prefix + "status");
    if (!grpc) text += " status=" + (status.empty() || status == "0" ? "200-399" : status);
    for (const char* time : {"interval", "timeout"}) {
      TraefikTag* tag = tree_.take(prefix + time);
      if (tag == nullptr) continue;
      if (const auto value = duration(tag->value))
        text += std::string(" ") + time + "=" + *value;
      else
        tag->verdict.is_unmapped(tag->value + " is not a duration", conf::Severity::warning);
    }
    TraefikTag& first = *(grpc ? mode : path);
    if (say_key(first, "health", text)) first.verdict.differs("an endpoint turns after several results in a row");
    tree_.differ(prefix + "unhealthyinterval", "each second while it changes");
    for (const char* lost : {"hostname", "method", "headers"})
      tree_.lose(prefix + lost, "is not mapped: GET to the address");
    tree_.differ(prefix + "followredirects", "a redirect is an answer");
  }

  std::string health_target(const std::string& path) {
    const std::string scheme = lower_case(tree_.value(path_ + "healthcheck.scheme"));
    const std::string port = tree_.value(path_ + "healthcheck.port");
    std::string target = path.starts_with('/') ? path : "/" + path;
    if (!scheme.empty() || !port.empty()) target = (scheme.empty() ? "http" : scheme) + ":" + port + target;
    return conf::quoted_word(target);
  }

  void passive_health() {
    const std::string prefix = path_ + "passivehealthcheck.";
    if (!tree_.has(path_ + "passivehealthcheck")) return;
    TraefikTag* attempts = tree_.take(prefix + "maxfailedattempts");
    TraefikTag* window = tree_.take(prefix + "failurewindow");
    const std::string interval = window == nullptr ? "10s" : duration(window->value).value_or(window->value);
    const std::string text = "errors=" + (attempts == nullptr ? "1" : attempts->value) + " interval=" + interval;
    TraefikTag* tag = attempts != nullptr ? attempts : window;
    if (tag == nullptr) return;
    if (say_key(*tag, "eject", text)) tag->verdict.differs("never more than half of the endpoints");
  }

  TraefikTree& tree_;
  const std::string path_;
  const conf::Instance& instance_;
  ForeignTags& out_;
};

}  // namespace

void read_traefik_service(TraefikTree& tree, const std::string& name, const conf::Instance& instance,
                          ForeignTags& out) {
  ServiceReader(tree, name, instance, out).run();
}

}  // namespace gatehouse::catalog
