#include "tunnel/import.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "conf/words.h"

namespace gatehouse::tunnel {
namespace {

using conf::Severity;

enum class Fate {
  carried,    // read by name below
  same,       // makes no difference here
  different,  // holds, but not as it is written
  refuses,    // its section can't be carried
};

struct Known {
  std::string_view name;
  Fate fate;
  std::string_view word;
};

constexpr std::string_view no_certificates =
    "certificates are not carried: tunnels know their peers by keys alone; keep stunnel for this section, or write a "
    "PSKsecrets file for both ends";

// long: every option of stunnel 5.68 has a row
constexpr Known known_options[] = {
    {"client", Fate::carried, ""},
    {"accept", Fate::carried, ""},
    {"connect", Fate::carried, ""},
    {"psksecrets", Fate::carried, ""},
    {"pskidentity", Fate::carried, ""},
    {"failover", Fate::carried, ""},
    {"timeoutconnect", Fate::carried, ""},
    {"timeoutidle", Fate::carried, ""},
    {"sslversion", Fate::carried, ""},
    {"sslversionmax", Fate::carried, ""},
    {"sslversionmin", Fate::carried, ""},
    {"protocol", Fate::carried, ""},
    {"libwrap", Fate::carried, ""},
    {"ciphers", Fate::different, "TLS 1.3 is spoken, or ECDHE-PSK of 1.2: the suites are fixed"},
    {"ciphersuites", Fate::different,
     "TLS_AES_128_GCM_SHA256 and TLS_CHACHA20_POLY1305_SHA256 are spoken, no others"},
    {"curve", Fate::different, "X25519, P-256 and P-384 are offered, in this order"},
    {"curves", Fate::different, "X25519, P-256 and P-384 are offered, in this order"},
    {"options", Fate::different, "OpenSSL's options are fixed: no tickets, no renegotiation, no compression"},
    {"securitylevel", Fate::different, "OpenSSL's security level is 2"},
    {"timeoutbusy", Fate::different, "a handshake has 10 s (accept[].handshake_time)"},
    {"timeoutclose", Fate::different, "a half-closed connection lives as long as others: idle_timeout"},
    {"socket", Fate::different,
     "TCP_NODELAY, keep-alives and TCP_USER_TIMEOUT are always on; others are not carried"},
    {"reset", Fate::different, "what breaks off is always passed on as a reset"},
    {"debug", Fate::different, "see logs.events.level"},
    {"output", Fate::different, "see logs.events.to and logs.access.to"},
    {"log", Fate::different, "see logs.events.to and logs.access.to"},
    {"syslog", Fate::different, "see logs.events.to"},
    {"setuid", Fate::different, "see node.user"},
    {"setgid", Fate::different, "see node.user"},
    {"delay", Fate::same, "names are always resolved anew"},
    {"pid", Fate::same, "no such file is needed"},
    {"foreground", Fate::same, "it always runs in the foreground"},
    {"service", Fate::same, "a name for logs"},
    {"chroot", Fate::same, "the systemd unit confines it instead"},
    {"session", Fate::same, "there are no sessions to resume"},
    {"sessioncachesize", Fate::same, "there are no sessions to resume"},
    {"sessioncachetimeout", Fate::same, "there are no sessions to resume"},
    {"sessionresume", Fate::same, "there are no sessions to resume"},
    {"sessiond", Fate::same, "there are no sessions to resume"},
    {"ticketkeysecret", Fate::same, "there are no tickets"},
    {"ticketmacsecret", Fate::same, "there are no tickets"},
    {"renegotiation", Fate::same, "there is none"},
    {"stack", Fate::same, "there is no thread for a connection"},
    {"rndbytes", Fate::same, "the system's randomness is used"},
    {"rndfile", Fate::same, "the system's randomness is used"},
    {"rndoverwrite", Fate::same, "the system's randomness is used"},
    {"egd", Fate::same, "the system's randomness is used"},
    {"cert", Fate::refuses, no_certificates},
    {"key", Fate::refuses, no_certificates},
    {"cafile", Fate::refuses, no_certificates},
    {"capath", Fate::refuses, no_certificates},
    {"caengine", Fate::refuses, no_certificates},
    {"castore", Fate::refuses, no_certificates},
    {"crlfile", Fate::refuses, no_certificates},
    {"crlpath", Fate::refuses, no_certificates},
    {"verify", Fate::refuses, no_certificates},
    {"verifychain", Fate::refuses, no_certificates},
    {"verifypeer", Fate::refuses, no_certificates},
    {"requirecert", Fate::refuses, no_certificates},
    {"checkhost", Fate::refuses, no_certificates},
    {"checkip", Fate::refuses, no_certificates},
    {"checkemail", Fate::refuses, no_certificates},
    {"ocsp", Fate::refuses, no_certificates},
    {"ocspaia", Fate::refuses, no_certificates},
    {"ocspflag", Fate::refuses, no_certificates},
    {"ocspnonce", Fate::refuses, no_certificates},
    {"ocsprequire", Fate::refuses, no_certificates},
    {"redirect", Fate::refuses, no_certificates},
    {"exec", Fate::refuses, "programs are not started; let the program listen and write connect"},
    {"execargs", Fate::refuses, "programs are not started; let the program listen and write connect"},
    {"pty", Fate::refuses, "programs are not started; let the program listen and write connect"},
    {"retry", Fate::refuses, "programs are not started; let the program listen and write connect"},
    {"transparent", Fate::refuses,
     "the client's address is told by a PROXY header instead: offer.SERVICE.send_proxy"},
    {"local", Fate::refuses, "no source address is chosen; set it by a route of the system"},
    {"ident", Fate::refuses, "no ident is asked; write who may come in accept[].allow[].from"},
    {"sni", Fate::refuses, "write one exit with `allow` for each service: its name is the SNI"},
    {"include", Fate::refuses, "import each of the files by itself"},
    {"compression", Fate::refuses, "TLS compression is not safe"},
    {"fips", Fate::refuses, "FIPS mode is not switched"},
    {"engine", Fate::refuses, "engines are not loaded"},
    {"enginectrl", Fate::refuses, "engines are not loaded"},
    {"enginedefault", Fate::refuses, "engines are not loaded"},
    {"enginenum", Fate::refuses, "engines are not loaded"},
    {"engineid", Fate::refuses, "engines are not loaded"},
    {"provider", Fate::refuses, "providers are not loaded"},
    {"providerparameter", Fate::refuses, "providers are not loaded"},
    {"config", Fate::refuses, "OpenSSL's own commands are not carried"},
    {"protocolauthentication", Fate::refuses, "this protocol is not carried"},
    {"protocoldomain", Fate::refuses, "this protocol is not carried"},
    {"protocolheader", Fate::refuses, "this protocol is not carried"},
    {"protocolhost", Fate::refuses, "this protocol is not carried"},
    {"protocolpassword", Fate::refuses, "this protocol is not carried"},
    {"protocolusername", Fate::refuses, "this protocol is not carried"},
    {"logid", Fate::same, "a connection has a name that both ends log"},
    {"dh", Fate::same, "there is no DHE of finite fields"},
};

// "127.0.0.1:1", "::1:1" (the port is what follows the last colon), "1", "/run/x.sock".
Result<Place> place_of(const std::string& text, const IpAddress& without_host) {
  if (text.starts_with('/')) return Place::parse("unix:" + text);
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535)
    return invalid(text + ": the port has to be a number");
  if (host.empty() || host == "*") return Place{{}, {without_host, static_cast<std::uint16_t>(number)}, {}};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const auto address = IpAddress::parse(host))
    return Place{{}, {*address, static_cast<std::uint16_t>(number)}, {}};
  return Place::parse(host + ":" + port);
}

std::string service_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    out += good ? c : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : '-';
  }
  return out;
}

class Section {
 public:
  Section(const StunnelSection& global, const StunnelSection& own, const std::string& file, std::string name)
      : section_(own), file_(file), name_(std::move(name)) {
    for (const StunnelSection* each : {&global, &own})
      for (const StunnelOption& option : each->options) add(option, each == &global);
  }

  bool carry(conf::Tunnel& into, const IdentitiesOf& identities) {
    const std::string role = value("client", "no");
    const bool is_client = role == "yes";
    for (const StunnelOption* option : options_) judge(*option, is_client);
    const StunnelOption* secrets = find("psksecrets");
    if (secrets == nullptr) refuse(section_.line, "there is no PSKsecrets: " + std::string(no_certificates));
    if (find("accept") == nullptr) refuse(section_.line, "there is no accept: inetd mode is not carried");
    if (connects_.empty()) refuse(section_.line, "there is no connect");
    if (refused_) return false;
    is_client ? client(into, *secrets) : server(into, *secrets, identities);
    return !refused_;
  }

  conf::Findings findings;

 private:
  // The section's own word replaces the global one; connect adds up.
  void add(const StunnelOption& option, bool is_global) {
    options_.push_back(&option);
    if (option.name == "connect") {
      connects_.push_back(&option);
      return;
    }
    if (!is_global || !by_name_.contains(option.name)) by_name_[option.name] = &option;
  }
  const StunnelOption* find(const std::string& name) const {
    const auto known = by_name_.find(name);
    return known == by_name_.end() ? nullptr : known->second;
  }
  std::string value(const std::string& name, const std::string& otherwise) const {
    const StunnelOption* option = find(name);
    return option == nullptr ? otherwise : option->value;
  }

  void tell(unsigned line, std::string what, Severity severity) {
    findings.push_back({{file_, line, 1}, section_.name, std::move(what), severity});
  }
  void refuse(unsigned line, std::string what) {
    refused_ = true;
    tell(line, "not carried: " + std::move(what), Severity::error);
  }

  void judge(const StunnelOption& option, bool is_client) {
    const auto known = std::find_if(std::begin(known_options), std::end(known_options),
                                    [&](const Known& each) { return each.name == option.name; });
    const std::string said = option.name + " = " + conf::printable(option.value, 64) + ": ";
    if (known == std::end(known_options)) return refuse(option.line, said + "not an option of stunnel that is known");
    if (known->fate == Fate::refuses) return refuse(option.line, said + std::string(known->word));
    if (known->fate == Fate::different) return tell(option.line, said + std::string(known->word), Severity::warning);
    if (known->fate == Fate::same) return tell(option.line, said + std::string(known->word), Severity::note);
    if (option.name == "protocol" && (is_client || option.value != "proxy"))
      refuse(option.line, said + "only `protocol = proxy` of a server is carried");
    if (option.name == "libwrap" && option.value == "yes")
      refuse(option.line, said + "hosts.allow is not read; write who may come in accept[].allow[].from");
    if (option.name.starts_with("sslversion")) version(option, said);
    if (option.name.starts_with("timeout")) seconds(option);
  }

  void version(const StunnelOption& option, const std::string& said) {
    if (option.value == "TLSv1.3" || option.value == "all") return;
    const bool only_12 = option.value == "TLSv1.2" && option.name != "sslversionmin";
    if (only_12)
      tls_ = conf::TunnelTls::v12;
    else if (option.name == "sslversionmin")
      tell(option.line, said + "one version is spoken, 1.3", Severity::warning);
    else
      refuse(option.line, said + "nothing older than TLS 1.2 is spoken");
  }

  std::optional<Millis> seconds(const StunnelOption& option) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(option.value.data(), option.value.data() + option.value.size(), number);
    const bool good = error == std::errc() && end == option.value.data() + option.value.size() && number >= 1 &&
                      number <= 30 * 86400;
    if (good) return Millis(std::int64_t{number} * 1000);
    refuse(option.line, option.name + " = " + conf::printable(option.value, 64) + ": a number of seconds, please");
    return std::nullopt;
  }
  template <class Timeouts>
  void timeouts(Timeouts& into) {
    into.idle_timeout = 12h;  // stunnel's
    into.connect_timeout = 10s;
    if (const StunnelOption* idle = find("timeoutidle")) into.idle_timeout = seconds(*idle).value_or(12h);
    if (const StunnelOption* wait = find("timeoutconnect")) into.connect_timeout = seconds(*wait).value_or(10s);
  }

  std::vector<Place> targets() {
    std::vector<Place> out;
    for (const StunnelOption* option : connects_) {
      Result<Place> place = place_of(option->value, IpAddress::v4(127, 0, 0, 1));
      place ? out.push_back(std::move(*place)) : refuse(option->line, "connect: " + place.error().what);
    }
    return out;
  }

  std::optional<Place> accept() {
    const StunnelOption& option = *find("accept");
    Result<Place> place = place_of(option.value, IpAddress::v4(0, 0, 0, 0));
    if (place && place->host.empty()) return *place;
    refuse(option.line,
           "accept = " + option.value + ": " + (place ? "write an address, not a name" : place.error().what));
    return std::nullopt;
  }

  void client(conf::Tunnel& into, const StunnelOption& secrets) {
    conf::TunnelConnect connect;
    connect.name = name_;
    connect.tls = tls_;
    if (const std::optional<Place> place = accept()) connect.listen = *place;
    if (connect.listen.socket.empty() && !connect.listen.address.ip.is_private())
      refuse(find("accept")->line,
             "accept = " + find("accept")->value +
                 ": the plain side would be open to every network; write 127.0.0.1 or a private "
                 "address");
    if (connects_.size() > 1)
      connect.balance =
          value("failover", "rr") == "prio" ? conf::TunnelBalance::first : conf::TunnelBalance::round_robin;
    for (Place& place : targets()) {
      conf::TunnelTarget target;
      target.address = std::move(place);
      target.identity = value("pskidentity", "");
      target.secret.file = secrets.value;
      connect.to.push_back(std::move(target));
    }
    if (connects_.size() > 1)
      tell(section_.line,
           "one key for " + std::to_string(connects_.size()) +
               " exits: those who run one can pass for you at the others; give each its own",
           Severity::warning);
    timeouts(connect);
    if (!refused_) into.connect.push_back(std::move(connect));
  }

  void server(conf::Tunnel& into, const StunnelOption& secrets, const IdentitiesOf& identities) {
    conf::TunnelAccept accepts;
    accepts.name = accepts.service = name_;
    accepts.tls = tls_;
    accepts.secrets.file = secrets.value;
    if (const std::optional<Place> place = accept()) accepts.address = place->address;
    if (!accepts.address.port) refuse(find("accept")->line, "a server listens on TCP");
    const Result<std::vector<std::string>> known = identities(secrets.value);
    if (!known) return refuse(secrets.line, "PSKsecrets = " + known.error().what);
    for (const std::string& identity : *known) accepts.allow.push_back({identity, {name_}, {}, 0});
    conf::TunnelOffer offer;
    offer.to = targets();
    if (value("protocol", "") == "proxy") offer.send_proxy = conf::SendProxy::v1;
    if (offer.to.size() > 1 && value("failover", "rr") != "prio")
      tell(section_.line, "several connect: they are tried in their order, not in turn", Severity::warning);
    timeouts(offer);
    if (refused_) return;
    into.accept.push_back(std::move(accepts));
    into.offer.emplace(name_, std::move(offer));
  }

  const StunnelSection& section_;
  const std::string& file_;
  std::string name_;
  std::vector<const StunnelOption*> options_, connects_;
  std::map<std::string, const StunnelOption*> by_name_;
  conf::TunnelTls tls_ = conf::TunnelTls::v13;
  bool refused_ = false;
};

}  // namespace

Imported import_stunnel(const StunnelConf& conf, const std::string& file, const IdentitiesOf& identities) {
  Imported out;
  out.findings = conf.findings;
  std::set<std::string> taken;
  std::set<std::string> told;  // of the global options once
  for (std::size_t i = 1; i < conf.sections.size(); ++i) {
    std::string name = service_name(conf.sections[i].name);
    if (name.empty()) name = "tunnel";
    std::string unique = name;
    for (unsigned n = 2; !taken.insert(unique).second; ++n) unique = name + "-" + std::to_string(n);
    Section section(conf.sections.front(), conf.sections[i], file, unique);
    section.carry(out.tunnel, identities) ? ++out.carried : ++out.refused;
    for (conf::Finding& each : section.findings) {
      const bool global = each.at.line < conf.sections[i].line || conf.sections[i].line == 0;
      if (global && each.severity != Severity::error && !told.insert(std::to_string(each.at.line)).second) continue;
      out.findings.push_back(std::move(each));
    }
    if (unique != conf.sections[i].name)
      out.findings.push_back({{file, conf.sections[i].line, 1},
                              conf.sections[i].name,
                              "called " + unique + " from now on",
                              Severity::note});
  }
  if (conf.sections.size() == 1)
    out.findings.push_back({{file, 1, 1}, "", "no [section]: inetd mode is not carried"});
  return out;
}

}  // namespace gatehouse::tunnel
