#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "cli/asking.h"
#include "cli/checkup.h"
#include "cli/commands.h"
#include "cli/serving_user.h"
#include "cli/text.h"
#include "conf/diff.h"
#include "conf/dump.h"
#include "conf/reader_io.h"
#include "net/privileges.h"

namespace gatehouse::cli {
namespace {

// From here on as the user who will serve: what that one can't read is found now and not at the next reload.
bool become_user_of(const std::string& file) {
  const conf::Config config = conf::read_config(file, conf::surroundings_of_process(file)).config;
  const bool root = ::geteuid() == 0;
  const std::string user = serving_user(config);
  if (user.empty() || (!root && config.node.user.empty())) return true;
  const Result<UserIds> ids = find_user(user);
  if (!ids) return true;  // the checkup tells
  if (root) {
    const Status dropped = drop_privileges(*ids);
    if (!dropped) std::cerr << dropped.error().what << "\n";
    return static_cast<bool>(dropped);
  }
  if (ids->uid != ::geteuid())
    std::cerr << "checked as you, not as " << user << ": run it as root to see what " << user << " may read\n";
  return true;
}

bool print_differences(const std::string& running, const conf::Config& config, const conf::Surroundings& around) {
  const conf::ReadConfig read = conf::read_config_text(running, "running", around);
  if (conf::has_error(read.findings)) {
    std::cerr << "what runs can't be compared: " << printable(read.findings.front().text()) << "\n";
    return false;
  }
  const conf::ConfigDiff diff = conf::diff_config(read.config, config);
  for (const conf::Difference& line : diff.lines)
    std::cout << printable(line.text()) << (line.at_start ? "  (takes a restart)" : "") << "\n";
  const bool restart =
      std::any_of(diff.lines.begin(), diff.lines.end(), [](const auto& line) { return line.at_start; });
  if (restart) std::cout << "a reload would be refused: takes a restart\n";
  if (diff.lines.empty()) std::cout << "no difference to what runs\n";
  return true;
}

// "good", or how many errors and warnings there are.
std::string verdict(const conf::Findings& findings) {
  const auto number = [&](conf::Severity severity) {
    return std::count_if(findings.begin(), findings.end(),
                         [&](const conf::Finding& finding) { return finding.severity == severity; });
  };
  const auto errors = number(conf::Severity::error), warnings = number(conf::Severity::warning);
  const auto of = [](std::ptrdiff_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
  };
  if (errors == 0 && warnings == 0) return "good";
  return (errors != 0 ? of(errors, "error") + (warnings != 0 ? ", " : "") : "good, ") +
         (warnings != 0 ? of(warnings, "warning") : "");
}

}  // namespace

int run_check(const Where& where, const CheckOptions& options) {
  std::optional<HttpReply> running;
  if (options.diff)
    running = ask_door_well(where, "GET", "/v1/config");  // while we may: the socket may not be that user's
  const bool by_root = ::geteuid() == 0;
  if (!become_user_of(where.config)) return 1;
  const Checkup checkup = check_up(where.config, by_root);
  for (const conf::Finding& finding : checkup.findings) std::cerr << printable(finding.text()) << "\n";
  const bool good = !conf::has_error(checkup.findings);
  const bool readable = !conf::has_error(checkup.read.findings);
  const conf::Surroundings around = conf::surroundings_of_process(where.config);
  if (readable && (options.print || options.defaults))
    std::cout << conf::dump_config(checkup.read.config,
                                   options.defaults ? conf::Dump::everything : conf::Dump::differing, around);
  if (readable && running && !print_differences(running->body, checkup.read.config, around)) return 1;
  std::ostream& summary = options.print || options.defaults || options.diff ? std::cerr : std::cout;
  summary << where.config << ": " << (readable ? counts_text(checkup) + ": " : "") << verdict(checkup.findings)
          << "\n";
  return good && (running || !options.diff) ? 0 : 1;
}

}  // namespace gatehouse::cli
