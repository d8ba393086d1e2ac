#include "cli/serving_user.h"

#include <unistd.h>

#include "net/privileges.h"

namespace gatehouse::cli {
namespace {

constexpr const char* usual_user = "gatehouse";

}  // namespace

std::string serving_user(const conf::Config& config) {
  if (config.node.user == "root") return "";
  if (!config.node.user.empty()) return config.node.user;
  return find_user(usual_user) ? usual_user : "";
}

std::optional<conf::Finding> root_warning(const conf::Config& config) {
  if (::geteuid() != 0 || config.node.user == "root" || !serving_user(config).empty()) return std::nullopt;
  conf::Finding warning{{config.file}, "node.user", "", conf::Severity::warning};
  warning.what =
      "it serves as root, as there is no user gatehouse; make one with "
      "useradd --system --home-dir /var/lib/gatehouse --shell /usr/sbin/nologin gatehouse";
  return warning;
}

}  // namespace gatehouse::cli
