#include "conf/catalog/lint.h"

#include <algorithm>
#include <map>

#include "conf/catalog/spellings.h"
#include "conf/host_pattern.h"
#include "conf/route_value.h"
#include "conf/service_keys.h"
#include "conf/tcp_claims.h"
#include "conf/tcp_value.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

constexpr std::string_view native_prefix = "gatehouse.";

// What of a setting this release doesn't carry; empty: nothing.
std::string not_carried_of(std::string_view key, std::string_view value) {
  if (const auto later = conf::not_carried(key, value)) return std::string(key) + ": " + later->what;
  if (key != "route") return "";
  const Result<conf::RouteSetting> route = conf::parse_route(value);
  if (!route) return "";
  for (const conf::Option& option : route->options)
    if (const auto later = conf::not_carried(option.name, option.value)) return option.name + ": " + later->what;
  return "";
}

void judge_carried(TagVerdict& verdict) {
  for (const std::string& setting : verdict.native) {
    const std::size_t equals = setting.find('=');
    const std::string later = not_carried_of(setting.substr(0, equals), setting.substr(equals + 1));
    if (!later.empty()) verdict.is_unmapped(later, std::nullopt);
  }
}

bool permits_host(const conf::CatalogSource& permit, const std::string& host) {
  return permit.permit_hosts.empty() ||
         std::ranges::any_of(permit.permit_hosts, [&](const auto& each) { return conf::permits(each, host); });
}

// Why catalog.permit keeps a setting of a tag out; empty: it doesn't. A TLS listener of gatehouse.yaml may be shared.
std::string not_permitted(std::string_view key, std::string_view value, const conf::CatalogSource& permit,
                          std::span<const conf::Listen> listen) {
  if (key == "route") {
    const auto route = conf::parse_route(value);
    const bool may = !route || permits_host(permit, route->match.host);
    return may ? "" : route->match.text() + ": catalog.permit.hosts does not let tags claim this";
  }
  if (key != "tcp") return "";
  const auto entry = conf::parse_tcp(value);
  if (!entry) return "";
  const bool shared = std::ranges::any_of(listen, [&](const conf::Listen& each) {
    return each.tls && !entry->sni.empty() && conf::meet(each.address, entry->address);
  });
  const bool may_listen = shared || std::ranges::any_of(permit.permit_listen, [&](const auto& each) {
                            return conf::permits_listening(each, entry->address);
                          });
  if (!may_listen) return entry->text() + ": catalog.permit.listen does not let tags open this";
  const bool may_ask = entry->sni.empty() || permits_host(permit, entry->sni);
  return may_ask ? "" : entry->text() + ": catalog.permit.hosts does not let tags claim this name";
}

void judge_permitted(TagVerdict& verdict, const conf::CatalogSource& permit, std::span<const conf::Listen> listen) {
  std::vector<std::string> settings = verdict.native;
  if (verdict.tag.starts_with(native_prefix)) settings.push_back(verdict.tag.substr(native_prefix.size()));
  for (const std::string& setting : settings) {
    const std::size_t equals = std::min(setting.find('='), setting.size());
    const std::string_view value = std::string_view(setting).substr(std::min(equals + 1, setting.size()));
    const std::string no = not_permitted(setting.substr(0, equals), value, permit, listen);
    if (!no.empty()) verdict.is_unmapped(no, std::nullopt);
  }
}

TagVerdict native_verdict(const std::string& tag) {
  TagVerdict verdict{.tag = tag};
  const std::string setting = tag.substr(native_prefix.size());
  const std::size_t equals = std::min(setting.find('='), setting.size());
  const std::string key = setting.substr(0, equals), value = setting.substr(std::min(equals + 1, setting.size()));
  if (const auto wrong = conf::check_setting(key, value, conf::Trust::tags))
    verdict.is_unmapped(*wrong, std::nullopt);
  else if (const std::string later = not_carried_of(key, value); !later.empty())
    verdict.is_unmapped(later, std::nullopt);
  return verdict;
}

std::string fit_text(Fit fit) {
  return fit == Fit::exact ? "exact      " : fit == Fit::approximate ? "approximate" : "not mapped ";
}

}  // namespace

std::vector<LintLine> lint(std::span<const conf::Instance> instances, std::span<const conf::Listen> listen,
                           const conf::CatalogSource* permit) {
  conf::Config config;
  config.listen.assign(listen.begin(), listen.end());
  config.catalog.spellings = {"native", "fabio", "traefik"};
  std::vector<std::string> services;
  std::map<std::string, std::vector<LintLine>> by_service;
  for (SpelledInstance& spelled : spell(instances, config)) {
    const conf::Instance& instance = spelled.layers.instance;
    const auto [known, fresh] = by_service.try_emplace(instance.service);
    if (fresh) services.push_back(instance.service);
    std::vector<TagVerdict> verdicts;
    for (const std::string& tag : instance.tags)
      if (tag.starts_with(native_prefix)) verdicts.push_back(native_verdict(tag));
    for (TagVerdict& verdict : spelled.verdicts) judge_carried(verdicts.emplace_back(std::move(verdict)));
    for (TagVerdict& verdict : verdicts) {
      if (permit != nullptr) judge_permitted(verdict, *permit, listen);
      std::vector<LintLine>& lines = known->second;
      const auto same = std::find_if(lines.begin(), lines.end(), [&](const LintLine& line) {
        return line.verdict.tag == verdict.tag && line.verdict.why == verdict.why;
      });
      if (same != lines.end())
        ++same->instances;
      else
        lines.push_back({instance.service, std::string(spelling_of(verdict.tag)), std::move(verdict)});
    }
  }
  std::vector<LintLine> out;
  for (const std::string& service : services)
    for (LintLine& line : by_service[service]) out.push_back(std::move(line));
  return out;
}

std::string lint_text(std::span<const LintLine> lines) {
  std::string out;
  std::map<Fit, std::size_t> count;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& [service, spelling, verdict, instances] = lines[i];
    if (i == 0 || lines[i - 1].service != service) out += (i == 0 ? "" : "\n") + conf::printable(service) + "\n";
    out += "  " + fit_text(verdict.fit) + "  " + conf::printable(verdict.tag);
    if (instances > 1) out += "  (" + std::to_string(instances) + " instances)";
    out += "\n";
    if (spelling != "native")
      for (const std::string& setting : verdict.native)
        out += "               gatehouse." + conf::printable(setting) + "\n";
    if (!verdict.why.empty()) out += "               " + conf::printable(verdict.why) + "\n";
    ++count[verdict.fit];
  }
  if (!lines.empty()) out += "\n";
  return out + std::to_string(count[Fit::exact]) + " exact, " + std::to_string(count[Fit::approximate]) +
         " approximate, " + std::to_string(count[Fit::unmapped]) + " not mapped\n";
}

}  // namespace gatehouse::catalog
