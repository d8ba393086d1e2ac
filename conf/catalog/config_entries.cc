#include "conf/catalog/config_entries.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "conf/catalog/entry_filter.h"
#include "conf/catalog/go_duration.h"
#include "conf/catalog/json_fields.h"
#include "conf/route_value.h"
#include "conf/values.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;
using conf::Severity;

constexpr std::size_t nesting_most = 30;  // in a snapshot they stand two deeper than here
constexpr unsigned retries_most = 10;

class EntryReader {
 public:
  EntryReader(const conf::Position& at, conf::Findings& findings) : at_(at), findings_(findings) {}

  std::optional<Resolver> resolver(const json::object& entry) {
    Resolver out{.at = at_};
    JsonFields fields = of(entry, "");
    ignore_usual(fields);
    out.default_subset = fields.text("DefaultSubset");
    for (const auto& [name, value] : fields.object("Subsets"))
      if (const json::object* subset = object_in(value, fields, "Subsets"))
        out.subsets.emplace(name, read_subset(*subset, "Subsets." + std::string(name)));
    if (fields.has("Redirect")) out.redirect = redirection(fields.object("Redirect"));
    for (const auto& [name, value] : fields.object("Failover"))
      if (const json::object* rule = object_in(value, fields, "Failover"))
        out.failover.emplace(name, failover(*rule, "Failover." + std::string(name)));
    say_failover(out);
    if (const auto time = duration(fields, "ConnectTimeout")) say(out, "connect_timeout", conf::duration_text(*time));
    if (const auto time = duration_or_off(fields, "RequestTimeout"))
      say(out, "total_timeout", *time == Millis(0) ? "off" : conf::duration_text(*time));
    read_load_balancer(fields.object("LoadBalancer"), out);
    fields.tell_unread();
    return fields.wrong() ? std::nullopt : std::optional(std::move(out));
  }

  std::optional<Splitter> splitter(const json::object& entry) {
    Splitter out{.at = at_, .splits = {}};
    JsonFields fields = of(entry, "");
    ignore_usual(fields);
    const json::array& splits = fields.list("Splits");
    if (splits.size() > splits_most) fields.tell("Splits", "are more than " + std::to_string(splits_most));
    for (std::size_t i = 0; i < splits.size() && !fields.wrong(); ++i) {
      const std::string path = "Splits[" + std::to_string(i) + "]";
      const json::object* object = object_in(splits[i], fields, path);
      if (object == nullptr) break;
      JsonFields each = of(*object, path);
      Split split{.share = each.number("Weight"), .to = destination(each)};
      if (!(split.share >= 0 && split.share <= 100)) fields.tell(path + ".Weight", "is not between 0 and 100");
      each.tell_unread();
      if (each.wrong()) return std::nullopt;
      out.splits.push_back(std::move(split));
    }
    fields.tell_unread();
    return fields.wrong() ? std::nullopt : std::optional(std::move(out));
  }

  std::optional<Router> router(const json::object& entry) {
    Router out{.at = at_, .routes = {}};
    JsonFields fields = of(entry, "");
    ignore_usual(fields);
    const json::array& routes = fields.list("Routes");
    if (routes.size() > router_routes_most)
      fields.tell("Routes", "are more than " + std::to_string(router_routes_most));
    for (std::size_t i = 0; i < routes.size() && !fields.wrong(); ++i) {
      const std::string path = "Routes[" + std::to_string(i) + "]";
      const json::object* object = object_in(routes[i], fields, path);
      if (object == nullptr) break;
      if (auto route = router_route(*object, path)) out.routes.push_back(std::move(*route));
    }
    fields.tell_unread();
    return fields.wrong() ? std::nullopt : std::optional(std::move(out));
  }

 private:
  JsonFields of(const json::object& object, std::string path) { return {object, std::move(path), at_, findings_}; }

  static void ignore_usual(JsonFields& fields) {
    for (const char* name : {"Kind", "Name", "Namespace", "Partition", "Meta", "CreateIndex", "ModifyIndex", "Hash"})
      fields.ignore(name);
  }

  static const json::object* object_in(const json::value& value, JsonFields& around, std::string_view name) {
    if (!value.is_object()) around.tell(name, "holds more than objects");
    return value.if_object();
  }

  void say(Resolver& out, const std::string& key, std::string value) {
    out.keys.settings[key] = {{std::move(value), at_}};
  }

  // None: not said, or wrong. A time that can't be read is no reason to do without the rest of the entry.
  static std::optional<Millis> duration(JsonFields& fields, std::string_view name) {
    const std::optional<Millis> time = duration_or_off(fields, name);
    if (!time || *time > Millis(0)) return time;
    return fields.tell(name, "a time can't be negative here: ignored", Severity::warning), std::nullopt;
  }

  // 0: off, which Consul writes as a negative time.
  static std::optional<Millis> duration_or_off(JsonFields& fields, std::string_view name) {
    const std::string text = fields.text(name);
    if (text.empty()) return std::nullopt;
    const auto time = parse_go_duration(text);
    if (!time) return fields.tell(name, text + " is no duration: ignored", Severity::warning), std::nullopt;
    if (time->count() == 0) return std::nullopt;
    return time->count() < 0 ? Millis(0) : std::max(Millis(1), std::chrono::duration_cast<Millis>(*time));
  }

  static std::vector<std::string> texts(JsonFields& fields, std::string_view name) {
    std::vector<std::string> out;
    for (const json::value& item : fields.list(name)) {
      if (!item.is_string()) return fields.tell(name, "holds more than texts"), out;
      out.emplace_back(item.get_string());
    }
    return out;
  }

  static Destination destination(JsonFields& fields) {
    Destination out{fields.text("Service"), fields.text("ServiceSubset"), ""};
    for (const char* name : {"Namespace", "Partition", "Peer", "SamenessGroup"}) {
      const std::string text = fields.text(name);
      if (text.empty() || text == "default") continue;
      out.refused = fields.path_of(name) + "=" + text + " is not carried";
    }
    return out;
  }

  Subset read_subset(const json::object& object, const std::string& path) {
    JsonFields fields = of(object, path);
    Subset out{fields.text("Filter"), fields.flag("OnlyPassing")};
    if (const Result<bool> fine = is_in_subset(out.filter, {}); !fine)
      findings_.push_back(
          {at_, path + ".Filter", fine.error().what + ": the subset has no instances", Severity::error});
    fields.tell_unread();
    return out;
  }

  Redirection redirection(const json::object& object) {
    JsonFields fields = of(object, "Redirect");
    Redirection out{destination(fields), fields.text("Datacenter")};
    fields.tell_unread();
    return out;
  }

  SubsetFailover failover(const json::object& object, const std::string& path) {
    JsonFields fields = of(object, path);
    SubsetFailover out{texts(fields, "Datacenters"), destination(fields)};
    const json::array& targets = fields.list("Targets");
    if (targets.size() > 1) fields.tell("Targets", "the first counts", Severity::warning);
    if (!targets.empty() && !targets[0].is_object()) out.to.refused = path + ".Targets[0] is no object";
    if (!targets.empty() && targets[0].is_object()) {
      JsonFields first = of(targets[0].get_object(), path + ".Targets[0]");
      out.to = destination(first);
      if (const std::string datacenter = first.text("Datacenter"); !datacenter.empty())
        out.datacenters = {datacenter};
      first.tell_unread();
    }
    if (!out.to.refused.empty())
      findings_.push_back({at_, "", out.to.refused + ": nobody stands by", Severity::warning});
    fields.tell_unread();
    return out;
  }

  // To another datacenter's instances Consul goes as soon as there is none here, and comes back as soon as there is.
  void say_failover(Resolver& out) {
    for (const auto& [subset, rule] : out.failover) tell_failover("Failover." + subset, rule);
    auto rule = out.failover.find(out.default_subset);
    if (rule == out.failover.end()) rule = out.failover.find("*");
    if (rule == out.failover.end() || rule->second.datacenters.empty()) return;
    const Destination& to = rule->second.to;
    if (to.refused.empty() && to.service.empty())
      say(out, "failover", rule->second.datacenters.front() + " after=0 back_after=0");
  }

  // What of one to another datacenter can't be carried; of one whose target is refused all is told.
  void tell_failover(const std::string& path, const SubsetFailover& rule) {
    if (rule.datacenters.empty() || !rule.to.refused.empty()) return;
    const auto warn = [&](const std::string& field, std::string what) {
      findings_.push_back({at_, path + field, std::move(what), Severity::warning});
    };
    if (!rule.to.service.empty()) return warn("", "another service in another datacenter is not carried: ignored");
    if (!rule.to.subset.empty())
      warn(".ServiceSubset", "in another datacenter is not carried: the same subset as here serves");
    if (rule.datacenters.size() > 1)
      warn(".Datacenters", rule.datacenters.front() + " counts; more than one is not carried");
  }

  void read_load_balancer(const json::object& object, Resolver& out) {
    JsonFields fields = of(object, "LoadBalancer");
    const std::string policy = fields.text("Policy");
    const bool hashes = policy == "ring_hash" || policy == "maglev";
    if (hashes)
      say(out, "balance", "maglev");
    else if (policy == "least_request" || policy == "round_robin" || policy == "random")
      say(out, "balance", policy);
    else if (!policy.empty())
      fields.tell("Policy", policy + " is not carried: ignored", Severity::warning);
    const json::array& policies = fields.list("HashPolicies");
    if (hashes && !policies.empty() && policies[0].is_object()) read_hash_policy(policies[0].get_object(), out);
    if (!hashes && !policies.empty())
      fields.tell("HashPolicies", "count with ring_hash and maglev alone: ignored", Severity::warning);
    else if (policies.size() > 1)
      fields.tell("HashPolicies", "the first counts", Severity::warning);
    fields.tell_unread();
  }

  void read_hash_policy(const json::object& object, Resolver& out) {
    JsonFields fields = of(object, "LoadBalancer.HashPolicies[0]");
    const std::string field = fields.text("Field"), value = fields.text("FieldValue");
    fields.ignore("Terminal");  // the first counts in any case
    if (fields.flag("SourceIP"))
      say(out, "hash_on", "client");
    else if (field == "header" || field == "cookie")
      say(out, "hash_on", field + ":" + value);
    else
      fields.tell("Field", field + " is not carried: the client's address counts", Severity::warning);
    fields.tell_unread();
  }

  // None: its condition can't be asked, and what it would have matched goes on to the next.
  std::optional<RouterRoute> router_route(const json::object& object, const std::string& path) {
    JsonFields fields = of(object, path);
    RouterRoute out;
    const bool asked = read_match(fields.object("Match"), path + ".Match", out.match);
    if (fields.has("Destination")) read_destination(fields.object("Destination"), path + ".Destination", out);
    fields.ignore("Destination");
    fields.tell_unread();
    if (asked && !fields.wrong()) return out;
    findings_.push_back({at_, path, "is left out: what it matches goes on to the next route", Severity::error});
    return std::nullopt;
  }

  bool read_match(const json::object& object, const std::string& path, conf::RouteMatch& out) {
    JsonFields around = of(object, path), fields = of(around.object("HTTP"), path + ".HTTP");
    const std::string exact = fields.text("PathExact"), prefix = fields.text("PathPrefix");
    if (fields.ignore("CaseInsensitive"), fields.has("CaseInsensitive"))
      fields.tell("CaseInsensitive", "is not carried");
    if (const std::string pattern = fields.text("PathRegex"); !pattern.empty()) {
      conf::HeaderMatch match{.of = conf::HeaderMatch::Of::path};
      if (set_pattern(fields, "PathRegex", whole(pattern), match)) out.headers.push_back(std::move(match));
    }
    if (const std::string& said = exact.empty() ? prefix : exact; !said.empty()) {
      Result<std::string> read = conf::parse_route_path(said);
      if (read) out.path = std::move(*read);
      if (!read) fields.tell(exact.empty() ? "PathPrefix" : "PathExact", read.error().what);
      out.exact_path = !exact.empty();
    }
    out.methods = texts(fields, "Methods");
    const json::array& headers = fields.list("Header");
    for (std::size_t i = 0; i < headers.size(); ++i) {
      const std::string name = "Header[" + std::to_string(i) + "]";
      const json::object* header = object_in(headers[i], fields, name);
      if (header == nullptr || !read_header(*header, path + ".HTTP." + name, out)) return false;
    }
    const json::array& parameters = fields.list("QueryParam");
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string name = "QueryParam[" + std::to_string(i) + "]";
      const json::object* parameter = object_in(parameters[i], fields, name);
      if (parameter == nullptr || !read_parameter(*parameter, path + ".HTTP." + name, out)) return false;
    }
    conf::normalise_conditions(out);
    fields.tell_unread();
    around.tell_unread();
    return !fields.wrong() && !around.wrong();
  }

  // Consul's expressions are of the whole value.
  static std::string whole(const std::string& pattern) { return "^(?:" + pattern + ")$"; }

  static bool set_pattern(JsonFields& fields, std::string_view name, const std::string& pattern,
                          conf::HeaderMatch& match) {
    Result<conf::TextPattern> read = conf::TextPattern::parse(pattern);
    if (!read) return fields.tell(name, read.error().what), false;
    match.pattern = std::move(*read);
    return true;
  }

  bool read_header(const json::object& object, const std::string& path, conf::RouteMatch& out) {
    JsonFields fields = of(object, path);
    conf::HeaderMatch match{fields.text("Name"), fields.text("Exact")};
    const bool present = fields.flag("Present");
    match.inverted = fields.flag("Invert");
    const std::string exact = match.value, prefix = fields.text("Prefix"), suffix = fields.text("Suffix"),
                      regex = fields.text("Regex"), part = fields.text("Contains");
    const std::string any_case = fields.flag("IgnoreCase") ? "(?i)" : "";  // not of what is an expression already
    if (!exact.empty() && !any_case.empty() &&
        set_pattern(fields, "Exact", any_case + whole(conf::literal_pattern(exact)), match))
      match.value.clear();
    if (!prefix.empty()) set_pattern(fields, "Prefix", any_case + "^" + conf::literal_pattern(prefix), match);
    if (!suffix.empty()) set_pattern(fields, "Suffix", any_case + conf::literal_pattern(suffix) + "$", match);
    if (!part.empty()) set_pattern(fields, "Contains", any_case + conf::literal_pattern(part), match);
    if (!regex.empty()) set_pattern(fields, "Regex", whole(regex), match);
    const int asked = present + !exact.empty() + !prefix.empty() + !suffix.empty() + !regex.empty() + !part.empty();
    if (match.name.empty() || asked == 0) fields.tell("Name", "asks for nothing");
    if (asked > 1) fields.tell("Name", "asks for more than one thing");
    fields.tell_unread();
    out.headers.push_back(std::move(match));
    return !fields.wrong();
  }

  bool read_parameter(const json::object& object, const std::string& path, conf::RouteMatch& out) {
    JsonFields fields = of(object, path);
    conf::HeaderMatch match{
        .name = fields.text("Name"), .value = fields.text("Exact"), .of = conf::HeaderMatch::Of::query};
    const bool present = fields.flag("Present");
    const std::string regex = fields.text("Regex");
    if (!regex.empty()) set_pattern(fields, "Regex", whole(regex), match);
    const int asked = present + !match.value.empty() + !regex.empty();
    if (match.name.empty() || asked == 0) fields.tell("Name", "asks for nothing");
    if (asked > 1) fields.tell("Name", "asks for more than one thing");
    fields.tell_unread();
    out.headers.push_back(std::move(match));
    return !fields.wrong();
  }

  void read_destination(const json::object& object, const std::string& path, RouterRoute& out) {
    JsonFields fields = of(object, path);
    out.to = destination(fields);
    if (fields.has("PrefixRewrite")) {
      const std::string rewrite = fields.text("PrefixRewrite");
      if (const auto read = conf::parse_path_prefix(rewrite); read || rewrite == "/")
        out.prefix_rewrite = read ? *read : "";
      else
        fields.tell("PrefixRewrite", read.error().what);
    }
    out.request_timeout = duration_or_off(fields, "RequestTimeout");
    out.idle_timeout = duration_or_off(fields, "IdleTimeout");
    read_retries(fields, out);
    fields.tell_unread();
    if (fields.wrong() && out.to.refused.empty()) out.to.refused = path + " can't be read";
  }

  static void read_retries(JsonFields& fields, RouterRoute& out) {
    const double retries = fields.number("NumRetries");
    const bool on_connect = fields.flag("RetryOnConnectFailure");
    conf::RetryPolicy policy;
    for (const json::value& code : fields.list("RetryOnStatusCodes")) {
      const std::int64_t status = code.is_int64() ? code.get_int64() : 0;
      if (status < 100 || status > 599) return fields.tell("RetryOnStatusCodes", "holds more than status codes");
      policy.on_status.push_back({static_cast<int>(status), static_cast<int>(status)});
    }
    if (retries > retries_most)
      fields.tell("NumRetries", "at most " + std::to_string(retries_most) + " are carried", Severity::warning);
    if (retries <= 0 && !on_connect && policy.on_status.empty()) return;
    policy.attempts = static_cast<unsigned>(retries <= 0 ? 1 : std::min(retries, double{retries_most}));
    out.retry = std::move(policy);
  }

  const conf::Position& at_;
  conf::Findings& findings_;
};

void read_entry(const json::object& entry, const ConsulPlace& place, ConfigEntries& out) {
  const conf::Position anywhere{place.shown_as + ": config entries"};
  JsonFields fields(entry, "", anywhere, out.findings);
  const std::string kind = fields.text("Kind"), name = fields.text("Name");
  if (fields.wrong() || name.empty()) return;
  const conf::Position at{place.shown_as + " " + kind + " " + name};
  const std::size_t told = out.findings.size();
  EntryReader reader(at, out.findings);
  bool read = true;
  const auto keep = [&](auto& entries, auto found) {
    read = found.has_value();
    if (found) entries.emplace(name, std::move(*found));
  };
  if (kind == resolver_kind) keep(out.resolvers, reader.resolver(entry));
  if (kind == splitter_kind) keep(out.splitters, reader.splitter(entry));
  if (kind == router_kind) keep(out.routers, reader.router(entry));
  if (!read && out.findings.size() > told)
    out.findings.push_back({at, "", "is left out as a whole", Severity::error});
}

}  // namespace

void ConfigEntries::add(const ConfigEntries& other) {
  resolvers.insert(other.resolvers.begin(), other.resolvers.end());
  splitters.insert(other.splitters.begin(), other.splitters.end());
  routers.insert(other.routers.begin(), other.routers.end());
  conf::add_findings(findings, other.findings);
}

std::vector<std::string> ConfigEntries::leads_to(const std::string& service) const {
  std::vector<std::string> out{service};
  std::set<std::string> known{service};
  const auto go = [&](const Destination& to) {
    if (!to.service.empty() && known.insert(to.service).second) out.push_back(to.service);
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string name = out[i];
    if (const auto router = routers.find(name); router != routers.end())
      for (const RouterRoute& route : router->second.routes) go(route.to);
    if (const auto splitter = splitters.find(name); splitter != splitters.end())
      for (const Split& split : splitter->second.splits) go(split.to);
    if (const auto resolver = resolvers.find(name); resolver != resolvers.end()) {
      if (resolver->second.redirect) go(resolver->second.redirect->to);
      for (const auto& [subset, rule] : resolver->second.failover) go(rule.to);
    }
  }
  // Itself, where its instances of another datacenter are asked for.
  const auto own = resolvers.find(service);
  const bool away =
      own != resolvers.end() &&
      ((own->second.redirect && !own->second.redirect->datacenter.empty()) ||
       std::ranges::any_of(own->second.failover, [](const auto& each) { return !each.second.datacenters.empty(); }));
  if (!away) out.erase(out.begin());
  return out;
}

Result<ConfigEntries> parse_config_entries(std::string_view body, const ConsulPlace& place) {
  json::parse_options options;
  options.max_depth = nesting_most;
  boost::system::error_code error;
  const json::value value = json::parse(body, error, {}, options);
  if (error) return invalid("not JSON: " + error.message());
  if (value.is_null()) return ConfigEntries();
  if (!value.is_array()) return invalid("not a list of config entries");
  if (value.get_array().size() > entries_most)
    return invalid("more than " + std::to_string(entries_most) + " entries");
  ConfigEntries out;
  for (const json::value& entry : value.get_array()) {
    if (!entry.is_object()) return invalid("the list holds more than objects");
    read_entry(entry.get_object(), place, out);
  }
  return out;
}

}  // namespace gatehouse::catalog
