// dns_provider_io.h: TXT records written where a zone's provider takes them, one file each. They block: for threads
// that may wait.
//   A name may have others' values, too: another node's, or those of a wildcard and its parent at once. What is
//   written adds one, what is taken back takes that one away, and neither touches the rest.
//   Failure  for people: who was asked, what he said, and what would mend it.
//   Sources  Gandi's LiveDNS API; RFC 2136 and RFC 8945 (nsupdate does both); acme-dns; a program of the operator's.
#pragma once

#include <atomic>
#include <string>

#include "conf/config.h"
#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::acme {

struct DnsChange {
  bool present = true;  // else it is taken back
  std::string domain;   // that is to be proved, without "*."
  std::string name;     // of the record, aliases followed: "_acme-challenge.shop.example"
  std::string value;
  bool operator==(const DnsChange&) const = default;
};

constexpr Seconds provider_time{30};
constexpr unsigned text_ttl = 60;

Status change_by_gandi(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop);
Status change_by_rfc2136(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop);
Status change_by_acme_dns(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop);
Status change_by_program(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop);

// By the one that the zone has.
Status change_text(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop);

}  // namespace gatehouse::acme
