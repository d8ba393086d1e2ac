#include "conf/check.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "conf/guard_check.h"
#include "conf/tcp_claims.h"
#include "conf/tunnel_keys.h"
#include "conf/values.h"

namespace gatehouse::conf {
namespace {

std::string listen_path(std::size_t i, std::string_view key) {
  return "listen[" + std::to_string(i) + "]." + std::string(key);
}

class Check {
 public:
  explicit Check(const ReadConfig& read) : config_(read.config), read_(read) {}

  Findings run() {
    listeners();
    tls();
    acme();
    hosts();
    networks();
    auth();
    metrics();
    consuls();
    heads();
    add_findings(findings_, check_guard(config_));
    add_findings(findings_, check_tunnel(config_, [this](std::string_view path) { return sound(path); }));
    if (config_.access_log.to == config_.event_log.to && config_.access_log.to.starts_with('/'))
      error("logs.events.to", "the same file as logs.access.to; write one of them elsewhere");
    place(findings_, read_.positions);
    return std::move(findings_);
  }

 private:
  // A key that could not be read is not judged by the default that it has now.
  bool sound(std::string_view path) const { return !has_error_at(read_.findings, path); }

  void listeners() {
    const auto& all = config_.listen;
    if (all.empty() && sound("listen") && config_.tunnel.empty())
      error("listen", "no listener: nothing would be served");
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        if (all[i].name == all[j].name && !all[i].name.empty())
          error(listen_path(i, "name"), all[i].name + ": this name is taken already");
        if (meet(all[i].address, all[j].address)) error(listen_path(i, "address"), taken(all[i].address, all[j]));
      }
  }

  static std::string taken(const SocketAddress& address, const Listen& by) {
    return address.text() + ": taken by " + by.name + (address == by.address ? "" : ", at " + by.address.text());
  }

  void auth() {
    for (const auto& [name, source] : config_.auth) {
      const std::string path = "auth." + name;
      if (source.file.empty() == source.url.empty() && sound(path + ".file") && sound(path + ".url"))
        error(path, source.file.empty() ? "write file or url" : "has a file and a url; write two entries");
      if (source.fields.size() > 32) error(path + ".fields", "more than 32");
    }
  }

  // A head has to fit a slab of 64 KiB, with what is added to it on its way to a backend.
  void heads() {
    constexpr std::size_t most = 62 << 10;
    const std::size_t both = config_.limits.request_line + config_.limits.fields;
    if (both > most)
      error("limits.fields",
            "makes " + size_text(both) + " with limits.request_line; a head holds " + size_text(most) + " at most");
  }

  void tls() {
    if (!config_.certificates.files.empty() || !sound("certificates.files") || config_.certificates.acme.on()) return;
    for (std::size_t i = 0; i < config_.listen.size(); ++i)
      if (config_.listen[i].tls)
        error(listen_path(i, "tls"),
              "a TLS listener needs certificates: write where they are in certificates.files, or which hosts are "
              "to get theirs in certificates.acme.permit");
  }

  void acme() {
    const Acme& acme = config_.certificates.acme;
    const std::string path = "certificates.acme";
    if (!acme.on()) {
      if (acme != Acme() && sound(path + ".permit"))
        warn(path, "nothing is obtained: write the hosts that are to get certificates in certificates.acme.permit");
      return;
    }
    if (acme.directories.empty() && sound(path + ".directories"))
      error(path + ".directories", "no CA is left to ask; leave the key out for Let's Encrypt");
    if (!acme.agree_tos && sound(path + ".agree_tos"))
      error(path, "a CA asks for consent to its terms of service: read them, then write agree_tos: true");
    dns_zones();
    for (std::size_t i = 0; i < acme.directories.size(); ++i) {
      const AcmeDirectory& one = acme.directories[i];
      const std::string at = path + ".directories[" + std::to_string(i) + "]";
      if (one.eab.kid.empty() == one.eab.hmac.said())
        error(at + ".eab", "kid and hmac belong together: the CA gave out both");
      for (std::size_t j = 0; j < i; ++j)
        if (acme.directories[j].url == one.url) error(at + ".url", one.url + ": stands in this list already");
    }
  }

  // What a provider needs, and whether there is one at all.
  void dns_zones() {
    const Acme& acme = config_.certificates.acme;
    const std::string path = "certificates.acme.dns";
    if (!acme.wildcards.empty() && acme.dns.empty() && sound(path))
      error("certificates.acme.wildcards", "wildcards are had by dns-01 alone: write who writes its records in dns");
    for (std::size_t i = 0; i < acme.dns.size(); ++i) {
      const DnsZone& zone = acme.dns[i];
      const std::string at = path + "[" + std::to_string(i) + "]";
      const auto needs = [&](bool there, const char* key, const char* what) {
        if (!there && sound(at + "." + key)) error(at, std::string("write ") + key + ": " + what);
      };
      using Provider = DnsZone::Provider;
      if (zone.provider == Provider::gandi) needs(zone.token.said(), "token", "a personal access token of Gandi");
      if (zone.provider == Provider::exec) needs(!zone.command.empty(), "command", "the program to be run");
      if (zone.provider == Provider::rfc2136) {
        needs(!zone.server.empty(), "server", "who takes updates, as in 192.0.2.1:53");
        needs(!zone.key.empty(), "key", "a file with the TSIG key");
      }
      if (zone.provider == Provider::acme_dns) {
        needs(!zone.url.empty(), "url", "of its API, as in https://auth.shop.example");
        needs(!zone.account.empty(), "account", "the file of its accounts");
      }
      const auto is_for = [&](bool there, const char* key, std::initializer_list<Provider> whose) {
        if (there && std::find(whose.begin(), whose.end(), zone.provider) == whose.end())
          warn(at + "." + key, "this provider has no use for it: it counts for nothing");
      };
      is_for(zone.token.said(), "token", {Provider::gandi});
      is_for(!zone.url.empty(), "url", {Provider::gandi, Provider::acme_dns});
      is_for(!zone.ca.empty(), "ca", {Provider::gandi, Provider::acme_dns});
      is_for(!zone.server.empty(), "server", {Provider::rfc2136});
      is_for(!zone.key.empty(), "key", {Provider::rfc2136});
      is_for(!zone.account.empty(), "account", {Provider::acme_dns});
      is_for(!zone.command.empty(), "command", {Provider::exec});
      for (std::size_t j = 0; j < i; ++j)
        if (acme.dns[j].zone == zone.zone) error(at + ".zone", zone.zone + ": stands in this list already");
    }
  }

  void hosts() {
    const bool has_tls =
        std::any_of(config_.listen.begin(), config_.listen.end(), [](const Listen& l) { return l.tls; });
    for (const auto& [name, host] : config_.hosts) {
      const std::string path = "hosts." + name;
      if (host.certificate.starts_with("file:") && config_.certificates.files.empty() && sound("certificates.files"))
        error(path + ".certificate", "there is no folder to find it in: write certificates.files");
      if (has_tls || !sound("listen")) continue;
      if (host.http == HttpMode::redirect) warn(path + ".http", "there is no TLS listener to redirect to");
      if (host.hsts && *host.hsts > 0ms) warn(path + ".hsts", "is sent over TLS alone, and there is no TLS listener");
    }
  }

  static bool is_everybody(const IpPrefix& prefix) {
    return prefix.length == 0 || (prefix.address.is_v4() && prefix.length == 96);
  }
  static bool has_everybody(const std::vector<IpPrefix>& list) {
    return std::any_of(list.begin(), list.end(), is_everybody);
  }

  void networks() {
    if (has_everybody(config_.trusted_proxies))
      warn("trusted_proxies", "everybody is believed: any client can make up its address");
    for (std::size_t i = 0; i < config_.listen.size(); ++i)
      if (has_everybody(config_.listen[i].proxy_protocol))
        warn(listen_path(i, "proxy_protocol"), "everybody is believed: any client can make up its address");
  }

  void metrics() {
    const Metrics& metrics = config_.metrics;
    for (const Listen& listen : config_.listen)
      if (sound("metrics.address") && meet(listen.address, metrics.address))
        error("metrics.address", taken(metrics.address, listen));
    if (metrics.address.ip.is_loopback()) return;
    if (has_everybody(metrics.allow) && !metrics.address.ip.is_private())
      warn("metrics.allow", "everybody may read the metrics at " + metrics.address.text());
    if (std::all_of(metrics.allow.begin(), metrics.allow.end(),
                    [](const IpPrefix& prefix) { return prefix.address.is_loopback(); }))
      warn("metrics.address",
           metrics.address.text() + ": none but this machine may read it; write in metrics.allow who else may");
  }

  // What two of one place say could not be told apart.
  void consuls() {
    const auto& all = config_.catalog.consul;
    const auto place = [](const ConsulServer& server) {
      return std::tie(server.datacenter, server.partition, server.namespace_);
    };
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (place(all[i]) == place(all[j]))
          error("catalog.consul[" + std::to_string(i) + "].datacenter",
                "the same as that of catalog.consul[" + std::to_string(j) +
                    "]: write whose services each of them is asked for");
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string token = "catalog.consul[" + std::to_string(i) + "].token.file";
      if (all[i].token.file.empty() && all[i].token.env.empty() && read_.positions.contains(token))
        warn(token, "an empty path: Consul is asked without a token; name the file, or leave `token` out");
    }
  }

  void error(const std::string& path, std::string what) { findings_.push_back({{}, path, std::move(what)}); }
  void warn(const std::string& path, std::string what) {
    findings_.push_back({{}, path, std::move(what), Severity::warning});
  }

  const Config& config_;
  const ReadConfig& read_;
  Findings findings_;
};

}  // namespace

Findings check_config(const ReadConfig& read) { return Check(read).run(); }

Findings check_listed_services(const Config& config, const std::set<std::string>& catalog) {
  std::vector<std::string_view> known(catalog.begin(), catalog.end());
  for (const auto& [name, layer] : config.services)
    if (name != "*") known.push_back(name);
  Findings findings;
  for (std::size_t i = 0; i < config.listen.size(); ++i)
    for (const std::string& name : config.listen[i].only)
      if (std::find(known.begin(), known.end(), name) == known.end())
        findings.push_back({{},
                            listen_path(i, "only"),
                            name + ": no service of this name" + did_you_mean(nearest(name, known)),
                            Severity::warning});
  return findings;
}

}  // namespace gatehouse::conf
