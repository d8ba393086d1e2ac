// Any tag, "KEY=VALUE" (or a byte from 0x80 on for a key by number, and its value): what tags may say the file may
// say too; what is fine can be applied; a route's match, written out, is read back as the same match; and no finding
// about it carries control bytes of its value.
#include <cstdint>
#include <string>

#include "conf/claims.h"
#include "conf/host_pattern.h"
#include "conf/review.h"
#include "conf/route_value.h"
#include "conf/service_apply.h"
#include "tests/fuzz/require.h"

using namespace gatehouse::conf;

namespace {

void check_route(std::string_view value) {
  const auto route = parse_route(value);
  if (!route) return;
  const RouteMatch& match = route->match;
  REQUIRE(match.path.starts_with('/'));
  RouteMatch bare = match;  // conditions may need quotes that text() does not write
  bare.methods.clear();
  bare.headers.clear();
  const auto again = parse_route(bare.text());
  REQUIRE(again && again->match == bare && claim_key(again->match) == claim_key(bare));
  if (!match.host.empty() && !match.host.starts_with('['))
    REQUIRE(permits(match.host, match.host) && permits("**", match.host));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view tag(reinterpret_cast<const char*>(data), size);
  std::string key, value;
  if (!tag.empty() && data[0] >= 0x80) {
    key = service_keys()[data[0] % service_keys().size()].name;
    value = tag.substr(1);
  } else {
    const std::size_t equals = tag.find('=');
    if (equals == std::string_view::npos) return 0;
    key = tag.substr(0, equals);
    value = tag.substr(equals + 1);
  }
  const ServiceKey* known = find_service_key(key);
  const auto by_tags = check_setting(key, value, Trust::tags);
  if (known == nullptr) {
    REQUIRE(by_tags.has_value());
    return 0;
  }
  const auto by_file = check_setting(key, value, Trust::file_only);
  if (!by_tags) REQUIRE(!by_file);
  if (!by_file) {
    Subject subject;
    if (known->apply != nullptr) REQUIRE(static_cast<bool>(known->apply(subject, value)));
  } else {
    for (const char c : *by_file) REQUIRE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  REQUIRE(judge_setting(key, value, Trust::tags).use != Use::yes || !by_tags);
  if (key == "route") check_route(value);
  return 0;
}
