#include "conf/catalog/translate.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "conf/auth_load.h"
#include "conf/catalog/check_target.h"
#include "conf/catalog/entry_routes.h"
#include "conf/catalog/fabio_pool.h"
#include "conf/catalog/own_address.h"
#include "conf/catalog/passed_over.h"
#include "conf/catalog/spellings.h"
#include "conf/catalog/taken_addresses.h"
#include "conf/claims.h"
#include "conf/merge.h"
#include "conf/review.h"
#include "conf/tcp_claims.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

using conf::Findings;
using conf::Severity;

struct Certificate {
  std::string name;
  bool by_file = false;
};

std::set<std::string> limit_names(const conf::Guard& guard) {
  std::set<std::string> names;
  for (const auto& [name, limit] : guard.rate_limits) names.insert(name);
  return names;
}

class Translation {
 public:
  explicit Translation(const TranslateInput& input) : input_(input) {
    if (input_.previous != nullptr)
      for (const auto& service : input_.previous->services) previous_.emplace(service->name, service);
  }

  conf::RoutingTable run() {
    merge_services();
    apply_config_entries();
    tell_of_tags_not_read();
    add(pool_fabio_routes(services_, input_.previous));
    add(settle_datacenters(services_, input_.config, input_.failed_over, input_.at_home));
    add(conf::settle_claims(services_, input_.previous));
    add(conf::settle_tcp_claims(services_, input_.previous, input_.config));
    std::erase_if(services_, [](const conf::Service& service) { return !is_served(service); });
    tcp_addresses_ = conf::tcp_addresses(services_);
    taken_ = TakenAddresses(input_.instances, services_);
    for (conf::Service& service : services_) keep_usable_instances(service);
    add(conf::load_pages(services_, out_.pages, input_.previous, input_.read_file));
    add(conf::load_auth(services_, input_.config, input_.previous, input_.read_file));
    set_hosts();
    share();
    tidy_findings();
    return std::move(out_);
  }

 private:
  void add(const Findings& findings) { out_.findings.insert(out_.findings.end(), findings.begin(), findings.end()); }

  static bool is_served(const conf::Service& service) { return !service.routes.empty() || !service.tcp.empty(); }

  void merge_services() {
    std::map<std::string, conf::MergeInput> inputs;
    const auto everywhere = input_.config.services.find("*");
    for (const auto& [name, layer] : input_.config.services)
      if (name != "*") inputs[name].yaml = &layer;
    std::vector<SpelledInstance> spelled = spell(input_.instances, input_.config);
    add(foreign_findings(spelled));
    for (std::size_t i = 0; i < spelled.size(); ++i) {
      const conf::Instance& instance = input_.instances[i];
      if (spelled[i].is_silent)
        out_.findings.push_back({instance.at, instance.service + ": " + instance.id,
                                 "asks for no route, as others of the service do by their tags: not used",
                                 Severity::note});
      else
        inputs[instance.service].instances.push_back(std::move(spelled[i].layers));
      instances_[instance.service].push_back(&instance);
    }
    const conf::MergeContext context{.permit_hosts = input_.config.catalog.permit_hosts,
                                     .folder = input_.config.folder,
                                     .certificates = input_.config.certificates.files,
                                     .datacenter = input_.config.node.datacenter,
                                     .rate_limits = limit_names(input_.config.guard)};
    if (everywhere != input_.config.services.end()) out_.pages = conf::default_pages(everywhere->second, context);
    for (auto& [name, merge] : inputs) {
      merge.name = name;
      merge.everywhere = everywhere == input_.config.services.end() ? nullptr : &everywhere->second;
      if (const auto entry = input_.entries.resolvers.find(name); entry != input_.entries.resolvers.end())
        merge.entries = &entry->second.keys;
      if (const auto before = previous_.find(name); before != previous_.end()) merge.previous = before->second.get();
      conf::Merged merged = conf::merge_service(std::move(merge), context);
      add(merged.findings);
      if (!merged.certificate.empty()) certificates_[name] = {merged.certificate, merged.certificate_by_file};
      if (!input_.entries.empty()) standings_.emplace(name, std::move(merged.standing));
      services_.push_back(std::move(merged.service));
    }
  }

  // Those that nothing leads to may still have the instances that others' traffic goes to.
  void apply_config_entries() {
    EntryOutcome outcome = apply_entries(services_, input_.entries, standings_);
    add(input_.entries.findings);
    add(outcome.findings);
    for (const conf::Service& service : services_)
      if (!is_served(service) && !outcome.used.contains(service.name)) tell_of_no_route(service.name);
    std::erase_if(services_, [](const conf::Service& service) { return !is_served(service); });
  }

  // Foreign ones of a service that nothing leads to are told already.
  void tell_of_tags_not_read() {
    PassedOver passed([&](std::string_view spelling) { return is_on(input_.config, spelling); });
    const auto tell_of = [&](const std::string& service, bool served) {
      std::vector<std::string> tags;
      for (const conf::Instance* instance : instances_[service])
        tags.insert(tags.end(), instance->tags.begin(), instance->tags.end());
      if (tags.empty()) return;
      const conf::Position& at = instances_[service][0]->at;
      served ? passed.add_foreign(service, at, tags) : passed.add_misspelt(service, at, tags);
    };
    for (const auto& [service, instances] : instances_) {
      tell_of(service, false);
      for (const conf::Instance* instance : instances)
        if (instance->tags_left_out != 0)
          out_.findings.push_back({instance->at, service + ": " + instance->id,
                                   "has " + std::to_string(instance->tags_left_out) +
                                       " tags too many: " + std::to_string(tags_most) + " are read at most, of " +
                                       std::to_string(tags_bytes_most >> 10) + " KiB together"});
    }
    for (const conf::Service& service : services_)
      if (is_served(service)) tell_of(service.name, true);
    add(passed.findings());
  }

  void tell_of_no_route(const std::string& service) {
    const std::vector<const conf::Instance*>& instances = instances_[service];
    if (instances.empty() && input_.is_partial) return;  // who knows
    if (instances.empty())
      return out_.findings.push_back(
          {{}, "services." + service, "the catalog has no such service", Severity::warning});
    for (const conf::Instance* instance : instances) {
      for (const std::string& tag : instance->tags) {
        // What is wrong with it is told already.
        if (tag.starts_with("gatehouse.route=") || tag.starts_with("gatehouse.tcp=")) return;
        if (const std::string_view whose = spelling_of(tag);
            (whose == "fabio" || whose == "traefik") && !is_on(input_.config, whose))
          return out_.findings.push_back({instance->at, service,
                                          "no route leads to it; the tag " + tag + " is " + std::string(whose) +
                                              "'s: add that to catalog.spellings to have it read",
                                          Severity::warning});
        const std::size_t equals = tag.find('=');
        if (equals == std::string::npos || conf::find_service_key(tag.substr(0, equals)) == nullptr) continue;
        return out_.findings.push_back(
            {instance->at, service,
             "no route leads to it; was the tag " + tag + " meant to be gatehouse." + tag + "?", Severity::warning});
      }
    }
    out_.findings.push_back({instances[0]->at, service, "no route leads to it", Severity::note});
  }

  // Why an instance can't be an endpoint; empty: it can.
  std::string why_unusable(const conf::Instance& instance) const {
    if (const std::string by = taken_.by_whom(instance); !by.empty())
      return "held, but its address is " + by + "'s by now; not used";
    if (instance.port == 0) return "has no port; not used";
    if (!is_host(instance.address)) return instance.address + ": neither an address nor a host's name; not used";
    const std::optional<IpAddress> ip =
        instance.address == "localhost" ? IpAddress::v4(127, 0, 0, 1) : IpAddress::parse(instance.address);
    for (const conf::ConsulServer& consul : input_.config.catalog.consul)
      if (instance.address == consul.address.host && instance.port == consul.address.port)
        return "is the Consul agent of this door itself; not used";
    if (!ip) return {};  // a name: judged by what it resolves to, when the world is built
    const std::string own = own_address({*ip, instance.port}, input_.config, tcp_addresses_, input_.local_addresses);
    return own.empty() ? own : "is " + own + " of this door itself; not used";
  }

  void keep_usable_instances(conf::Service& service) {
    std::erase_if(service.instances, [](const conf::Instance& instance) { return instance.departed; });
    std::erase_if(service.instances, [&](const conf::Instance& instance) {
      const std::string why = why_unusable(instance);
      if (!why.empty()) out_.findings.push_back({instance.at, service.name + ": " + instance.id, why});
      return !why.empty();
    });
    if (!service.instances.empty()) return;
    const bool needs_none = std::ranges::all_of(service.routes, [](const conf::Route& route) {
      return route.policy.redirect.has_value() || route.policy.files.has_value();
    });
    if (!needs_none && !input_.is_partial)
      out_.findings.push_back(
          {service.routes[0].at, service.name, "has routes but no instance: they answer 503", Severity::warning});
    if (!service.tcp.empty() && !input_.is_partial)
      out_.findings.push_back({service.tcp[0].at, service.name,
                               "has no instance: connections to " + service.tcp[0].text() + " are closed",
                               Severity::warning});
  }

  // hosts: comes first; then what a service says of its hosts: in gatehouse.yaml before tags, the one that holds the
  // whole host before one that holds a part of it. A host is its service's wherever a router leads.
  void set_hosts() {
    out_.hosts = input_.config.hosts;
    for (auto& [name, policy] : out_.hosts)
      if (conf::not_carried("certificate", policy.certificate)) policy.certificate.clear();
    struct Wish {
      bool by_tags, part;
      std::size_t service;
      const conf::Route* route;
      const Certificate* certificate;
      std::string_view whose;
    };
    std::vector<Wish> wishes;
    for (std::size_t i = 0; i < services_.size(); ++i) {
      for (const conf::Route& route : services_[i].routes) {
        const std::string_view router = conf::router_of(route);
        const auto certificate = certificates_.find(router.empty() ? services_[i].name : std::string(router));
        if (certificate == certificates_.end() || route.match.host.empty()) continue;
        wishes.push_back({!certificate->second.by_file, route.match.path != "/", i, &route, &certificate->second,
                          certificate->first});
      }
    }
    std::sort(wishes.begin(), wishes.end(), [](const Wish& a, const Wish& b) {
      return std::tie(a.by_tags, a.part, a.service, a.route) < std::tie(b.by_tags, b.part, b.service, b.route);
    });
    for (const Wish& wish : wishes) {
      std::string& certificate = out_.hosts[wish.route->match.host].certificate;
      if (certificate.empty()) certificate = wish.certificate->name;
      if (certificate != wish.certificate->name)
        out_.findings.push_back(
            {wish.route->at, std::string(wish.whose) + ": certificate",
             wish.route->match.host + " has " + certificate + "; " + wish.certificate->name + " is ignored",
             Severity::warning});
    }
  }

  // Tags are strangers' bytes, and one service may hold any number of wrong ones.
  void tidy_findings() {
    Findings& findings = out_.findings;
    const std::size_t more = findings.size() - std::min(findings.size(), findings_max);
    if (more > 0)  // notes go first
      std::stable_partition(findings.begin(), findings.end(),
                            [](const conf::Finding& finding) { return finding.severity != Severity::note; });
    findings.resize(findings.size() - more);
    for (conf::Finding& finding : findings) {
      finding.path = conf::printable(finding.path);
      finding.what = conf::printable(finding.what);
    }
    if (more > 0) findings.push_back({{}, "catalog", "and " + std::to_string(more) + " more findings"});
  }

  void share() {
    for (conf::Service& service : services_) {
      const auto before = previous_.find(service.name);
      const bool same = before != previous_.end() && *before->second == service;
      out_.services.push_back(same ? before->second : std::make_shared<const conf::Service>(std::move(service)));
    }
  }

  const TranslateInput& input_;
  std::map<std::string_view, std::shared_ptr<const conf::Service>> previous_;  // by name
  std::map<std::string, std::vector<const conf::Instance*>> instances_;        // by service
  conf::RoutingTable out_;
  std::vector<conf::Service> services_;
  std::vector<SocketAddress> tcp_addresses_;  // that services open
  TakenAddresses taken_;
  std::map<std::string, Certificate> certificates_;  // by service
  Standings standings_;
};

}  // namespace

conf::RoutingTable translate(const TranslateInput& input) { return Translation(input).run(); }

}  // namespace gatehouse::catalog
