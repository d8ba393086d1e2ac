// A jail.local: whatever is in it is carried into a guard that our own reader takes, or told.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "conf/guard_keys.h"
#include "conf/reader.h"
#include "conf/yaml.h"
#include "ratelimit/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto from = ratelimit::read_fail2ban_conf(text, "jail.local");
  const auto imported = ratelimit::import_fail2ban(from, "jail.local");
  for (const conf::Finding& each : imported.findings)
    if (each.text().empty()) std::abort();
  if (imported.guard == conf::Guard()) return 0;
  const conf::Guard defaults;
  conf::Yaml root = conf::Yaml::mapping();
  root.add("guard", conf::guard().write(imported.guard, &defaults));
  const conf::Surroundings around{.folder = "/etc/gatehouse", .host_name = "fuzz"};
  const conf::ReadConfig again = conf::read_config_text(conf::print_yaml(root), "gatehouse.yaml", around);
  if (conf::has_error(again.findings) || !(again.config.guard == imported.guard)) std::abort();
  return 0;
}
