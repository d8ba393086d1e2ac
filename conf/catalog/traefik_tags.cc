#include "conf/catalog/traefik_tags.h"

#include <algorithm>

#include "conf/catalog/traefik_entry_points.h"
#include "conf/catalog/traefik_match.h"
#include "conf/catalog/traefik_middlewares.h"
#include "conf/catalog/traefik_rule.h"
#include "conf/catalog/traefik_service.h"
#include "conf/catalog/traefik_tree.h"
#include "conf/route_value.h"
#include "conf/service_keys.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

constexpr std::size_t routes_max = 256;  // of an instance

// A service's name as a label of a host: Traefik's `normalize`.
std::string normalized(std::string_view name) {
  std::string out;
  for (const char c : lower_case(name)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain || (!out.empty() && out.back() != '-')) out += plain ? c : '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

bool is_below(const std::string& path, const std::string& prefix) {
  return path == prefix || path.starts_with(prefix + "/");
}

std::string networks_text(const std::vector<IpPrefix>& networks) {
  std::string out;
  for (const IpPrefix& network : networks) out += (out.empty() ? "" : ",") + network.text();
  return out;
}

class Reader {
 public:
  Reader(const conf::Instance& instance, const SpellingContext& context)
      : instance_(instance), context_(context), tree_(instance.tags) {
    out_.layer.spelling = "traefik";
  }

  ForeignTags run() {
    if (tree_.empty()) return std::move(out_);
    TraefikTag* enable = tree_.take("enable");
    const std::set<std::string> routers = tree_.names("http.routers.");
    const bool streams = tree_.has("tcp") || tree_.has("udp");
    if (enable != nullptr && !traefik_bool(enable->value)) {
      for (TraefikTag* tag : tree_.below("")) tag->read = true;
      out_.verdicts = tree_.finish();
      return std::move(out_);
    }
    if (!routers.empty()) {
      for (const std::string& router : routers) read_router(router);
    } else if (enable != nullptr && !streams) {
      read_default_router(*enable);
    }
    if (!service_.empty()) read_traefik_service(tree_, service_, instance_, out_);
    for (const char* stream : {"tcp", "udp"}) tree_.refuse(stream, "is not mapped: write gatehouse.tcp=ADDRESS:PORT");
    tree_.lose("consulcatalog", "is not mapped: neither a mesh nor a service of its own");
    out_.verdicts = tree_.finish();
    return std::move(out_);
  }

 private:
  struct Router {
    std::string name, path;  // "http.routers.NAME."
    TraefikPolicy policy;
    EntryPlaces entry;
    TraefikTag* rule = nullptr;
    std::string refused;   // why it isn't served
    std::string unserved;  // why it has nothing to serve, and can only redirect
    void refuse(TraefikTag* tag, const std::string& why) {
      if (tag != nullptr) tag->verdict.is_unmapped(why + ": its router is refused", conf::Severity::error);
      if (refused.empty()) refused = why;
    }
  };

  void read_router(const std::string& name) {
    Router router{.name = name, .path = "http.routers." + name + "."};
    router.rule = tree_.take(router.path + "rule");
    if (TraefikTag* middlewares = tree_.take(router.path + "middlewares")) {
      router.policy = traefik_policy(tree_, router.path + "middlewares");
      router.refused = router.policy.refused;
      if (!router.refused.empty()) middlewares->verdict.is_unmapped(router.refused, std::nullopt);
    }
    read_tls(router);
    read_entry_points(router);
    read_service(router);
    tree_.differ(router.path + "observability", "logs and metrics are the door's");
    tree_.differ(router.path + "rulesyntax", "both grammars are read");
    tree_.differ(router.path + "priority", "routes are chosen by host, then by the longest path");
    if (router.rule == nullptr) {
      for (TraefikTag* tag : tree_.below(router.path))
        tag->verdict.is_unmapped("the router has no rule: left out", conf::Severity::error);
      return;
    }
    say_routes(router);
  }

  void read_tls(Router& router) {
    tree_.take(router.path + "tls");
    for (const char* part : {"tls.certresolver", "tls.domains"})
      tree_.differ(router.path + part, "the certificate is the one of `certificates` that covers the host");
    TraefikTag* options = tree_.take(router.path + "tls.options");
    if (options != nullptr && traefik_name(options->value) != "default")
      router.refuse(options, "tls.options are not carried, which may ask for client certificates");
  }

  bool has_tls(const Router& router) {
    const TraefikTag* tls = tree_.take(router.path + "tls");
    return tls != nullptr ? traefik_bool(tls->value) : tree_.has(router.path + "tls");
  }

  void read_entry_points(Router& router) {
    TraefikTag* tag = tree_.take(router.path + "entrypoints");
    const bool tls = has_tls(router);
    const std::vector<std::string> names = tag == nullptr ? std::vector<std::string>{} : traefik_list(tag->value);
    router.entry = entry_places(names, tls, context_.listen);
    if (!router.entry.unknown.empty()) {
      router.refuse(tag, "no listener is called " + router.entry.unknown);
      router.entry.places = {{}};
    }
    TraefikTag* told = tag != nullptr ? tag : tree_.take(router.path + "tls");
    for (const EntryPlace& place : router.entry.places)
      if (told != nullptr && place.http == "redirect") told->verdict.differs("plain requests are sent to https");
  }

  // The loadbalancer whose keys are the service's: an instance is one endpoint, so it has one.
  void read_service(Router& router) {
    TraefikTag* tag = tree_.take(router.path + "service");
    const std::set<std::string> known = tree_.names("http.services.");
    std::string name = tag == nullptr ? "" : traefik_name(tag->value);
    if (tag != nullptr && !known.contains(name) && name != normalized(instance_.service)) {
      router.unserved = tag->value + " is not a service of the instance's own tags";
      return tag->verdict.differs("not a service of the instance's own tags, so that the router can only redirect");
    }
    if (tag == nullptr && known.size() > 1)
      return router.refuse(router.rule, "several services are defined: write which one in the router's `service`");
    if (tag == nullptr && known.size() == 1) name = *known.begin();
    if (!known.contains(name)) return;
    if (!service_.empty() && service_ != name)
      return router.refuse(tag, "an instance is one endpoint, and another router leads to its service " + service_);
    service_ = name;
  }

  void read_default_router(TraefikTag& enable) {
    const std::set<std::string> known = tree_.names("http.services.");
    if (known.size() == 1) service_ = *known.begin();
    const std::string name = normalized(instance_.service);
    const std::string route = name + "/";
    if (name.empty() || conf::check_setting("route", route, conf::Trust::tags))
      return enable.verdict.is_unmapped("there is no router, and the service's name is no host",
                                        conf::Severity::error);
    enable.verdict.differs("there is no router, so the rule is Host(`" + name + "`)");
    say(out_, enable.verdict, "route", {route, instance_.at});
  }

  void say_routes(Router& router) {
    const Result<std::vector<RuleAlternative>> alternatives = parse_traefik_rule(router.rule->value);
    if (!alternatives)
      return router.rule->verdict.is_unmapped(alternatives.error().what + ": left out", conf::Severity::error);
    bool any = false;
    for (const RuleAlternative& alternative : *alternatives) {
      const TraefikMatch match = traefik_match(alternative);
      for (const std::string& how : match.differs) router.rule->verdict.differs(how);
      if (match.never) continue;
      any = true;
      if (!match.failure.empty())
        router.rule->verdict.is_unmapped(match.failure + ": left out", conf::Severity::error);
      else
        for (const EntryPlace& place : router.entry.places) say_route(router, match, place);
    }
    if (!any) router.rule->verdict.is_unmapped("no request is like that", conf::Severity::warning);
  }

  void say_route(Router& router, const TraefikMatch& match, const EntryPlace& place) {
    if (++routes_ > routes_max)
      return router.rule->verdict.is_unmapped("more than 256 routes: left out", conf::Severity::error);
    std::string route = match.host;
    if (place.port != 0) route += ":" + std::to_string(place.port);
    route = conf::quoted_word(route + match.path);
    for (const std::string& condition : match.conditions) route += " " + conf::quoted_word(condition);
    if (const Result<conf::RouteSetting> read = conf::parse_route(route); !read)
      return router.rule->verdict.is_unmapped(read.error().what + ": left out", conf::Severity::error);
    const bool redirects = (router.policy.redirect && router.policy.redirect->host == match.host) ||
                           (router.policy.to_https && place.port != 0 && !place.http.empty());
    std::string refused = !router.refused.empty() || redirects ? router.refused : router.unserved;
    const std::string bare = route;
    for (const std::string& option : options_of(router, match, place, refused))
      route += " " + conf::quoted_word(option);
    if (const auto wrong = conf::check_setting("route", route, conf::Trust::tags)) refused = *wrong;
    if (!refused.empty()) {
      route = bare;
      const bool is_told = refused == router.refused;
      router.rule->verdict.is_unmapped(refused + ": its router is refused",
                                       is_told ? std::nullopt : std::optional(conf::Severity::error));
    }
    say(out_, router.rule->verdict, "route", {route, instance_.at, refused});
  }

  static std::vector<std::string> options_of(const Router& router, const TraefikMatch& match, const EntryPlace& place,
                                             std::string& refused) {
    const TraefikPolicy& policy = router.policy;
    std::vector<std::string> options;
    if (const auto prefix = strip_of(policy, match.path); prefix)
      options.push_back("strip=" + *prefix);
    else if (!policy.strip.empty() && refused.empty())
      refused = "several prefixes to strip, and none of them is the rule's";
    options.insert(options.end(), policy.options.begin(), policy.options.end());
    std::optional<std::vector<IpPrefix>> allow = policy.allow;
    if (match.allow) allow = allow ? common_networks(*allow, *match.allow) : *match.allow;
    if (allow && allow->empty()) refused = "its allow lists have nobody in common";
    if (allow && !allow->empty()) options.push_back("allow=" + networks_text(*allow));
    if (!match.deny.empty()) options.push_back("deny=" + networks_text(match.deny));
    if (policy.redirect && policy.redirect->host == match.host)
      options.push_back("redirect=" + policy.redirect->value);
    if (policy.to_https || !place.http.empty())
      options.push_back("http=" + (policy.to_https ? "redirect" : place.http));
    return options;
  }

  static std::optional<std::string> strip_of(const TraefikPolicy& policy, const std::string& path) {
    for (const std::string& prefix : policy.strip)
      if (is_below(path, prefix)) return prefix;
    if (policy.strip.size() == 1) return policy.strip[0];
    return std::nullopt;
  }

  const conf::Instance& instance_;
  const SpellingContext& context_;
  TraefikTree tree_;
  ForeignTags out_;
  std::string service_;  // the loadbalancer that the routers lead to
  std::size_t routes_ = 0;
};

}  // namespace

ForeignTags traefik_tags(const conf::Instance& instance, const SpellingContext& context) {
  return Reader(instance, context).run();
}

}  // namespace gatehouse::catalog
