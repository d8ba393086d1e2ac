#include "cli/checkup.h"

#include <chrono>
#include <filesystem>
#include <set>

#include <grp.h>
#include <unistd.h>

#include "cli/backend_tls.h"
#include "cli/catalog_input.h"
#include "cli/certificate_findings.h"
#include "cli/file_findings.h"
#include "cli/serving_user.h"
#include "conf/catalog/file_source_io.h"
#include "conf/check.h"
#include "conf/reader_io.h"
#include "net/privileges.h"
#include "net/tls_files.h"
#include "net/trust_store.h"
#include "proxy/route/matcher.h"
#include "tunnel/keyring_io.h"

namespace gatehouse::cli {
namespace {

class Examination {
 public:
  Examination(const std::string& file, bool by_root) : by_root_(by_root) {
    out_.read = conf::read_config(file, conf::surroundings_of_process(file));
    add(out_.read.findings);
  }

  Checkup take() {
    if (readable()) {
      user_and_group();
      folders();
      consuls();
      catalog();
      certificates();
      tunnels();
      add(BackendTls().update(table_.services));
    }
    conf::place(out_.findings, out_.read.positions);
    return std::move(out_);
  }

 private:
  const conf::Config& config() const { return out_.read.config; }
  bool readable() const { return out_.read.positions.contains(""); }
  // A key that could not be read is not judged by the default that it has now.
  bool sound(std::string_view path) const { return !conf::has_error_at(out_.read.findings, path); }
  void add(const conf::Findings& more) { conf::add_findings(out_.findings, more); }
  void error(const std::string& path, std::string what) { out_.findings.push_back({{}, path, std::move(what)}); }

  void user_and_group() {
    if (::geteuid() == 0 && !config().node.user.empty())
      if (const auto user = find_user(config().node.user); !user) error("node.user", user.error().what);
    if (const auto warning = root_warning(config())) add({*warning});
    const std::string& group = config().admin.group;
    if (!group.empty() && ::getgrnam(group.c_str()) == nullptr) error("admin.group", "there is no group " + group);
  }

  // What we write in. A folder that is missing is made at start, if its parent lets us.
  void folders() {
    const auto writable = [&](const std::string& key, std::filesystem::path folder) {
      if (!sound(key)) return;
      std::error_code failed;
      const std::string named = folder.string();
      if (by_root_ && !std::filesystem::exists(folder, failed)) return;
      while (!std::filesystem::exists(folder, failed) && folder.has_parent_path() && folder != folder.parent_path())
        folder = folder.parent_path();
      if (::access(folder.c_str(), W_OK | X_OK) != 0) error(key, named + ": we may not write there");
    };
    writable("node.state", config().node.state);
    writable("admin.socket", std::filesystem::path(config().admin.socket).parent_path());
    for (const auto& [key, to] : {std::pair<std::string, std::string>{"logs.access.to", config().access_log.to},
                                  {"logs.events.to", config().event_log.to}}) {
      if (to == "off" || to == "stdout" || !sound(key)) continue;
      if (std::filesystem::path folder = std::filesystem::path(to).parent_path(); ::access(folder.c_str(), X_OK) != 0)
        error(key, folder.string() + ": is no folder that we may use");
      else if (::access(to.c_str(), F_OK) == 0 ? ::access(to.c_str(), W_OK) != 0
                                               : ::access(folder.c_str(), W_OK) != 0)
        error(key, to + ": we may not write there");
    }
  }

  // What the door would ask them with. Whether they answer, `catalog lint` tells.
  void consuls() {
    SystemTrust system;
    const std::vector<conf::ConsulServer>& all = config().catalog.consul;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string path = "catalog.consul[" + std::to_string(i) + "]";
      if (!sound(path)) continue;
      if (const auto token = read_secret(all[i].token); !token) error(path + ".token", token.error().what);
      const conf::ConsulTls& tls = all[i].tls;
      if (!all[i].address.tls) continue;
      if (const auto policy = read_tls_policy({tls.ca, tls.certificate, tls.key}, system); !policy)
        error(path + ".tls", policy.error().what);
    }
  }

  void catalog() {
    add(conf::check_config(out_.read));
    if (!sound("catalog.files")) {
      table_.hosts = config().hosts;
      return;
    }
    catalog::SourceState state;
    const std::string folder = services_folder(config(), out_.read.positions);
    if (!folder.empty()) state = catalog::FileSource(home_of(config())).update(catalog::read_folder(folder, folder));
    add(state.findings);
    catalog::TranslateInput input = translate_input(state.instances, config());
    input.is_partial = !config().catalog.consul.empty();
    table_ = catalog::translate(input);
    add(table_.findings);
    add(file_findings(table_.services));
    conf::Findings unmatched;
    const route::Matcher matcher(table_.services, table_.hosts, unmatched);
    add(unmatched);
    std::set<std::string> names;
    for (const conf::Instance& instance : state.instances) names.insert(instance.service);
    // What a Consul has is not known here.
    if (config().catalog.consul.empty()) add(conf::check_listed_services(config(), names));
    out_.services = table_.services.size();
    for (const auto& service : table_.services) {
      out_.routes += service->routes.size();
      out_.endpoints += service->instances.size();
    }
  }

  void certificates() {
    const std::string& path = config().certificates.files;
    if (!sound("certificates.files")) return;
    const std::vector<HostCertificate> assigned = assigned_certificates(table_.hosts);
    const auto now = std::chrono::system_clock::now();
    CertificateFolder::Reading reading;
    if (!path.empty()) reading = CertificateFolder(path).read(now, by_certificate(assigned));
    add(certificate_findings(reading, assigned, path));
    add(ending_certificates(reading.certificates, path, now));
    out_.certificates = reading.certificates.size();
  }

  void tunnels() {
    if (sound("tunnel")) add(tunnel::load_keys(config().tunnel).findings);
  }

  const bool by_root_;
  Checkup out_;
  conf::RoutingTable table_;
};

}  // namespace

Checkup check_up(const std::string& file, bool by_root) { return Examination(file, by_root).take(); }

std::string counts_text(const Checkup& checkup) {
  const auto of = [](std::size_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
  };
  return of(checkup.services, "service") + ", " + of(checkup.routes, "route") + ", " +
         of(checkup.endpoints, "endpoint") + ", " + of(checkup.certificates, "certificate");
}

}  // namespace gatehouse::cli
