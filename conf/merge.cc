#include "conf/merge.h"

#include <algorithm>
#include <map>

#include "conf/claims.h"
#include "conf/host_pattern.h"
#include "conf/review.h"
#include "conf/route_value.h"
#include "conf/service_apply.h"

namespace gatehouse::conf {
namespace {

struct Said {
  std::string_view value;
  Position at;
};

// What stands for one key: the layer that says it first, or nothing.
struct Chosen {
  std::size_t layer = 0;  // index in the order of precedence
  std::vector<Said> values;
  std::string refused;  // why nothing it is about may be served
  bool said() const { return !values.empty() || !refused.empty(); }
};

// The usable values of a key in one layer.
Chosen choose_from(const ServiceLayer& layer, std::size_t index, const ServiceKey& key) {
  Chosen chosen{.layer = index};
  const auto settings = layer.settings.find(key.name);
  if (settings == layer.settings.end()) return chosen;
  for (const Setting& setting : settings->second) {
    const Verdict verdict = judge_setting(key.name, setting.value, said_by(layer));
    if (verdict.use == Use::refuse) chosen.refused = verdict.why;
    if (verdict.use != Use::yes) continue;
    if (!key.repeatable) chosen.values.clear();  // the last one counts
    chosen.values.push_back({setting.value, setting.at});
  }
  return chosen;
}

Chosen choose(const std::vector<const ServiceLayer*>& layers, const ServiceKey& key) {
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (Chosen chosen = choose_from(*layers[i], i, key); chosen.said()) return chosen;
  return {};
}

// Values were judged before they were chosen.
void apply_all(Subject& subject, const ServiceKey& key, const std::vector<Said>& values) {
  for (const Said& said : values) {
    subject.at = said.at;
    if (const Status status = key.apply(subject, said.value); !status) return;
  }
}

// Of a service: each takes room, and time at each request.
constexpr std::size_t patterns_most = 64;

struct SaidOption {
  std::string name, value;
  Position at;
  std::string refused;  // not empty: it can't be done, and the route is not served without it
};

// A route as the layers say it together.
struct Claim {
  Route route;
  std::size_t first_layer = 0;
  std::map<std::size_t, std::vector<SaidOption>> options;  // by layer
};

class Merger {
 public:
  Merger(MergeInput input, const MergeContext& context) : input_(std::move(input)), context_(context) {}

  Merged run() {
    Agreement agreement =
        agree(input_.name, std::move(input_.instances), input_.yaml, input_.previous, context_.datacenter);
    out_.findings = std::move(agreement.findings);
    if (input_.yaml != nullptr) layers_.push_back(input_.yaml);
    for (const ServiceLayer& layer : agreement.layers) review_and_add(layer);
    if (input_.entries != nullptr) review_and_add(*input_.entries);
    collect_claims();
    if (input_.everywhere != nullptr) layers_.push_back(input_.everywhere);

    apply_service_keys();
    for (Claim& claim : claims_) finish_route(claim);
    finish_tcp();
    finish_standing();
    for (InstanceLayers& member : agreement.members) add_instance(member);
    out_.service = std::move(subject_.service);
    out_.service.name = input_.name;
    out_.certificate = subject_.certificate;
    return std::move(out_);
  }

 private:
  void review_and_add(const ServiceLayer& layer) {
    const Findings wrong = review_layer(layer, input_.name);
    out_.findings.insert(out_.findings.end(), wrong.begin(), wrong.end());
    layers_.push_back(&layer);
  }

  bool permitted(const ServiceLayer& layer, const RouteMatch& match) const {
    if (said_by(layer) == Trust::file_only || context_.permit_hosts.empty()) return true;
    return std::any_of(context_.permit_hosts.begin(), context_.permit_hosts.end(),
                       [&](const std::string& pattern) { return permits(pattern, match.host); });
  }

  Claim& claim_of(const RouteMatch& match, std::size_t layer, const Position& at) {
    const auto [known, fresh] = claim_index_.try_emplace(claim_key(match), claims_.size());
    if (!fresh) return claims_[known->second];
    Claim claim{.first_layer = layer};
    claim.route.match = match;
    claim.route.at = {at};
    claim.route.spelling = layers_[layer]->spelling;
    return claims_.emplace_back(std::move(claim));
  }

  void collect_claims() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto routes = layers_[i]->settings.find("route");
      if (routes == layers_[i]->settings.end()) continue;
      for (const Setting& setting : routes->second) add_claim(i, setting);
    }
  }

  void add_claim(std::size_t index, const Setting& setting) {
    const ServiceLayer& layer = *layers_[index];
    Result<RouteSetting> route = parse_route(setting.value);
    if (!route) return;  // told by the review: without a match there is nothing to refuse
    if (!permitted(layer, route->match)) {
      out_.findings.push_back(
          {setting.at, setting_path(layer, input_.name, "route"),
           route->match.text() + ": catalog.permit.hosts does not let tags claim this; left out"});
      return;
    }
    Claim& claim = claim_of(route->match, index, setting.at);
    if (!setting.refused.empty()) claim.route.refused = setting.refused;
    for (const HeaderMatch& each : route->match.headers)
      if (each.pattern.is_said()) patterns_.insert(each.pattern.text());
    if (patterns_.size() > patterns_most)
      claim.route.refused = "more than " + std::to_string(patterns_most) + " regular expressions in one service";
    for (Option& option : route->options) add_option(claim, index, setting.at, std::move(option));
  }

  // A wrong option refuses the route: without it the route would not be what was asked for. A later layer's wrong
  // option can't take an earlier one's route away, unless it restricts.
  void add_option(Claim& claim, std::size_t layer, const Position& at, Option option) {
    const ServiceKey* key = find_service_key(option.name);
    const bool restricts = key != nullptr && key->restricting;
    Subject scratch;
    const Status fine = apply_route_option(scratch, option.name, option.value, said_by(*layers_[layer]));
    const auto later = fine ? not_carried(option.name, option.value) : std::nullopt;
    SaidOption said{option.name, std::move(option.value), at, {}};
    if (!fine) said.refused = fine.error().what;
    if (later) said.refused = option.name + ": " + later->what;
    if (later ? !later->refused : !fine && !restricts) {
      if (!fine && layer == claim.first_layer) claim.route.refused = said.refused;
      return;
    }
    claim.options[layer].push_back(std::move(said));
  }

  void apply_service_keys() {
    for (const ServiceKey& key : service_keys()) {
      if (key.apply == nullptr || key.scope == Scope::instance) continue;
      Chosen chosen = choose(layers_, key);
      if (!chosen.said()) continue;
      if (key.scope == Scope::route) {
        for_all_routes_.emplace(key.name, std::move(chosen));
        continue;
      }
      const bool everywhere = layers_[chosen.layer] == input_.everywhere;
      if (key.name == "tcp" && everywhere) continue;  // told by the review
      // A primary or a database of another datacenter is another one: that has to be said of it.
      const bool delicate = subject_.service.single || !subject_.service.tcp.empty();
      if (key.name == "failover" && everywhere && delicate) continue;
      if (!chosen.refused.empty()) refused_ = chosen.refused;
      apply_all(subject_, key, chosen.values);
      if (key.name == "tcp")
        for (TcpEntry& entry : subject_.service.tcp) entry.spelling = layers_[chosen.layer]->spelling;
      on_unhealthy_said_ = on_unhealthy_said_ || key.name == "on_unhealthy";
      if (key.scope == Scope::host) out_.certificate_by_file = said_by(*layers_[chosen.layer]) == Trust::file_only;
    }
    Service& service = subject_.service;
    if (service.single && !on_unhealthy_said_) service.on_unhealthy = OnUnhealthy::close;
    if (!service.tls_ca_file.empty()) service.tls_ca_file = path_from(context_.folder, service.tls_ca_file);
    if (service.tls_certificate_file.empty()) return;
    service.tls_certificate_file = path_from(context_.certificates, service.tls_certificate_file);
    service.tls_key_file = path_from(context_.certificates, service.tls_key_file);
  }

  // What the options of this name say in the first layer that has any, if that is not after the given one.
  static Chosen choose_option(const Claim& claim, std::string_view name, std::size_t last) {
    Chosen chosen;
    for (const auto& [layer, options] : claim.options) {
      if (layer > last) break;
      for (const SaidOption& option : options) {
        if (option.name != name) continue;
        if (option.refused.empty()) chosen.values.push_back({option.value, option.at});
        if (!option.refused.empty()) chosen.refused = option.refused;
      }
      if (chosen.said()) break;
    }
    return chosen;
  }

  void finish_route(Claim& claim) {
    Route& route = claim.route;
    Subject subject;
    for (const std::string_view name : {"strip", "prepend", "redirect"}) {
      const Chosen chosen = choose_option(claim, name, layers_.size());
      if (chosen.values.empty()) continue;
      const Status status = apply_route_option(subject, name, chosen.values.back().value, Trust::file_only);
      if (!status) route.refused = status.error().what;
    }
    for (const ServiceKey& key : service_keys()) {
      if (key.scope != Scope::route) continue;
      const auto general = for_all_routes_.find(key.name);
      const bool has_general = general != for_all_routes_.end();
      Chosen chosen = choose_option(claim, key.name, has_general ? general->second.layer : layers_.size());
      bool own = chosen.said();
      if (!own && has_general) chosen = general->second, own = is_own(chosen);
      if (own) out_.standing.said[claim_key(route.match)].insert(key.name);
      apply_all(subject, key, chosen.values);
      if (!chosen.refused.empty()) route.refused = chosen.refused;
    }
    if (const std::string missing = missing_limit(subject.route.rate_limits); !missing.empty()) {
      route.refused = missing;
      out_.findings.push_back({claim.route.at, input_.name + ": " + route.match.text(), missing});
    }
    if (!refused_.empty()) route.refused = refused_;
    route.policy = std::move(subject.route);
    for (Page& page : route.policy.pages) page.file = path_from(context_.folder, page.file);
    if (Files* files = route.policy.files ? &*route.policy.files : nullptr)
      files->folder = path_from(context_.folder, files->folder);
    if (route.policy.files) tell_idle_shares(route);
    subject_.service.routes.push_back(std::move(route));
  }

  // What no backend answers is neither shared out nor copied.
  void tell_idle_shares(const Route& route) {
    for (const auto& [key, share] :
         {std::pair("canary", &subject_.service.canary), std::pair("mirror", &subject_.service.mirror)})
      if (!share->service.empty())
        out_.findings.push_back({route.at, input_.name + ": " + route.match.text(),
                                 std::string(key) + ": does nothing to a route with files, which no backend answers",
                                 Severity::warning});
  }

  // A limit that nobody defined limits nothing: to serve without it would be more than was asked for.
  std::string missing_limit(const std::vector<std::string>& names) const {
    for (const std::string& name : names)
      if (!context_.rate_limits.contains(name))
        return "rate_limit: " + name + ": guard.rate_limits has no limit of this name";
    return {};
  }

  // What is said of all routes holds for TCP connections, as far as it means something to them.
  void finish_tcp() {
    Subject subject;
    subject.route.idle_timeout = TcpPolicy().idle_timeout;
    std::string refused = refused_;
    for (const auto& [name, chosen] : for_all_routes_) {
      apply_all(subject, *find_service_key(name), chosen.values);
      if (!chosen.refused.empty()) refused = chosen.refused;
    }
    RoutePolicy& said = subject.route;
    if (!said.auth.said.empty()) refused = "auth: can't be asked of a TCP connection";
    if (said.maintenance.on && (said.maintenance.allow.empty() || !said.allow.empty())) refused = "maintenance";
    if (said.maintenance.on) said.allow = said.maintenance.allow;
    if (const std::string missing = missing_limit(said.rate_limits); !missing.empty()) refused = missing;
    const TcpPolicy policy{.connect_timeout = said.connect_timeout,
                           .idle_timeout = said.idle_timeout,
                           .total_timeout = said.total_timeout,
                           .retry = std::move(said.retry),
                           .allow = std::move(said.allow),
                           .deny = std::move(said.deny),
                           .rate_limits = std::move(said.rate_limits)};
    for (TcpEntry& entry : subject_.service.tcp) {
      entry.policy = policy;
      entry.refused = refused;
    }
  }

  // Whether gatehouse.yaml or tags say it of this service.
  bool is_own(const Chosen& chosen) const {
    const ServiceLayer* layer = layers_[chosen.layer];
    return layer != input_.everywhere && layer != input_.entries;
  }

  void finish_standing() {
    Subject subject;
    Standing& standing = out_.standing;
    standing.refused = refused_;
    for (const auto& [name, chosen] : for_all_routes_) {
      if (!is_own(chosen)) continue;
      apply_all(subject, *find_service_key(name), chosen.values);
      if (!chosen.refused.empty()) standing.refused = chosen.refused;
    }
    standing.allow = std::move(subject.route.allow);
    standing.deny = std::move(subject.route.deny);
    standing.auth = std::move(subject.route.auth.said);
    standing.methods = std::move(subject.route.methods);
    standing.rate_limits = std::move(subject.route.rate_limits);
    if (const std::string missing = missing_limit(standing.rate_limits); !missing.empty()) standing.refused = missing;
  }

  void add_instance(InstanceLayers& member) {
    Subject subject;
    subject.instance = std::move(member.instance);
    std::vector<const ServiceLayer*> layers;
    if (input_.yaml != nullptr) layers.push_back(input_.yaml);
    for (const ServiceLayer& layer : member.layers) layers.push_back(&layer);
    if (input_.everywhere != nullptr) layers.push_back(input_.everywhere);
    for (const ServiceKey& key : service_keys()) {
      if (key.scope != Scope::instance) continue;
      apply_all(subject, key, choose(layers, key).values);
      review_instance_key(member, key, subject.instance);
    }
    subject_.service.instances.push_back(std::move(subject.instance));
  }

  // An instance's own keys are not agreed upon, so they are reviewed one by one.
  void review_instance_key(const InstanceLayers& member, const ServiceKey& key, const Instance& instance) {
    for (const ServiceLayer& layer : member.layers) {
      const auto said = layer.settings.find(key.name);
      if (said == layer.settings.end()) continue;
      for (const Setting& setting : said->second) {
        const Verdict verdict = judge_setting(key.name, setting.value, said_by(layer));
        if (verdict.use == Use::yes) continue;
        const bool wrong = check_setting(key.name, setting.value, said_by(layer)).has_value();
        out_.findings.push_back(
            {setting.at, input_.name + ": " + instance.id + ": gatehouse." + std::string(key.name),
             verdict.why.substr(key.name.size() + 2), wrong ? Severity::error : Severity::warning});
      }
    }
  }

  MergeInput input_;
  const MergeContext& context_;
  Merged out_;
  std::vector<const ServiceLayer*> layers_;  // in the order of precedence
  std::vector<Claim> claims_;
  std::map<std::string, std::size_t> claim_index_;
  std::map<std::string_view, Chosen> for_all_routes_;
  std::string refused_;  // every route is, and why
  std::set<std::string> patterns_;
  bool on_unhealthy_said_ = false;
  Subject subject_;
};

}  // namespace

std::string path_from(const std::string& folder, const std::string& path) {
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

std::vector<Page> default_pages(const ServiceLayer& everywhere, const MergeContext& context) {
  const ServiceKey& key = *find_service_key("pages");
  Subject subject;
  apply_all(subject, key, choose_from(everywhere, 0, key).values);
  for (Page& page : subject.route.pages) page.file = path_from(context.folder, page.file);
  return std::move(subject.route.pages);
}

Merged merge_service(MergeInput input, const MergeContext& context) {
  return Merger(std::move(input), context).run();
}

}  // namespace gatehouse::conf
