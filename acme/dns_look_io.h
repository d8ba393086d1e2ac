// dns_look_io.h: where a TXT record has to stand, and whether everybody who may be asked shows it. Blocks.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::acme {

// The zone that holds the name, the longest one; null: none of these.
const conf::DnsZone* zone_of(const std::vector<conf::DnsZone>& zones, const std::string& name);

// Letters, digits, '-', '_' and '.' alone: others may have written an alias, and its name goes into a provider's words.
bool is_plain_name(std::string_view name);

// Follows aliases: "_acme-challenge.shop.example" to the name that has no CNAME.
Result<std::string> real_name(const std::string& name, const std::string& resolver, unsigned most,
                              const std::atomic<bool>& stop);

// Waits until every authoritative server of the name's zone shows the value. An error says who doesn't.
Status await_text(const std::string& name, const std::string& value, const std::string& resolver, Millis within,
                  const std::atomic<bool>& stop);

}  // namespace gatehouse::acme
