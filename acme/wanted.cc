#include "acme/wanted.h"

#include <algorithm>

#include "conf/host_pattern.h"
#include "net/host_name.h"
#include "net/ip.h"

namespace gatehouse::acme {
namespace {

bool is_within(const std::vector<std::string>& patterns, const std::string& host) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& each) { return conf::permits(each, host); });
}

}  // namespace

Wanted wanted_names(const std::set<std::string>& hosts, const conf::Acme& acme,
                    const std::function<bool(const std::string&)>& is_covered) {
  Wanted out;
  for (const std::string& host : hosts) {
    if (!is_within(acme.permit, host) || is_covered(host)) continue;
    const bool wildcard = host.starts_with("*.");
    const bool address = host.starts_with('[') || IpAddress::parse(host);
    if (address || host.starts_with("**.") || !HostName::parse(wildcard ? std::string_view(host).substr(2) : host)) {
      out.refused[host] = address                   ? "certificates of addresses are not asked for"
                          : host.starts_with("**.") ? "no certificate covers names of any depth"
                                                    : "it is no name for a certificate";
    } else if (wildcard && acme.dns.empty()) {
      out.refused[host] =
          "a wildcard can be had by dns-01 alone: write who writes the zone's records in certificates.acme.dns, or "
          "bring it in certificates.files";
    } else if (!wildcard && is_within(acme.wildcards, host) && host.find('.') != host.npos) {
      out.names.insert("*" + host.substr(host.find('.')));
    } else if (out.names.size() == Wanted::wanted_most) {
      out.refused[host] = "there are more than " + std::to_string(Wanted::wanted_most) + " names";
    } else {
      out.names.insert(host);
    }
  }
  return out;
}

}  // namespace gatehouse::acme
