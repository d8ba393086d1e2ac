#include "conf/catalog/fabio_tags.h"

#include <algorithm>
#include <set>

#include "conf/route_value.h"
#include "conf/service_keys.h"
#include "conf/values.h"
#include "net/ip.h"

namespace gatehouse::catalog {
namespace {

constexpr std::string_view prefix = "urlprefix-", blanks = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// A tag on its way to a setting.
struct Draft {
  FabioTag tag;
  TagVerdict verdict;
  std::string protocol = "http";
  std::string refused;  // why its route is not served
  bool is_tcp = false;
  bool lost = false;  // nothing comes of it

  void drop(std::string_view why) {
    verdict.is_unmapped(why, conf::Severity::error);
    lost = true;
  }
  void refuse(const std::string& why) {
    verdict.is_unmapped(why + ": its route is refused", conf::Severity::error);
    refused = why;
  }
};

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The size of "$DC" or "${DC}" at the text's beginning, in the case that the host's is; 0: it is something else.
std::size_t datacenter_variable(std::string_view text) {
  if (text.starts_with("${dc}") || text.starts_with("${DC}")) return 5;
  const bool plain = text.starts_with("$dc") || text.starts_with("$DC");
  return plain && (text.size() == 3 || !is_name(text[3])) ? 3 : 0;
}

// Puts the datacenter for its variable; false: there is another variable.
bool expand(std::string& text, const std::string& datacenter) {
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at)) {
    const std::size_t size = datacenter_variable(std::string_view(text).substr(at));
    if (size == 0) return false;
    text.replace(at, size, datacenter);
    at += datacenter.size();
  }
  return true;
}

// "ip:10.0.0.0/8,ip:192.0.2.7" to our list of networks.
Result<std::string> networks_of(std::string_view items) {
  std::string out;
  for (const std::string_view item : conf::split_list(items)) {
    const std::string_view one = trimmed(item);
    if (!one.starts_with("ip:")) return invalid(std::string(one) + ": only ip: is known");
    out += (out.empty() ? "" : ",") + std::string(trimmed(one.substr(3)));
  }
  return out;
}

class Reader {
 public:
  Reader(const conf::Instance& instance, const SpellingContext& context) : instance_(instance), context_(context) {
    out_.layer.spelling = "fabio";
  }

  ForeignTags run() {
    for (const std::string& tag : instance_.tags)
      if (std::optional<FabioTag> parsed = parse_fabio_tag(tag)) add(tag, std::move(*parsed));
    agree_on_protocol();
    agree_on_host();
    for (Draft& draft : drafts_) {
      if (!draft.lost) draft.is_tcp ? say_tcp(draft) : say_route(draft);
      out_.verdicts.push_back(std::move(draft.verdict));
    }
    return std::move(out_);
  }

 private:
  void add(const std::string& text, FabioTag tag) {
    Draft& draft = drafts_.emplace_back();
    draft.verdict.tag = text;
    draft.tag = std::move(tag);
    if (draft.tag.source.empty()) return draft.drop("write host/path; left out");
    if (!expand(draft.tag.source, instance_.datacenter))
      return draft.drop(draft.tag.source + ": only the variable $DC is known; left out");
    if (const std::string* protocol = draft.tag.option("proto")) draft.protocol = *protocol;
    draft.is_tcp = draft.protocol == "tcp" || draft.tag.source.starts_with(':');
  }

  bool is_served(const Draft& draft) const {
    return !draft.lost && !draft.is_tcp && draft.tag.option("redirect") == nullptr;
  }

  // What fabio says of a route and we of a service: the first route's word stands, and who says otherwise is refused.
  void agree_on_protocol() {
    constexpr std::pair<std::string_view, const char*> protocols[] = {
        {"http", "http"}, {"https", "https"}, {"grpc", "h2c"}, {"grpcs", "h2"}};
    const Draft* first = nullptr;
    for (Draft& draft : drafts_) {
      if (!is_served(draft)) continue;
      const auto known = std::find_if(std::begin(protocols), std::end(protocols),
                                      [&](const auto& protocol) { return protocol.first == draft.protocol; });
      if (known == std::end(protocols)) {
        draft.refuse("proto=" + draft.protocol + " is not known");
        continue;
      }
      if (first != nullptr && first->protocol != draft.protocol) {
        draft.refuse("a service has one protocol, and " + first->tag.source + " says " + first->protocol);
        continue;
      }
      if (first == nullptr) first = &draft;
      if (draft.tag.option("proto") != nullptr) say(out_, draft.verdict, "protocol", {known->second, instance_.at});
    }
  }

  void agree_on_host() {
    std::set<std::string> hosts;
    for (const Draft& draft : drafts_) {
      const std::string* host = draft.tag.option("host");
      if (is_served(draft)) hosts.insert(host == nullptr ? "" : *host);
    }
    for (Draft& draft : drafts_) {
      const std::string* host = draft.tag.option("host");
      if (host == nullptr || host->empty() || draft.lost) continue;
      if (draft.is_tcp) continue;
      if (*host == "dst")
        draft.verdict.loses("host=dst is not mapped: the client's Host is passed on");
      else if (hosts.size() > 1)
        draft.verdict.loses("host=" + *host + " is not mapped: the routes of a service share one Host");
      else if (const auto wrong = conf::check_setting("host", *host, conf::Trust::tags))
        draft.verdict.loses("host=" + *wrong);
      else
        say(out_, draft.verdict, "host", {*host, instance_.at});
    }
  }

  // host:port/path, with the stars as we write them; empty: it can't be said.
  static std::string match_of(Draft& draft) {
    const std::string& source = draft.tag.source;
    const std::size_t slash = std::min(source.find('/'), source.size());
    std::string host = source.substr(0, slash);
    const std::string path = slash == source.size() ? "/" : source.substr(slash);
    if (host == "*") {
      host.clear();
      draft.verdict.differs("fabio asks * before routes without a host");
    } else if (host.starts_with("*.")) {
      host = "*" + host;
    }
    if (host.find_first_of("*?[]{}\\", host.starts_with("**") ? 2 : 0) != std::string::npos && !host.starts_with('['))
      return draft.drop(source + ": a star stands only in front of a host, as in *.example; left out"), "";
    if (host.find(':') != std::string::npos)
      draft.verdict.differs("the port is the listener's, not the one in the Host field");
    if (path != "/") draft.verdict.differs("a path ends at a segment: fabio would take " + path + "x too");
    const Result<conf::RouteSetting> match = conf::parse_route(conf::quoted_word(host + path));
    if (!match) return draft.drop(match.error().what + "; left out"), "";
    return host + path;
  }

  void say_route(Draft& draft) {
    const std::string match = match_of(draft);
    if (draft.lost) return;
    std::string route = conf::quoted_word(match);
    for (const conf::Option& option : draft.tag.options) {
      const std::string native = route_option(draft, option);
      if (!native.empty()) route += " " + conf::quoted_word(native);
    }
    const bool restricts = route.find(" allow=") != std::string::npos || route.find(" deny=") != std::string::npos;
    if (restricts && !match.ends_with('/'))
      draft.verdict.loses("fabio would keep strangers from " + match + "x too; say its own route if there is such");
    if (const auto wrong = conf::check_setting("route", route, conf::Trust::tags)) draft.refuse(*wrong);
    if (!draft.refused.empty()) route = conf::quoted_word(match);
    say(out_, draft.verdict, "route", {route, instance_.at, draft.refused});
  }

  // The option of our route; empty: there is none, or it was said otherwise.
  std::string route_option(Draft& draft, const conf::Option& option) {
    const auto& [name, value] = option;
    if (name == "proto" || name == "host") return "";
    if (name == "strip" || name == "prepend") return value == "/" || value.empty() ? "" : name + "=" + value;
    if (name == "redirect") return redirect(draft, value);
    if (name == "allow" || name == "deny") return value.empty() ? "" : access(draft, name, value);
    if (name == "auth") return value.empty() ? "" : "auth=basic:" + value;
    if (name == "weight")
      draft.verdict.differs("weight= holds for all routes of the instance");
    else
      lose(draft, name, value);
    return "";
  }

  static std::string redirect(Draft& draft, const std::string& value) {
    const std::size_t comma = value.find(',');
    std::string url = value.substr(std::min(comma + 1, value.size()));
    if (const std::size_t at = url.find("/$path"); at != std::string::npos)
      url.erase(at, 1);
    else if (url.find("$path") == std::string::npos)
      draft.verdict.differs("the query is kept");
    // fabio passes over a redirect that leads to itself; so that over TLS the route is served.
    const std::string host = draft.tag.source.substr(0, draft.tag.source.find_first_of(":/"));
    if (url == "https://$host$path" || (!host.empty() && url == "https://" + host + "$path")) {
      if (!value.starts_with("301,")) draft.verdict.differs("the redirect is a lasting one, 301 or 308");
      return "http=redirect";
    }
    if (draft.tag.option("strip") != nullptr || draft.tag.option("prepend") != nullptr)
      draft.verdict.differs("$path is the path as it was asked for");
    return "redirect=" + value.substr(0, comma) + "," + url;
  }

  std::string access(Draft& draft, const std::string& name, const std::string& value) {
    const Result<std::string> networks = networks_of(value);
    if (!networks) return draft.refuse(name + "=" + networks.error().what), "";
    draft.verdict.differs("the client is who trusted_proxies say it is: fabio judges whatever X-Forwarded-For says");
    return name + "=" + *networks;
  }

  static void lose(Draft& draft, const std::string& name, const std::string& value) {
    if (name == "tlsskipverify")
      draft.verdict.loses("tlsskipverify is not mapped: only gatehouse.yaml may weaken verification (tls_verify)");
    else if (name == "grpcservername")
      draft.verdict.loses("grpcservername is not mapped: only gatehouse.yaml may say tls_name");
    else if (name == "register")
      draft.verdict.loses("register is not mapped: nothing is registered");
    else if (name == "pxyproto")
      draft.verdict.loses("pxyproto is for TCP");
    else
      draft.verdict.loses(name + "=" + value + " is not fabio's either");
  }

  void say_tcp(Draft& draft) {
    const std::string address = tcp_address(draft);
    if (draft.lost) return;
    std::vector<std::pair<std::string, std::string>> also;
    for (const auto& [name, value] : draft.tag.options) {
      if (name == "proto") continue;
      if (name == "allow" || name == "deny") {
        if (value.empty()) continue;
        const Result<std::string> networks = networks_of(value);
        if (!networks || conf::check_setting(name, *networks, conf::Trust::tags))
          return draft.drop(name + "=" + value + ": only ip: with a network is known; left out");
        also.emplace_back(name, *networks);
      } else if (name == "pxyproto") {
        if (value == "true") also.emplace_back("send_proxy", "v1");
      } else if (name == "weight") {
        draft.verdict.differs("weight= holds for all routes of the instance");
      } else {
        lose(draft, name, value);
      }
    }
    if (draft.tag.option("allow") == nullptr)
      draft.verdict.differs("without allow= only loopback and private sources are let in");
    if (!also.empty()) draft.verdict.differs("allow, deny and pxyproto hold for all of the service");
    for (const auto& [key, value] : also) say(out_, draft.verdict, key, {value, instance_.at});
    say(out_, draft.verdict, "tcp", {address, instance_.at});
  }

  std::string tcp_address(Draft& draft) const {
    const std::string& source = draft.tag.source;
    if (const auto address = SocketAddress::parse(source); address && address->port != 0) return address->text();
    const std::string host = source.substr(0, source.find('/'));
    const char* due = ": write :port, address:port or the name that clients ask for by SNI; left out";
    const Result<conf::RouteSetting> match = conf::parse_route(conf::quoted_word(host + "/"));
    if (!match || match->match.host.empty() || match->match.port != 0 || match->match.host.starts_with('*'))
      return draft.drop(source + due), "";
    const SocketAddress* tls = tls_address(context_);
    if (tls == nullptr) return draft.drop("there is no TLS listener to find " + host + " at; left out"), "";
    const std::string entry = tls->text() + " sni=" + match->match.host;
    if (conf::check_setting("tcp", entry, conf::Trust::tags)) return draft.drop(source + due), "";
    return entry;
  }

  const conf::Instance& instance_;
  const SpellingContext& context_;
  ForeignTags out_;
  std::vector<Draft> drafts_;
};

}  // namespace

const std::string* FabioTag::option(std::string_view name) const {
  const std::string* value = nullptr;
  for (const conf::Option& option : options)
    if (option.name == name) value = &option.value;
  return value;
}

std::optional<FabioTag> parse_fabio_tag(std::string_view text) {
  std::string_view rest = trimmed(text);
  if (!rest.starts_with(prefix)) return std::nullopt;
  rest = trimmed(rest.substr(prefix.size()));
  FabioTag tag;
  tag.source = rest.substr(0, rest.find(' '));
  rest.remove_prefix(tag.source.size());
  const auto host_end = std::min(tag.source.find('/'), tag.source.size());
  std::transform(tag.source.begin(), tag.source.begin() + static_cast<std::ptrdiff_t>(host_end), tag.source.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (rest = trimmed(rest); !rest.empty(); rest = trimmed(rest)) {
    const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
    rest.remove_prefix(word.size());
    const std::size_t equals = word.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
    tag.options.push_back({std::string(word.substr(0, equals)), std::string(value)});
  }
  return tag;
}

ForeignTags fabio_tags(const conf::Instance& instance, const SpellingContext& context) {
  return Reader(instance, context).run();
}

}  // namespace gatehouse::catalog
