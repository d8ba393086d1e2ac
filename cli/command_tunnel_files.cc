// gatehouse tunnel keygen, import, audit: what works on files alone.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "cli/key_files.h"
#include "cli/text.h"
#include "cli/tunnel_commands.h"
#include "conf/service_form.h"
#include "conf/tunnel_keys.h"
#include "net/read_file.h"
#include "tunnel/import.h"
#include "tunnel/key_audit.h"
#include "tunnel/keyring_io.h"

namespace gatehouse::cli {
namespace {

namespace fs = std::filesystem;

int fail(const std::string& what) {
  std::cerr << printable(what) << "\n";
  return 1;
}

// What both ends have to be told of the new key.
std::string sections_for(const KeygenOptions& options, const std::string& identity) {
  const std::string file = identity + ".psk";
  return "# on " + options.server +
         ":\ntunnel:\n  accept:\n    - address: \"[::]:7443\"\n      secrets: { file: " + file +
         " }\n      allow: [ { identity: " + identity + ", service: " + options.service + " } ]\n  offer: { " +
         options.service + ": 127.0.0.1:PORT }\n# on " + options.client +
         ":\ntunnel:\n  connect:\n    - { name: " + options.service +
         ", listen: 127.0.0.1:PORT, to: [ { address: \"" + options.server + ":7443\", identity: " + identity +
         ", secret: { file: " + file + " } } ] }\n";
}

Status write_both(const KeygenOptions& options, const std::string& identity) {
  const fs::path server = fs::path(options.out) / options.server, client = fs::path(options.out) / options.client;
  for (const fs::path& folder : {server, client}) {
    std::error_code error;
    if (fs::create_directories(folder, error); error)
      return Error{Errc::io, folder.string() + ": " + error.message()};
    fs::permissions(folder, fs::perms(0700), error);
  }
  const std::string name = identity + ".psk";
  if (const Status made = write_new_key((server / name).string(), identity, options.compat); !made) return made;
  if (const Status copied = copy_key((server / name).string(), (client / name).string()); !copied) return copied;
  std::cout << "wrote " << (server / name).string() << "\nwrote " << (client / name).string() << "\n"
            << sections_for(options, identity);
  return Done{};
}

Result<std::vector<std::string>> identities_of(const std::string& file) {
  const Result<FileContent> content = read_file(file, tunnel::key_file_bytes_max);
  if (!content) return content.error();
  const tunnel::KeyReading reading = tunnel::read_keys(content->bytes, file, conf::KeyFormat::automatic);
  if (!reading.findings.empty()) return invalid(reading.findings.front().text());
  std::vector<std::string> out;
  for (const tunnel::KeyEntry& entry : reading.entries) out.push_back(entry.identity);
  return out;
}

// Relative names belong to the folder of the stunnel.conf, wherever ours will stand.
void make_absolute(tunnel::StunnelConf& conf, const std::string& file) {
  const fs::path folder = fs::absolute(file).parent_path();
  for (tunnel::StunnelSection& section : conf.sections)
    for (tunnel::StunnelOption& option : section.options)
      if (option.name == "psksecrets") option.value = (folder / option.value).lexically_normal().string();
}

bool may_be_keys(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".psk") || name.ends_with("-psk.txt") || name.ends_with(".psk.txt") ||
         name.ends_with("psk.txt") || name.ends_with(".secrets");
}

struct Found {
  std::string host, place, identity;
  tunnel::Fingerprint fingerprint;
};

class Audit {
 public:
  Audit() { key_ = new_key(false) ? *new_key(false) : std::string(32, '?'); }

  void host(const std::string& folder) {
    std::error_code error;
    std::size_t files = 0;
    for (fs::recursive_directory_iterator each(folder, error), end; !error && each != end; each.increment(error))
      if (each->is_regular_file(error) && may_be_keys(each->path())) {
        ++files;
        file(folder, each->path().string());
      }
    if (error) tell(folder + ": " + error.message());
    if (!error && files == 0) tell(folder + ": no key file in it (*.psk, *psk.txt)");
  }

  int judge() {
    std::map<std::string, std::map<tunnel::Fingerprint, Found>> keys_of;     // by identity
    std::map<tunnel::Fingerprint, std::map<std::string, Found>> holders_of;  // by identity
    std::map<std::string, std::set<std::string>> hosts_of;
    for (const Found& each : found_) {
      keys_of[each.identity].emplace(each.fingerprint, each);
      holders_of[each.fingerprint].emplace(each.identity, each);
      hosts_of[each.identity].insert(each.host);
    }
    for (const auto& [identity, keys] : keys_of)
      if (keys.size() > 1)
        tell(identity + ": " + std::to_string(keys.size()) + " different keys (" + places(keys) + ")");
    for (const auto& [fingerprint, identities] : holders_of)
      if (identities.size() > 1)
        tell("one key for " + std::to_string(identities.size()) + " identities (" + places(identities) + ")");
    for (const auto& [identity, hosts] : hosts_of)
      if (hosts.size() > 2) tell(identity + ": on " + std::to_string(hosts.size()) + " hosts; a key belongs to two");
    std::cout << counted(static_cast<std::int64_t>(hosts_of.size()), "identity") << " in "
              << counted(static_cast<std::int64_t>(found_.size()), "place") << ", "
              << counted(static_cast<std::int64_t>(faults_), "fault") << "\n";
    return faults_ == 0 ? 0 : 1;
  }

 private:
  void file(const std::string& host, const std::string& path) {
    const tunnel::KeyFiles files = tunnel::read_key_file(path, "", conf::KeyFormat::automatic);
    for (const conf::Finding& each : files.findings) tell(each.text());
    const std::span<const unsigned char> key(reinterpret_cast<const unsigned char*>(key_.data()), key_.size());
    for (const tunnel::KeyFile& each : files.files)
      for (const tunnel::KeyEntry& entry : each.entries)
        found_.push_back({host, entry.at.file + ":" + std::to_string(entry.at.line), entry.identity,
                          tunnel::fingerprint_of(entry.key.bytes(), key)});
  }

  template <class Map>
  static std::string places(const Map& found) {
    std::string out;
    for (const auto& [key, each] : found) out += (out.empty() ? "" : ", ") + each.identity + " in " + each.place;
    return out;
  }

  void tell(const std::string& what) {
    ++faults_;
    std::cout << printable(what) << "\n";
  }

  std::string key_;  // fingerprints are of this run alone
  std::vector<Found> found_;
  std::size_t faults_ = 0;
};

}  // namespace

int run_tunnel_keygen(const KeygenOptions& options) {
  const std::string identity = options.client + "." + options.service + "." + options.server;
  for (const std::string& name : {options.client, options.service, options.server})
    if (name.empty() || name.find_first_of("/: \t") != name.npos || name.starts_with('.'))
      return fail(name + ": write a host's or a service's name");
  if (const std::string fault = tunnel::identity_fault(identity); !fault.empty()) return fail(fault);
  if (!options.out.empty()) {
    const Status written = write_both(options, identity);
    return written ? 0 : fail(written.error().what);
  }
  const Result<std::string> key = new_key(options.compat);
  if (!key) return fail(key.error().what);
  std::cout << identity << ":" << *key << "\n";
  return 0;
}

int run_tunnel_import(const std::string& file) {
  const Result<FileContent> content = read_file(file, tunnel::stunnel_bytes_max);
  if (!content) return fail(content.error().what);
  tunnel::StunnelConf conf = tunnel::read_stunnel_conf(content->bytes, file);
  make_absolute(conf, file);
  const tunnel::Imported imported = tunnel::import_stunnel(conf, file, identities_of);
  for (const conf::Finding& each : imported.findings) std::cerr << printable(each.text()) << "\n";
  std::cerr << counted(static_cast<std::int64_t>(imported.carried), "section") << " carried, " << imported.refused
            << " not\n";
  if (!imported.tunnel.empty()) {
    const conf::Tunnel defaults;
    conf::Yaml root = conf::Yaml::mapping();
    root.add("tunnel", conf::tunnel().write(imported.tunnel, &defaults));
    std::cout << conf::print_yaml(root);
  }
  return conf::has_error(imported.findings) ? 1 : 0;
}

int run_tunnel_audit(const std::vector<std::string>& folders) {
  Audit audit;
  for (const std::string& folder : folders) audit.host(folder);
  return audit.judge();
}

}  // namespace gatehouse::cli
