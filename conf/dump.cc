#include "conf/dump.h"

#include "conf/config_keys.h"

namespace gatehouse::conf {

std::string dump_config(const Config& config, Dump what, const Surroundings& around) {
  const Config defaults = default_config(around);
  return print_yaml(config_form().write(config, what == Dump::everything ? nullptr : &defaults));
}

}  // namespace gatehouse::conf
