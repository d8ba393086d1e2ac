// live_dns.h: what Gandi's LiveDNS says of a set of TXT records, and what to make of it. Pure.
//   A set is replaced whole: what is there is read, one value is added or taken away, and the rest stays.
//   Values come back in quotes or without them. A set that gets empty is deleted.
//   Limits  values_most of a set.
//   Source  https://api.gandi.net/docs/livedns
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"

namespace gatehouse::acme {

constexpr std::size_t values_most = 100;

// The values of an answer to a GET, without quotes.
Result<std::vector<std::string>> live_dns_values(std::string_view body);

// What is to stand there; nothing: it does already.
std::optional<std::vector<std::string>> live_dns_change(const std::vector<std::string>& values, bool present,
                                                        const std::string& value);

std::string live_dns_body(const std::vector<std::string>& values);  // of a PUT
// "_acme-challenge.eu" of "_acme-challenge.eu.shop.example" in shop.example; "@" is the zone's own.
std::string live_dns_label(const std::string& name, const std::string& zone);
// For people: what a refusal means.
std::string live_dns_refusal(unsigned status, std::string_view body);

}  // namespace gatehouse::acme
