#include "conf/tunnel_keys.h"

#include "conf/forms.h"
#include "conf/service_form.h"
#include "conf/words.h"
#include "net/psk.h"

namespace gatehouse::conf {
namespace {

constexpr Millis day = 24h;

Form<Place> place() {
  return plain<Place>(
      "address:port, host:port, unix:/path",
      [](const std::string& text, const Reading&) { return Place::parse(text); },
      [](const Place& value) { return value.text(); });
}

Form<std::string> service_name() {
  return plain<std::string>(
      "service",
      [](const std::string& text, const Reading&) { return text.empty() ? Result(text) : check_service_name(text); },
      [](const std::string& value) { return value; });
}

// Bytes that a file in stunnel's format can hold before the colon, and a log line without harm.
Form<std::string> identity() {
  return plain<std::string>(
      "identity",
      [](const std::string& text, const Reading&) -> Result<std::string> {
        const bool plain_text = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
        if (!plain_text || text.size() > psk_identity_bytes_max || text.find(':') != std::string::npos)
          return invalid(printable(text, 64) +
                         ": write an identity of at most 255 printable ASCII characters without blanks and ':'");
        return text;
      },
      [](const std::string& value) { return value; });
}

Form<TunnelSecrets> secrets() {
  const auto formats =
      choice<KeyFormat>({{"auto", KeyFormat::automatic}, {"ascii", KeyFormat::ascii}, {"hex", KeyFormat::hex}});
  return mapping<TunnelSecrets>(
      "secret", {
                    {"file", &TunnelSecrets::file, path_or_empty(),
                     "a file of lines IDENTITY:KEY, as stunnel's PSKsecrets; others must not read it"},
                    {"folder", &TunnelSecrets::folder, path_or_empty(),
                     "a folder of such files, NAME.psk, watched: a key is added without an edit"},
                    {"format", &TunnelSecrets::format, formats,
                     "how keys are read; auto: as hexadecimal where they are that, as stunnel from 5.51 on does"},
                });
}

Form<TunnelTls> tls() { return choice<TunnelTls>({{"1.3", TunnelTls::v13}, {"1.2", TunnelTls::v12}}); }

Form<TunnelAllow> allow() {
  const auto networks = some(list(network()), "nothing is said here; write the networks, or leave the key out");
  return mapping<TunnelAllow>(
      "identity", {
                      {"identity", &TunnelAllow::identity, identity(), "whose key it is", {.required = true}},
                      {"service",
                       &TunnelAllow::services,
                       list(service_name()),
                       "what it may reach: names that `offer` has",
                       {.fallback = "the service of all who come in here"}},
                      {"from", &TunnelAllow::from, networks, "where it may come from", {.fallback = "anywhere"}},
                      {"max_connections", &TunnelAllow::max_connections, number_or_auto(1, 1'000'000),
                       "its connections at once; auto: what the process may have"},
                  });
}

Form<TunnelAccept> accept() {
  return mapping<TunnelAccept>(
      "tunnel",
      {
          {"name", &TunnelAccept::name, word_or_empty(), "how it is called in logs", {.fallback = "its address"}},
          {"address", &TunnelAccept::address, socket_address(), "where other hosts come in", {.required = true}},
          {"service",
           &TunnelAccept::service,
           service_name(),
           "the service of all who come in here",
           {.fallback = "the one that the SNI names, else the identity's only one"}},
          {"secrets", &TunnelAccept::secrets, secrets(), "the keys of those who may come"},
          {"allow", &TunnelAccept::allow, list(allow()), "who may reach what; nobody else may anything"},
          {"tls", &TunnelAccept::tls, tls(),
           "the one version that is spoken; 1.2 with ECDHE-PSK alone, for old peers"},
          {"handshake_time", &TunnelAccept::handshake_time, duration(100ms, 1h), "for a whole handshake"},
          {"handshakes", &TunnelAccept::handshakes, number(1, 1'000'000),
           "handshakes under way at once; beyond, connections are refused"},
          {"handshakes_per_client", &TunnelAccept::handshakes_per_client, number(1, 1'000'000),
           "of those, from one address"},
      });
}

// The places alone, or a mapping where more is to be said.
Form<TunnelOffer> offer() {
  const Form<std::vector<Place>> places = list(place());
  Form<TunnelOffer> form = mapping<TunnelOffer>(
      "service",
      {
          {"to",
           &TunnelOffer::to,
           places,
           "where the service is; several are tried in this order",
           {.required = true}},
          {"send_proxy", &TunnelOffer::send_proxy,
           choice<SendProxy>({{"none", SendProxy::none}, {"v1", SendProxy::v1}, {"v2", SendProxy::v2}}),
           "a PROXY header to the service; v2 carries identity (TLV 0xE1) and service (authority)"},
          {"connect_timeout", &TunnelOffer::connect_timeout, duration(10ms, 1h), "for each of the places"},
          {"idle_timeout", &TunnelOffer::idle_timeout, duration(1s, 30 * day), "a connection without a byte ends"},
      });
  form.value = "places, or a mapping";
  form.read = [places, whole = form.read](const Yaml& yaml, TunnelOffer& into, Reading& reading) {
    yaml.kind == Yaml::Kind::mapping ? whole(yaml, into, reading) : places.read(yaml, into.to, reading);
  };
  form.write = [places, whole = form.write](const TunnelOffer& from, const TunnelOffer* unless) {
    TunnelOffer plain_one;
    plain_one.to = from.to;
    return from == plain_one ? places.write(from.to, nullptr) : whole(from, unless);
  };
  return form;
}

Form<TunnelTarget> target() {
  return mapping<TunnelTarget>(
      "exit", {
                  {"address", &TunnelTarget::address, place(), "where it accepts", {.required = true}},
                  {"identity",
                   &TunnelTarget::identity,
                   identity(),
                   "who we are to it",
                   {.fallback = "the first of the secret"}},
                  {"secret", &TunnelTarget::secret, secrets(), "the key, one for each exit"},
                  {"node",
                   &TunnelTarget::node,
                   word_or_empty(),
                   "of a tunnel that services lead through: it is for the instances of this node alone",
                   {.fallback = "for those of any"}},
              });
}

Form<TunnelConnect> connect() {
  const auto networks = some(list(network()), "nothing is said here; write the networks, or leave the key out");
  const auto balance =
      choice<TunnelBalance>({{"first", TunnelBalance::first}, {"round_robin", TunnelBalance::round_robin}});
  return mapping<TunnelConnect>(
      "tunnel",
      {
          {"name", &TunnelConnect::name, word(), "how it is called in logs; unique", {.required = true}},
          {"service",
           &TunnelConnect::service,
           service_name(),
           "what the exit is asked for",
           {.fallback = "the name"}},
          {"sni", &TunnelConnect::sni,
           choice<TunnelSni>({{"service", TunnelSni::service}, {"none", TunnelSni::none}}),
           "what TLS says in clear text of where it leads; none: nothing, as stunnel does"},
          {"listen",
           &TunnelConnect::listen,
           place(),
           "where programs of this host connect: loopback, a private address or unix:/PATH",
           {.fallback = "nothing listens: only services that say `through` lead there"}},
          {"public", &TunnelConnect::public_listen, boolean(),
           "true, with `allow`: it listens beyond loopback and private networks, in plain text"},
          {"allow", &TunnelConnect::allow, networks, "who may connect", {.fallback = "everybody who can"}},
          {"to", &TunnelConnect::to, list(target()), "the exits", {.required = true}},
          {"balance", &TunnelConnect::balance, balance,
           "first: in their order, the next where one fails; round_robin: in turn"},
          {"tls", &TunnelConnect::tls, tls(), "the one version that is spoken"},
          {"connect_timeout", &TunnelConnect::connect_timeout, duration(10ms, 1h),
           "for each address: TCP, TLS and the exit's word that its service is reached"},
          {"idle_timeout", &TunnelConnect::idle_timeout, duration(1s, 30 * day), "a connection without a byte ends"},
      });
}

}  // namespace

Form<Tunnel> tunnel() {
  return mapping<Tunnel>(
      "node", {
                  {"accept", &Tunnel::accept, list(accept()), "Where other hosts come in, each by its key."},
                  {"offer", &Tunnel::offer, named("SERVICE", offer(), check_service_name),
                   "What they may be led to; nothing else is dialled."},
                  {"connect", &Tunnel::connect, list(connect()), "Local listeners, and the hosts that they lead to."},
                  {"rekey_bytes", &Tunnel::rekey_bytes, size(1 << 20, 256ull << 30),
                   "fresh keys for a connection after so much (TLS 1.3)"},
                  {"rekey_time", &Tunnel::rekey_time, duration(1s, 30 * day), "or after so long"},
              });
}

}  // namespace gatehouse::conf
