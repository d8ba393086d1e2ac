// gatehouse guard import: fail2ban's jails as ours, and what of them is not.
#include <iostream>

#include "cli/commands.h"
#include "cli/text.h"
#include "conf/guard_keys.h"
#include "conf/yaml.h"
#include "net/read_file.h"
#include "ratelimit/import.h"

namespace gatehouse::cli {

int run_guard_import(const std::string& file) {
  const Result<FileContent> content = read_file(file, ratelimit::fail2ban_bytes_max);
  if (!content) {
    std::cerr << printable(content.error().what) << "\n";
    return 1;
  }
  const ratelimit::Fail2banConf from = ratelimit::read_fail2ban_conf(content->bytes, file);
  const ratelimit::Imported imported = ratelimit::import_fail2ban(from, file);
  for (const conf::Finding& each : imported.findings) std::cerr << printable(each.text()) << "\n";
  std::cerr << counted(static_cast<std::int64_t>(imported.carried), "jail") << " carried, " << imported.refused
            << " not, " << imported.off << " not enabled\n";
  if (imported.guard != conf::Guard()) {
    const conf::Guard defaults;
    conf::Yaml root = conf::Yaml::mapping();
    root.add("guard", conf::guard().write(imported.guard, &defaults));
    std::cout << conf::print_yaml(root);
  }
  return conf::has_error(imported.findings) ? 1 : 0;
}

}  // namespace gatehouse::cli
