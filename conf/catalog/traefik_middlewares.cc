#include "conf/catalog/traefik_middlewares.h"

#include <algorithm>

#include "conf/catalog/traefik_match.h"
#include "conf/service_keys.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

constexpr std::size_t depth_max = 8, middlewares_max = 64;

// Fields that the door sets itself, whatever the client sent.
bool is_set_by_us(std::string_view field) {
  constexpr std::string_view ours[] = {"x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-for",
                                       "x-request-id"};
  return std::find(std::begin(ours), std::end(ours), field) != std::end(ours);
}

class Chain {
 public:
  explicit Chain(TraefikTree& tree) : tree_(tree) {}

  // by: the tag that names them.
  void add(const std::string& by, std::size_t depth) {
    const std::vector<std::string> middlewares = traefik_list(tree_.value(by));
    for (const std::string& text : middlewares) {
      if (depth > depth_max || ++count_ > middlewares_max) return refuse(by, "too many middlewares");
      const std::string name = traefik_name(text);
      const std::string path = "http.middlewares." + name;
      const std::set<std::string> kinds = name.empty() ? std::set<std::string>{} : tree_.names(path + ".");
      std::set<std::string> all = kinds;
      for (const char* switched_on : {"compress", "contenttype", "grpcweb"})
        if (!name.empty() && tree_.has(path + "." + switched_on)) all.insert(switched_on);
      if (all.empty()) return refuse(by, "the middleware " + text + " is not defined by the instance's own tags");
      for (const std::string& kind : all) read(path + "." + kind, kind, name, depth);
    }
  }

  TraefikPolicy policy;

 private:
  using Read = void (Chain::*)(const std::string& path, const std::string& name);

  void read(const std::string& path, const std::string& kind, const std::string& name, std::size_t depth) {
    constexpr std::pair<std::string_view, Read> kinds[] = {{"addprefix", &Chain::add_prefix},
                                                           {"stripprefix", &Chain::strip_prefix},
                                                           {"redirectscheme", &Chain::to_scheme},
                                                           {"redirectregex", &Chain::by_regexp},
                                                           {"headers", &Chain::headers},
                                                           {"forwardauth", &Chain::forward_auth},
                                                           {"basicauth", &Chain::basic_auth},
                                                           {"ratelimit", &Chain::rate_limit},
                                                           {"replacepath", &Chain::replace_path},
                                                           {"replacepathregex", &Chain::replace_path_regexp},
                                                           {"ipallowlist", &Chain::allow_list},
                                                           {"ipwhitelist", &Chain::allow_list},
                                                           {"retry", &Chain::retry},
                                                           {"buffering", &Chain::buffering},
                                                           {"compress", &Chain::compress},
                                                           {"contenttype", &Chain::adorn},
                                                           {"grpcweb", &Chain::adorn},
                                                           {"errors", &Chain::adorn},
                                                           {"circuitbreaker", &Chain::adorn}};
    if (kind == "chain") return add(path + ".middlewares", depth + 1);
    for (const auto& [known, reader] : kinds)
      if (known == kind) return (this->*reader)(path, name);
    refuse(path, kind + " of the middleware " + name + " is not carried");
  }

  void refuse(const std::string& path, const std::string& why) {
    tree_.refuse(path, why + ": its routers are refused");
    if (policy.refused.empty()) policy.refused = why;
  }

  void adorn(const std::string& path, const std::string&) { tree_.lose(path, "is not mapped: left out"); }

  // An option of our routes, if its key takes the value.
  void option(const std::string& path, const std::string& key, const std::string& value) {
    TraefikTag* tag = tree_.take(path);
    if (const auto wrong =
            conf::check_setting("route", "/ " + conf::quoted_word(key + "=" + value), conf::Trust::tags))
      return refuse(path, *wrong);
    if (tag != nullptr) tag->verdict.becomes(key + "=" + value);
    policy.options.push_back(key + "=" + value);
  }

  void add_prefix(const std::string& path, const std::string& name) {
    const std::string prefix = tree_.value(path + ".prefix");
    if (std::exchange(has_prefix_, true)) return refuse(path, name + ": a second addprefix is not mapped");
    if (!prefix.empty() && prefix != "/") option(path + ".prefix", "prepend", prefix);
  }

  void strip_prefix(const std::string& path, const std::string& name) {
    TraefikTag* tag = tree_.take(path + ".prefixes");
    if (TraefikTag* force = tree_.take(path + ".forceslash"); force != nullptr)
      force->verdict.differs("what is left always begins with a slash");
    if (!policy.strip.empty() || has_prefix_)
      return refuse(path, name + ": stripprefix after another rewriting is not mapped");
    if (tag == nullptr) return;
    for (const std::string& prefix : traefik_list(tag->value)) {
      if (prefix == "/") continue;
      if (const auto wrong =
              conf::check_setting("route", "/ " + conf::quoted_word("strip=" + prefix), conf::Trust::tags))
        return refuse(path, *wrong);
      policy.strip.push_back(prefix);
      tag->verdict.becomes("strip=" + prefix);
    }
  }

  void to_scheme(const std::string& path, const std::string& name) {
    TraefikTag* scheme = tree_.take(path + ".scheme");
    TraefikTag* port = tree_.take(path + ".port");
    TraefikTag* permanent = tree_.take(path + ".permanent");
    if (scheme == nullptr || lower_case(scheme->value) != "https")
      return refuse(path, name + ": only a redirect to https is mapped");
    scheme->verdict.becomes("http=redirect");
    if (port != nullptr && port->value != "443") port->verdict.differs("the port is that of the TLS listener");
    if (permanent == nullptr || !traefik_bool(permanent->value))
      (permanent == nullptr ? scheme : permanent)->verdict.differs("the redirect is a lasting one, 301 or 308");
    policy.to_https = true;
  }

  // ^https?://HOST/(.*) to URL/${1}: the same path at another host, or over https.
  void by_regexp(const std::string& path, const std::string& name) {
    TraefikTag* regexp = tree_.take(path + ".regex");
    TraefikTag* replacement = tree_.take(path + ".replacement");
    const bool lasting = traefik_bool(tree_.value(path + ".permanent"));
    const std::string host = regexp == nullptr ? "" : redirected_host(regexp->value);
    std::string url = replacement == nullptr ? "" : replacement->value;
    for (const std::string_view group : {"/${1}", "/$1"})
      if (url.ends_with(group)) url.replace(url.size() - group.size(), group.size(), "$path");
    if (host.empty() || !url.ends_with("$path") || url.find('$') != url.size() - 5 || policy.redirect)
      return refuse(path, name + ": this redirectregex is not mapped");
    regexp->verdict.differs("every request of the host is redirected");
    if (url == "https://" + host + "$path") {
      replacement->verdict.becomes("http=redirect");
      policy.to_https = true;
      return;
    }
    const std::string redirect = (lasting ? "301," : "302,") + url;
    if (conf::check_setting("route", "/ " + conf::quoted_word("redirect=" + redirect), conf::Trust::tags))
      return refuse(path, name + ": this redirectregex is not mapped");
    policy.redirect = {host, redirect};
    replacement->verdict.becomes("redirect=" + redirect);
  }

  // The host of a regular expression that takes every path of it; empty: there is more to it.
  static std::string redirected_host(std::string_view regexp) {
    if (regexp.starts_with('^')) regexp.remove_prefix(1);
    for (const std::string_view scheme : {"https?://", "http://", "https://"}) {
      if (!regexp.starts_with(scheme)) continue;
      regexp.remove_prefix(scheme.size());
      if (regexp.ends_with('$')) regexp.remove_suffix(1);
      const std::size_t slash = std::min(regexp.find('/'), regexp.size());
      const std::string_view rest = regexp.substr(slash);
      return rest == "/(.*)" || rest == "/(.+)" ? plain_host(regexp.substr(0, slash)) : "";
    }
    return "";
  }

  // The whole path by another: what an expression leaves of it, only if it takes it whole.
  void replace_path(const std::string& path, const std::string& name) {
    TraefikTag* tag = tree_.take(path + ".path");
    if (tag == nullptr || has_prefix_ || !policy.strip.empty())
      return refuse(path, name + ": replacepath after another rewriting is not mapped");
    has_prefix_ = true;
    tag->verdict.differs("X-Replaced-Path is not sent");
    option(path + ".path", "rewrite", "^ " + tag->value);
  }

  void replace_path_regexp(const std::string& path, const std::string& name) {
    TraefikTag* regexp = tree_.take(path + ".regex");
    TraefikTag* replacement = tree_.take(path + ".replacement");
    if (regexp == nullptr || replacement == nullptr || has_prefix_ || !policy.strip.empty())
      return refuse(path, name + ": this replacepathregex is not mapped");
    const bool whole =
        regexp->value.starts_with('^') && (regexp->value.ends_with('$') || regexp->value.ends_with("(.*)"));
    if (!whole) return refuse(path, name + ": a replacepathregex that leaves a part of the path is not mapped");
    std::string to;
    for (std::size_t i = 0; i < replacement->value.size(); ++i) {  // ${1} is $1
      const std::string& from = replacement->value;
      const bool braced = from.compare(i, 2, "${") == 0 && i + 3 < from.size() && from[i + 3] == '}';
      to += braced ? "$" + from.substr(i + 2, 1) : from.substr(i, 1);
      if (braced) i += 3;
    }
    has_prefix_ = true;
    replacement->verdict.differs("X-Replaced-Path is not sent");
    option(path + ".regex", "rewrite", regexp->value + " " + to);
  }

  // Only where gatehouse.yaml names the URL: else the route is refused when the table is made.
  void forward_auth(const std::string& path, const std::string& name) {
    TraefikTag* address = tree_.take(path + ".address");
    if (address == nullptr) return refuse(path, name + ": address is missing");
    if (std::exchange(has_auth_, true)) return refuse(path, name + ": a second authentication is not mapped");
    address->verdict.differs("timeouts and fields of the answer are those of gatehouse.yaml's auth");
    for (TraefikTag* tag : tree_.below(path))
      if (!tag->read) tag->read = true, tag->verdict.differs("is said in gatehouse.yaml's auth");
    option(path + ".address", "auth", "forward:" + address->value);
  }

  // What gatehouse.yaml defines under the middleware's name; where it doesn't, the route is refused when the table is
  // made. So whom basicauth lets in does not stand in a catalog that everybody can read.
  void basic_auth(const std::string& path, const std::string& name) {
    if (std::exchange(has_auth_, true)) return refuse(path, name + ": a second authentication is not mapped");
    tree_.differ(path, "users and realm are those of gatehouse.yaml's auth." + name);
    option(path + ".users", "auth", "basic:" + name);
  }

  void rate_limit(const std::string& path, const std::string& name) {
    const std::string count = tree_.value(path + ".average"), period = tree_.value(path + ".period");
    tree_.differ(path, "the limit is gatehouse.yaml's guard.rate_limits." + name + "; here it is " +
                           (count.empty() ? "none" : count + " in " + (period.empty() ? "1s" : period)));
    option(path + ".average", "rate_limit", name);
  }

  // Switched on by itself, or by an option of it; Traefik's own defaults.
  void compress(const std::string& path, const std::string&) {
    TraefikTag* itself = tree_.take(path);
    if (itself != nullptr && !traefik_bool(itself->value)) return;
    const std::vector<std::string> encodings = traefik_list(tree_.value(path + ".encodings"));
    std::string value;
    for (const std::string& each : encodings.empty() ? std::vector<std::string>{"gzip", "br", "zstd"} : encodings)
      value += (value.empty() ? "" : " ") + each;
    const std::string least = tree_.value(path + ".minresponsebodybytes"),
                      types = tree_.value(path + ".includedcontenttypes");
    value += " min=" + (least.empty() ? "1024" : least);
    if (!types.empty()) value += " types=" + types;
    tree_.lose(path + ".excludedcontenttypes", "is not mapped: types that gain nothing by it are left as they are");
    tree_.lose(path + ".defaultencoding", "is not mapped: who names no coding gets none");
    if (const auto wrong = conf::check_setting("compress", value, conf::Trust::tags))
      return tree_.lose(path, "is not mapped: " + *wrong);
    if (itself != nullptr) itself->verdict.becomes("compress=" + value);
    policy.options.push_back("compress=" + value);
  }

  // One `headers` rule; an empty value removes the field.
  void field_rule(TraefikTag* tag, const std::string& side, const std::string& field, const std::string& value) {
    const std::string rule = side + (value.empty() ? "remove " + field : "set " + field + " " + value);
    tag->read = true;
    if (const auto wrong = conf::check_setting("headers", rule, conf::Trust::tags))
      return side.empty() ? tag->verdict.is_unmapped(*wrong, conf::Severity::warning) : refuse(path_of(*tag), *wrong);
    tag->verdict.becomes("headers=" + rule);
    policy.options.push_back("headers=" + rule);
  }

  static std::string path_of(const TraefikTag& tag) {
    const std::string key = lower_case(tag.verdict.tag.substr(0, tag.verdict.tag.find('=')));
    return "http" + key.substr(std::string("traefik.http").size());
  }

  void request_and_answer_fields(const std::string& path) {
    for (const char* kind : {".customrequestheaders", ".customresponseheaders", ".sslproxyheaders"}) {
      for (TraefikTag* tag : tree_.below(path + kind + ".")) {
        const std::string key = tag->verdict.tag.substr(0, tag->verdict.tag.find('='));
        const std::string field = key.substr(key.rfind('.') + 1);
        const bool of_answer = std::string_view(kind) == ".customresponseheaders";
        tag->read = true;
        if (!of_answer && (is_set_by_us(lower_case(field)) || std::string_view(kind) == ".sslproxyheaders"))
          tag->verdict.loses("is not mapped: the door says itself how the client came");
        else
          field_rule(tag, of_answer ? "" : "request ", field, tag->value);
      }
    }
  }

  void usual_fields(const std::string& path) {
    struct Usual {
      const char *key, *field, *value;  // null: the tag's own
    };
    constexpr Usual usual[] = {{".framedeny", "X-Frame-Options", "DENY"},
                               {".customframeoptionsvalue", "X-Frame-Options", nullptr},
                               {".contenttypenosniff", "X-Content-Type-Options", "nosniff"},
                               {".browserxssfilter", "X-XSS-Protection", "1; mode=block"},
                               {".contentsecuritypolicy", "Content-Security-Policy", nullptr},
                               {".contentsecuritypolicyreportonly", "Content-Security-Policy-Report-Only", nullptr},
                               {".referrerpolicy", "Referrer-Policy", nullptr},
                               {".permissionspolicy", "Permissions-Policy", nullptr}};
    for (const Usual& each : usual) {
      TraefikTag* tag = tree_.take(path + each.key);
      if (tag == nullptr || tag->value.empty()) continue;
      if (each.value == nullptr || traefik_bool(tag->value))
        field_rule(tag, "", each.field, each.value == nullptr ? tag->value : each.value);
    }
  }

  void cross_origin(const std::string& path) {
    TraefikTag* origins = tree_.take(path + ".accesscontrolalloworiginlist");
    if (origins == nullptr) return;
    std::string cors = origins->value;
    constexpr std::pair<const char*, const char*> lists[] = {{".accesscontrolallowmethods", "methods"},
                                                             {".accesscontrolallowheaders", "fields"},
                                                             {".accesscontrolexposeheaders", "expose"}};
    for (const auto& [key, option_name] : lists)
      if (TraefikTag* tag = tree_.take(path + key); tag != nullptr)
        cors += std::string(" ") + option_name + "=" + tag->value, tag->verdict.becomes("cors=…");
    if (TraefikTag* tag = tree_.take(path + ".accesscontrolallowcredentials"); tag != nullptr)
      cors += traefik_bool(tag->value) ? " credentials=true" : "", tag->verdict.becomes("cors=…");
    if (TraefikTag* tag = tree_.take(path + ".accesscontrolmaxage"); tag != nullptr)
      cors += " max_age=" + tag->value + "s", tag->verdict.becomes("cors=…");
    if (TraefikTag* tag = tree_.take(path + ".addvaryheader"); tag != nullptr)
      tag->verdict.differs("Vary is always sent");
    if (const auto wrong = conf::check_setting("cors", cors, conf::Trust::tags))
      return origins->verdict.is_unmapped(*wrong, conf::Severity::warning);
    origins->verdict.becomes("cors=" + cors);
    policy.options.push_back("cors=" + cors);
  }

  void headers(const std::string& path, const std::string& name) {
    request_and_answer_fields(path);
    usual_fields(path);
    cross_origin(path);
    if (tree_.has(path + ".allowedhosts")) refuse(path + ".allowedhosts", name + ": allowedhosts is not carried");
    if (TraefikTag* tag = tree_.take(path + ".sslredirect"); tag != nullptr && traefik_bool(tag->value)) {
      tag->verdict.becomes("http=redirect");
      policy.to_https = true;
    }
    if (TraefikTag* tag = tree_.take(path + ".stsseconds"); tag != nullptr && tag->value != "0") {
      const Result<unsigned> seconds = conf::parse_number(tag->value, 1, 1000u * 86400);
      if (!seconds)
        tag->verdict.is_unmapped(seconds.error().what, conf::Severity::warning);
      else
        option(path + ".stsseconds", "hsts", std::to_string(*seconds) + "s");
    }
    for (TraefikTag* tag : tree_.below(path))
      if (!tag->read) tag->read = true, tag->verdict.is_unmapped("is not mapped: left out", conf::Severity::warning);
  }

  void allow_list(const std::string& path, const std::string& name) {
    TraefikTag* tag = tree_.take(path + ".sourcerange");
    tree_.differ(path + ".ipstrategy", "the client is who trusted_proxies say it is");
    tree_.differ(path + ".rejectstatuscode", "others get 403");
    if (tag == nullptr) return refuse(path, name + ": sourcerange is missing");
    std::vector<IpPrefix> networks;
    for (const std::string& text : traefik_list(tag->value)) {
      const std::optional<IpPrefix> network = IpPrefix::parse(text);
      if (!network) return refuse(path, name + ": " + text + " is not a network");
      networks.push_back(*network);
    }
    policy.allow = policy.allow ? common_networks(*policy.allow, networks) : networks;
    if (policy.allow->empty()) return refuse(path, name + ": lets nobody in");
    std::string list;
    for (const IpPrefix& network : networks) list += (list.empty() ? "" : ",") + network.text();
    tag->verdict.becomes("allow=" + list);
  }

  void retry(const std::string& path, const std::string&) {
    const Result<unsigned> attempts = conf::parse_number(tree_.value(path + ".attempts"), 1, 11);
    tree_.differ(path + ".initialinterval", "the next endpoint is tried at once");
    if (!attempts) return tree_.lose(path, "is not mapped: " + attempts.error().what);
    option(path + ".attempts", "retry", std::to_string(*attempts - 1));
  }

  void buffering(const std::string& path, const std::string& name) {
    if (TraefikTag* tag = tree_.take(path + ".maxrequestbodybytes"); tag != nullptr && tag->value != "0") {
      if (!conf::parse_size(tag->value)) return refuse(path, name + ": " + tag->value + " is not a size");
      option(path + ".maxrequestbodybytes", "max_body", tag->value);
    }
    for (TraefikTag* tag : tree_.below(path))
      if (!tag->read) tag->read = true, tag->verdict.loses("bodies are streamed, not kept");
  }

  TraefikTree& tree_;
  std::size_t count_ = 0;
  bool has_prefix_ = false, has_auth_ = false;
};

}  // namespace

std::string traefik_name(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos && text.substr(at + 1) != "consulcatalog") return "";
  return lower_case(text.substr(0, at));
}

TraefikPolicy traefik_policy(TraefikTree& tree, const std::string& key) {
  Chain chain(tree);
  chain.add(key, 0);
  return std::move(chain.policy);
}

}  // namespace gatehouse::catalog
