#include "conf/acme_keys.h"

#include "conf/forms.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

Form<AcmeBinding> acme_binding() {
  return mapping<AcmeBinding>(
      "eab", {
                 {"kid", &AcmeBinding::kid, word_or_empty(), "the key identifier that the CA gave out"},
                 {"hmac", &AcmeBinding::hmac, secret(), "the HMAC key that it gave out with it, as base64url"},
             });
}

Form<std::string> common_name_or_empty() {
  return plain<std::string>(
      "text",
      [](const std::string& text, const Reading&) {
        const bool good = check_plain(text) && text.size() <= 64;
        return good ? Result(text)
                    : Result<std::string>(invalid(text + ": write a common name, up to 64 characters"));
      },
      [](const std::string& value) { return value; });
}

Form<AcmeDirectory> acme_directory() {
  return mapping<AcmeDirectory>(
      "directory",
      {
          {"url", &AcmeDirectory::url, https_url(), "the CA's directory", {.required = true}},
          {"ca",
           &AcmeDirectory::ca,
           path_or_empty(),
           "the authorities, as a PEM file, that may sign the certificate of the CA's own server",
           {.fallback = "the machine's"}},
          {"profile",
           &AcmeDirectory::profile,
           word_or_empty(),
           "which of the CA's profiles to ask for: `classic`, `tlsserver`, `shortlived` …",
           {.fallback = "the CA's choice"}},
          {"chain",
           &AcmeDirectory::chain,
           common_name_or_empty(),
           "the common name of the root that the chain leads to, where the CA offers several",
           {.fallback = "the CA's choice"}},
          {"eab", &AcmeDirectory::eab, acme_binding(), "the account at the CA's web site that ours belongs to"},
      });
}

Form<DnsZone> dns_zone() {
  using Provider = DnsZone::Provider;
  const auto provider = choice<Provider>({{"gandi", Provider::gandi},
                                          {"rfc2136", Provider::rfc2136},
                                          {"acme-dns", Provider::acme_dns},
                                          {"exec", Provider::exec}});
  return mapping<DnsZone>(
      "zone",
      {
          {"zone", &DnsZone::zone, host_name(), "the zone, as in shop.example", {.required = true}},
          {"provider", &DnsZone::provider, provider, "who writes its TXT records", {.required = true}},
          {"token", &DnsZone::token, secret(), "gandi: a personal access token with the right to this zone"},
          {"url", &DnsZone::url, https_url_or_empty(), "gandi: another API than Gandi's; acme-dns: its API"},
          {"ca",
           &DnsZone::ca,
           path_or_empty(),
           "the authorities, as a PEM file, that may sign the API's certificate",
           {.fallback = "the machine's"}},
          {"server", &DnsZone::server, server_or_empty(), "rfc2136: who takes updates (`nsupdate` is run)"},
          {"key", &DnsZone::key, path_or_empty(), "rfc2136: the TSIG key, a file as BIND's tsig-keygen writes"},
          {"account", &DnsZone::account, path_or_empty(),
           "acme-dns: its accounts by name, a JSON file as its clients write"},
          {"command", &DnsZone::command, path_or_empty(),
           "exec: a program, run with `present` or `cleanup`, the record's name and its value"},
      });
}

}  // namespace

Form<Acme> acme() {
  const auto key = choice<AcmeKey>({{"p256", AcmeKey::p256},
                                    {"p384", AcmeKey::p384},
                                    {"rsa2048", AcmeKey::rsa2048},
                                    {"rsa3072", AcmeKey::rsa3072},
                                    {"rsa4096", AcmeKey::rsa4096}});
  return mapping<Acme>(
      "node", {
                  {"permit", &Acme::permit, list(permit_pattern()),
                   "routed hosts within these get their certificates by themselves; empty: none"},
                  {"agree_tos", &Acme::agree_tos, boolean(), "that the CA's terms of service are agreed to"},
                  {"contact", &Acme::contact, list(mail_address()), "whom the CA may write to"},
                  {"directories",
                   &Acme::directories,
                   list(acme_directory()),
                   "the CAs, in the order of fall-back",
                   {.fallback = "Let's Encrypt"}},
                  {"wildcards", &Acme::wildcards, list(permit_pattern()),
                   "hosts within these are covered by the wildcard of their parent, by dns-01: with "
                   "`*.*.shop.example` `a.eu.shop.example` is by `*.eu.shop.example`"},
                  {"dns", &Acme::dns, list(dns_zone()), "zones whose TXT records can be written, for dns-01"},
                  {"resolver",
                   &Acme::resolver,
                   server_or_empty(),
                   "whom the DNS is asked for dns-01",
                   {.fallback = "the system's"}},
                  {"propagation", &Acme::propagation, duration(1s, 1h),
                   "until when all servers of a zone must show a TXT record"},
                  {"key", &Acme::key, key, "the kind of a certificate's private key; each renewal has a new one"},
              });
}

}  // namespace gatehouse::conf
