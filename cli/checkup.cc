#include "cli/checkup.h"

#include <chrono>
#include <filesystem>
#include <set>

#include <grp.h>
#include <unistd.h>

#include "cli/serving_user.h"
#include "conf/catalog/file_source_io.h"
#include "conf/catalog/translate.h"
#include "conf/check.h"
#include "conf/reader_io.h"
#include "net/certificate_folder_io.h"
#include "net/local_addresses.h"
#include "net/privileges.h"
#include "net/read_file.h"
#include "net/trust_store.h"
#include "proxy/route/matcher.h"

namespace gatehouse::cli {
namespace {

constexpr std::size_t pem_bytes_most = 1 << 20;

class Examination {
 public:
  Examination(const std::string& file, bool by_root) : by_root_(by_root) {
    out_.read = conf::read_config(file, conf::surroundings_of_process(file));
    add(out_.read.findings);
  }

  Checkup take() {
    if (!conf::has_error(out_.findings)) {
      user_and_group();
      folders();
      catalog();
      certificates();
      for (const auto& service : table_.services) backend_tls(*service);
    }
    return std::move(out_);
  }

 private:
  const conf::Config& config() const { return out_.read.config; }
  void add(const conf::Findings& more) { out_.findings.insert(out_.findings.end(), more.begin(), more.end()); }
  void error(const std::string& path, std::string what, conf::Position at = {}) {
    const auto known = out_.read.positions.find(path);
    if (at.file.empty() && known != out_.read.positions.end()) at = known->second;
    out_.findings.push_back({std::move(at), path, std::move(what)});
  }

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
      if (to == "off" || to == "stdout") continue;
      if (std::filesystem::path folder = std::filesystem::path(to).parent_path(); ::access(folder.c_str(), X_OK) != 0)
        error(key, folder.string() + ": is no folder that we may use");
      else if (::access(to.c_str(), F_OK) == 0 ? ::access(to.c_str(), W_OK) != 0
                                               : ::access(folder.c_str(), W_OK) != 0)
        error(key, to + ": we may not write there");
    }
  }

  void catalog() {
    catalog::SourceState state;
    if (!config().catalog.files.empty()) {
      catalog::Home home;
      home.datacenter = config().node.datacenter;
      home.node = config().node.name;
      const std::string& folder = config().catalog.files;
      state = catalog::FileSource(home).update(catalog::read_folder(folder, folder));
    }
    add(state.findings);
    catalog::TranslateInput input{state.instances, config()};
    input.read_file = [](const std::string& path) -> Result<std::string> {
      Result<FileContent> file = read_file(path, conf::page_bytes_max);
      if (!file) return file.error();
      return std::move(file->bytes);
    };
    input.local_addresses = local_addresses();
    table_ = catalog::translate(input);
    add(table_.findings);
    conf::Findings unmatched;
    const route::Matcher matcher(table_.services, table_.hosts, unmatched);
    add(unmatched);
    std::set<std::string> names;
    for (const conf::Instance& instance : state.instances) names.insert(instance.service);
    add(conf::check_config(out_.read, &names));
    out_.services = table_.services.size();
    for (const auto& service : table_.services) {
      out_.routes += service->routes.size();
      out_.endpoints += service->instances.size();
    }
  }

  void certificates() {
    CertificateFolder::Assigned assigned;
    for (const auto& [host, policy] : table_.hosts)
      if (policy.certificate.starts_with("file:")) assigned[policy.certificate.substr(5)].push_back(host);
    std::set<std::string> found;
    if (!config().certificates.files.empty()) {
      CertificateFolder folder(config().certificates.files);
      const CertificateFolder::Reading reading = folder.read(std::chrono::system_clock::now(), assigned);
      for (const FileProblem& problem : reading.problems)
        out_.findings.push_back(
            {{problem.file}, "", problem.what, problem.warning ? conf::Severity::warning : conf::Severity::error});
      for (const NamedCertificate& each : reading.certificates) found.insert(each.name);
    }
    for (const auto& [name, hosts] : assigned)
      if (!found.contains(name))
        error("hosts." + hosts.front() + ".certificate", "there is no certificate " + name + " that can be used");
    out_.certificates = found.size();
  }

  void backend_tls(const conf::Service& service) {
    const std::string path = "services." + service.name;
    if (!service.tls_ca_file.empty())
      if (const auto store = TrustStore::from_file(service.tls_ca_file); !store) error(path, store.error().what);
    if (service.tls_certificate_file.empty()) return;
    const Result<FileContent> crt = read_file(service.tls_certificate_file, pem_bytes_most);
    const Result<FileContent> key = read_file(service.tls_key_file, pem_bytes_most);
    if (!crt) return error(path, crt.error().what);
    if (!key) return error(path, key.error().what);
    const auto now = std::chrono::system_clock::now();
    const Result<CertificatePtr> pair = load_certificate(crt->bytes, key->bytes, now, CertificateUse::client);
    if (!pair) error(path, service.tls_certificate_file + ": " + pair.error().what);
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
