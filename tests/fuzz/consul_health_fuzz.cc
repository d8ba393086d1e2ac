// Consul's answers of any bytes: refused whole, or instances with a node, a name and an id, in one order whatever
// order they came in.
#include <algorithm>
#include <cstdint>
#include <tuple>

#include "conf/catalog/consul_health.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const catalog::ConsulPlace place{"dc1", "consul dc1", size % 2 == 0 ? "wan" : ""};
  if (const auto found = catalog::parse_health(text, place)) {
    for (const conf::Instance& instance : *found) {
      REQUIRE(!instance.node.empty() && !instance.service.empty() && !instance.id.empty());
      REQUIRE(instance.weight_passing >= 1 && instance.weight_passing <= 65535 && instance.weight_warning <= 65535);
    }
    REQUIRE(std::is_sorted(found->begin(), found->end(), [](const auto& a, const auto& b) {
      return std::tie(a.node, a.id) < std::tie(b.node, b.id);
    }));
  }
  (void)catalog::parse_services(text);
  return 0;
}
