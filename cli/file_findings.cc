#include "cli/file_findings.h"

#include <cerrno>
#include <set>
#include <system_error>

#include <unistd.h>

#include "net/open_beneath.h"

namespace gatehouse::cli {
namespace {

int trouble_with(const std::string& folder) {
  const Opened opened = open_folder(folder.c_str(), Disk::wait);
  if (opened.error != 0) return opened.error;
  return ::access(folder.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

conf::Findings file_findings(std::span<const std::shared_ptr<const conf::Service>> services) {
  conf::Findings findings;
  std::set<std::string> seen;
  for (const auto& service : services) {
    for (const conf::Route& route : service->routes) {
      if (!route.policy.files || !seen.insert(route.policy.files->folder).second) continue;
      const int error = trouble_with(route.policy.files->folder);
      if (error == 0) continue;
      const std::string why = error == ENOSYS ? "this kernel can't serve files: it lacks openat2(2), as of Linux 5.6"
                                              : std::generic_category().message(error);
      findings.push_back({route.at, service->name + ": files",
                          route.policy.files->folder + ": " + why + "; requests are answered with 500",
                          conf::Severity::warning});
    }
  }
  return findings;
}

}  // namespace gatehouse::cli
