// What the keys of `tunnel:` need of each other.
#include <algorithm>
#include <set>

#include "conf/service_values.h"
#include "conf/tcp_claims.h"
#include "conf/tunnel_keys.h"
#include "conf/values.h"

namespace gatehouse::conf {
namespace {

using Sound = std::function<bool(std::string_view)>;

std::string indexed(const std::string& list, std::size_t i) { return list + "[" + std::to_string(i) + "]"; }

class Check {
 public:
  Check(const Config& config, const Sound& sound) : config_(config), tunnel_(config.tunnel), sound_(sound) {}

  Findings run() {
    for (std::size_t i = 0; i < tunnel_.accept.size(); ++i) accept(i);
    for (std::size_t i = 0; i < tunnel_.connect.size(); ++i) connect(i);
    for (const auto& [name, layer] : config_.services) through(name, layer);
    for (const auto& [name, offer] : tunnel_.offer) {
      const std::string path = "tunnel.offer." + name;
      if (offer.to.empty() && sound_(path)) error(path, "write where the service is, as in 127.0.0.1:5432");
      if (!is_allowed(name) && sound_("tunnel.accept")) warn(path, "no identity may reach it");
    }
    return std::move(findings_);
  }

 private:
  void accept(std::size_t i) {
    const TunnelAccept& accept = tunnel_.accept[i];
    const std::string path = indexed("tunnel.accept", i);
    secrets(path + ".secrets", accept.secrets, true);
    taken(path + ".address", accept.address);
    for (std::size_t j = 0; j < i; ++j)
      if (tunnel_.accept[j].called() == accept.called()) error(path + ".name", "this name is taken already");
    if (!accept.service.empty()) offered(path + ".service", accept.service);
    if (accept.allow.empty() && sound_(path + ".allow"))
      warn(path + ".allow", "nobody may come in: write which identity may reach which service");
    std::set<std::string> known;
    for (std::size_t j = 0; j < accept.allow.size(); ++j) {
      const TunnelAllow& allow = accept.allow[j];
      const std::string at = indexed(path + ".allow", j);
      if (!known.insert(allow.identity).second)
        error(at + ".identity", allow.identity + ": named twice; write its services as one list");
      for (const std::string& service : allow.services) offered(at + ".service", service);
      if (allow.services.empty() && accept.service.empty())
        error(at + ".service", "write what it may reach: a name that tunnel.offer has, or a list of such");
      const bool hit =
          accept.service.empty() || allow.services.empty() ||
          std::find(allow.services.begin(), allow.services.end(), accept.service) != allow.services.end();
      if (!hit)
        error(at + ".service", "all who come in here are led to " + accept.service + ", which it may not reach");
    }
  }

  void connect(std::size_t i) {
    const TunnelConnect& connect = tunnel_.connect[i];
    const std::string path = indexed("tunnel.connect", i);
    for (std::size_t j = 0; j < i; ++j) {
      if (tunnel_.connect[j].name == connect.name)
        error(path + ".name", connect.name + ": this name is taken already");
      if (connect.listens() && tunnel_.connect[j].listen == connect.listen)
        error(path + ".listen", connect.listen.text() + ": taken by " + tunnel_.connect[j].name);
    }
    if (connect.listens() && sound_(path + ".listen")) listen(path + ".listen", connect);
    if (!connect.listens() && !is_dialled(connect.name) && sound_(path + ".listen"))
      warn(path + ".listen", "nothing listens, and no service leads through it: write where programs connect");
    if (connect.to.empty() && sound_(path + ".to")) error(path + ".to", "write where it leads to");
    if (connect.tls == TunnelTls::v12 && !connect.service.empty() && connect.service.size() > 253)
      error(path + ".service", "too long for SNI");
    for (std::size_t j = 0; j < connect.to.size(); ++j) {
      const std::string at = indexed(path + ".to", j);
      secrets(at + ".secret", connect.to[j].secret, false);
      if (connect.to[j].identity.empty() && !connect.to[j].secret.folder.empty())
        error(at + ".identity", "a folder of keys has no first one: write who we are");
    }
  }

  // A service that can't go through its tunnel must not go without.
  void through(const std::string& service, const ServiceLayer& layer) {
    const auto said = layer.settings.find("through");
    if (said == layer.settings.end() || said->second.empty()) return;
    const std::string path = "services." + service + ".through";
    const Result<Through> read = parse_through(said->second.front().value);
    if (!read) return;
    if (const auto protocol = layer.settings.find("protocol"); protocol != layer.settings.end())
      for (const Setting& setting : protocol->second)
        if (setting.value == "https" || setting.value == "h2")
          error(path,
                "a tunnel is TLS already, and carries no " + setting.value + " of ours: write protocol: http or h2c");
    std::vector<std::string_view> known;
    for (const TunnelConnect& each : tunnel_.connect) known.push_back(each.name);
    if (std::find(known.begin(), known.end(), read->tunnel) != known.end()) return;
    error(path, read->tunnel + ": not in tunnel.connect" + did_you_mean(nearest(read->tunnel, known)));
  }

  bool is_dialled(const std::string& name) const {
    for (const auto& [service, layer] : config_.services)
      if (const auto said = layer.settings.find("through"); said != layer.settings.end())
        for (const Setting& setting : said->second)
          if (const auto read = parse_through(setting.value); read && read->tunnel == name) return true;
    return false;
  }

  // The plain side of a database does not belong on the internet.
  void listen(const std::string& path, const TunnelConnect& connect) {
    if (!connect.listen.socket.empty()) return;
    if (!connect.listen.host.empty())
      return error(path, connect.listen.text() + ": names are not taken here; write an address");
    const SocketAddress& address = connect.listen.address;
    taken(path, address);
    if (address.ip.is_private()) return;
    if (!connect.public_listen)
      error(path, address.text() + ": not loopback and not private: whoever reaches it reaches " +
                      connect.asked_service() +
                      " in plain text. Write 127.0.0.1 or unix:/PATH, or `public: true` and "
                      "`allow`");
    else if (connect.allow.empty())
      error(path, address.text() + ": `public: true` wants `allow`: write who may connect");
  }

  // Two who would bind the same address.
  void taken(const std::string& path, const SocketAddress& address) {
    const auto by = [&](const std::string& who) { error(path, address.text() + ": taken by " + who); };
    for (const Listen& each : config_.listen)
      if (meet(each.address, address)) return by("listener " + each.name);
    if (meet(config_.metrics.address, address)) return by("metrics.address");
    for (std::size_t i = 0; i < tunnel_.accept.size(); ++i) {
      const std::string other = indexed("tunnel.accept", i) + ".address";
      if (other >= path && path.starts_with("tunnel.accept")) break;
      if (meet(tunnel_.accept[i].address, address)) return by(other);
    }
  }

  void secrets(const std::string& path, const TunnelSecrets& secrets, bool several) {
    if (!sound_(path)) return;
    const std::string what = several ? "write file or folder" : "write the file of the key";
    if (secrets.file.empty() && secrets.folder.empty()) error(path, "there is no key: " + what);
    if (!secrets.file.empty() && !secrets.folder.empty()) error(path, "write file or folder, not both");
  }

  void offered(const std::string& path, const std::string& service) {
    if (tunnel_.offer.contains(service) || !sound_("tunnel.offer")) return;
    std::vector<std::string_view> known;
    for (const auto& [name, offer] : tunnel_.offer) known.push_back(name);
    error(path, service + ": not in tunnel.offer, so it is never dialled" + did_you_mean(nearest(service, known)));
  }

  bool is_allowed(const std::string& service) const {
    for (const TunnelAccept& accept : tunnel_.accept)
      for (const TunnelAllow& allow : accept.allow)
        if ((allow.services.empty() && accept.service == service) ||
            std::find(allow.services.begin(), allow.services.end(), service) != allow.services.end())
          return true;
    return false;
  }

  void error(const std::string& path, std::string what) { findings_.push_back({{}, path, std::move(what)}); }
  void warn(const std::string& path, std::string what) {
    findings_.push_back({{}, path, std::move(what), Severity::warning});
  }

  const Config& config_;
  const Tunnel& tunnel_;
  const Sound& sound_;
  Findings findings_;
};

}  // namespace

Findings check_tunnel(const Config& config, const Sound& sound) { return Check(config, sound).run(); }

}  // namespace gatehouse::conf
