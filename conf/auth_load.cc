#include "conf/auth_load.h"

#include <algorithm>
#include <map>
#include <set>

#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

using PolicyPtr = std::shared_ptr<const AuthPolicy>;

// The URLs that gatehouse.yaml's services name without a definition.
std::set<std::string> urls_said(const Config& config) {
  std::set<std::string> out;
  constexpr std::string_view said = "forward:";
  const auto note = [&](std::string_view value) {
    if (value.starts_with(said)) out.emplace(value.substr(said.size()));
  };
  for (const auto& [name, layer] : config.services) {
    if (const auto auth = layer.settings.find("auth"); auth != layer.settings.end())
      for (const Setting& setting : auth->second) note(setting.value);
    const auto routes = layer.settings.find("route");
    if (routes == layer.settings.end()) continue;
    for (const Setting& setting : routes->second)
      if (const Result<Words> words = parse_words(setting.value, Head::required))
        for (const Option& option : words->options)
          if (option.name == "auth") note(option.value);
  }
  return out;
}

class Loader {
 public:
  Loader(std::vector<Service>& services, const Config& config, const RoutingTable* previous,
         const ReadFile& read_file)
      : services_(services), config_(config), previous_(previous), read_file_(read_file), urls_(urls_said(config)) {}

  Findings run() {
    for (Service& service : services_)
      for (Route& route : service.routes)
        if (!route.policy.auth.said.empty()) resolve(service, route);
    for (auto& [name, service] : asked_) services_.push_back(std::move(service));
    if (!asked_.empty()) std::ranges::sort(services_, {}, &Service::name);
    return std::move(findings_);
  }

 private:
  struct Meaning {
    PolicyPtr policy;
    std::string refused;
  };

  void resolve(const Service& service, Route& route) {
    const auto [known, fresh] = meanings_.try_emplace(route.policy.auth.said);
    if (fresh) known->second = meaning(route.policy.auth.said);
    route.policy.auth.policy = known->second.policy;
    if (known->second.policy) return;
    route.refused = "auth=" + route.policy.auth.said + ": " + known->second.refused;
    findings_.push_back({route.at, service.name, route.match.text() + ": " + route.refused});
  }

  Meaning meaning(const std::string& said) {
    const std::size_t colon = said.find(':');
    const bool basic = said.substr(0, colon) == "basic";
    const std::string name = said.substr(colon + 1);
    const auto found = config_.auth.find(name);
    if (found != config_.auth.end()) {
      if (basic == found->second.file.empty())
        return {nullptr, "auth." + name + (basic ? " is no file" : " is no server") + " of gatehouse.yaml"};
      return basic ? by_file(said, name, found->second) : by_server(said, name, found->second);
    }
    const bool url = !basic && name.find("://") != std::string::npos;
    if (!url) {
      std::vector<std::string_view> names;
      for (const auto& [each, source] : config_.auth) names.push_back(each);
      return {nullptr, "gatehouse.yaml defines no auth." + name + did_you_mean(nearest(name, names))};
    }
    for (const auto& [each, source] : config_.auth)
      if (source.url == name) return by_server(said, each, source);
    if (!urls_.contains(name)) return {nullptr, "gatehouse.yaml names this URL nowhere, and only it may"};
    return by_server(said, name, AuthSource{.url = name});
  }

  PolicyPtr before(const std::string& said) const {
    if (previous_ == nullptr) return nullptr;
    for (const auto& service : previous_->services)
      for (const Route& route : service->routes)
        if (route.policy.auth.said == said) return route.policy.auth.policy;
    return nullptr;
  }

  PolicyPtr shared(const std::string& said, AuthPolicy policy) const {
    PolicyPtr old = before(said);
    return old && *old == policy ? old : std::make_shared<const AuthPolicy>(std::move(policy));
  }

  Meaning by_file(const std::string& said, const std::string& name, const AuthSource& source) {
    const std::string path = "auth." + name + ".file";
    const Result<std::string> text = read_file_(source.file);
    if (!text) {
      const PolicyPtr old = before(said);
      findings_.push_back({{}, path, text.error().what + (old ? "; its last names stay in force" : "")});
      return {old, text.error().what};
    }
    PasswordFile file = parse_password_file(*text);
    for (const std::string& wrong : file.wrong) findings_.push_back({{}, path, source.file + ": " + wrong});
    if (file.logins.empty()) findings_.push_back({{}, path, source.file + ": names nobody", Severity::warning});
    AuthPolicy policy{.kind = AuthPolicy::Kind::basic, .logins = std::move(file.logins)};
    policy.realm = source.realm.empty() ? name : source.realm;
    return {shared(said, std::move(policy)), {}};
  }

  Meaning by_server(const std::string& said, const std::string& name, const AuthSource& source) {
    const Result<AuthUrl> url = parse_auth_url(source.url);
    if (!url) return {nullptr, url.error().what};
    Service service;
    service.name = std::string(auth_service_prefix) + (name == source.url ? url->authority : name);
    const bool taken = std::ranges::any_of(services_, [&](const Service& each) { return each.name == service.name; });
    if (taken) return {nullptr, "the catalog has a service " + service.name};
    service.protocol = url->tls ? Protocol::https : Protocol::http;
    service.host = url->authority;
    service.health_none = true;
    Instance instance;
    instance.datacenter = config_.node.datacenter;
    instance.node = config_.node.name;
    instance.service = instance.id = service.name;
    instance.address = url->host;
    instance.port = url->port;
    service.instances.push_back(std::move(instance));
    AuthPolicy policy{.kind = AuthPolicy::Kind::forward, .service = service.name, .target = url->target};
    policy.fields = source.fields;
    policy.timeout = source.timeout;
    asked_.emplace(service.name, std::move(service));
    return {shared(said, std::move(policy)), {}};
  }

  std::vector<Service>& services_;
  const Config& config_;
  const RoutingTable* previous_;
  const ReadFile& read_file_;
  const std::set<std::string> urls_;
  std::map<std::string, Meaning> meanings_;
  std::map<std::string, Service> asked_;
  Findings findings_;
};

}  // namespace

Findings load_auth(std::vector<Service>& services, const Config& config, const RoutingTable* previous,
                   const ReadFile& read_file) {
  return Loader(services, config, previous, read_file).run();
}

std::vector<std::string> password_files(const Config& config) {
  std::vector<std::string> out;
  for (const auto& [name, source] : config.auth)
    if (!source.file.empty()) out.push_back(source.file);
  return out;
}

}  // namespace gatehouse::conf
