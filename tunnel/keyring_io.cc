#include "tunnel/keyring_io.h"

#include <algorithm>
#include <filesystem>

#include <openssl/rand.h>
#include <sys/stat.h>

#include "net/read_file.h"
#include "tunnel/generation.h"
#include "tunnel/key_audit.h"

namespace gatehouse::tunnel {
namespace {

namespace fs = std::filesystem;

constexpr mode_t too_much = 0037;  // all of others, and of the group what is more than reading

void refuse(KeyFiles& out, const std::string& path, std::string what) {
  out.findings.push_back({{}, path, std::move(what)});
}

std::int64_t changed_at(const std::string& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 : 0;
}

bool leads_out(const fs::path& file, const fs::path& folder) {
  std::error_code error;
  const fs::path home = fs::canonical(folder, error);
  const fs::path real = error ? fs::path() : fs::canonical(file, error);
  if (error) return false;  // reading it tells what is wrong
  return std::mismatch(home.begin(), home.end(), real.begin(), real.end()).first != home.end();
}

void add(KeyFiles& out, KeyFiles more) {
  std::move(more.files.begin(), more.files.end(), std::back_inserter(out.files));
  conf::add_findings(out.findings, more.findings);
}

KeyFiles read_folder(const conf::TunnelSecrets& secrets, const std::string& path) {
  KeyFiles out;
  std::error_code error;
  struct stat info{};
  if (::stat(secrets.folder.c_str(), &info) == 0 && (info.st_mode & 0027) != 0)
    refuse(out, path,
           secrets.folder + ": others can look into or a group can write this folder; run: chmod 0750 " +
               secrets.folder);
  std::vector<fs::path> files;
  for (fs::directory_iterator each(secrets.folder, error), end; !error && each != end; each.increment(error)) {
    const fs::path file = each->path();
    if (file.extension() != ".psk" || file.filename().string().starts_with('.')) continue;
    files.push_back(file);
    if (files.size() > key_files_max) {
      refuse(out, path, secrets.folder + ": more than " + std::to_string(key_files_max) + " files");
      return out;
    }
  }
  if (error) refuse(out, path, secrets.folder + ": " + error.message());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    if (leads_out(file, secrets.folder))
      refuse(out, path, file.string() + ": a link that leads out of its folder; copy the file in");
    else
      add(out, read_key_file(file.string(), path, secrets.format));
  }
  return out;
}

// Reads and judges a whole configuration's.
class Loading {
 public:
  explicit Loading(const conf::Tunnel& tunnel) : tunnel_(tunnel) { RAND_priv_bytes(audit_key_, sizeof audit_key_); }

  LoadedKeys run() {
    for (std::size_t i = 0; i < tunnel_.accept.size(); ++i) accept(i);
    for (std::size_t i = 0; i < tunnel_.connect.size(); ++i) {
      out_.keys.connect.emplace_back();
      for (std::size_t j = 0; j < tunnel_.connect[i].to.size(); ++j) target(i, j);
    }
    conf::add_findings(out_.findings, audit_keys(uses_));
    return std::move(out_);
  }

 private:
  void accept(std::size_t i) {
    const conf::TunnelAccept& accept = tunnel_.accept[i];
    const std::string path = "tunnel.accept[" + std::to_string(i) + "]";
    KeyFiles files = read_secrets(accept.secrets, path + ".secrets");
    conf::add_findings(out_.findings, files.findings);
    auto keys = std::make_shared<PskKeys>();
    for (KeyFile& file : files.files)
      for (KeyEntry& entry : file.entries) {
        use(entry, file, false, accept.tls, accept.called(), path + ".secrets");
        keys->emplace(entry.identity, std::move(entry.key));
      }
    for (std::size_t j = 0; j < accept.allow.size(); ++j)
      if (!keys->contains(accept.allow[j].identity))
        warn(path + ".allow[" + std::to_string(j) + "].identity",
             accept.allow[j].identity + ": there is no key for it, so it can't come in");
    for (const auto& each : *keys) {
      const std::string& identity = each.first;
      if (std::none_of(accept.allow.begin(), accept.allow.end(), [&](const conf::TunnelAllow& allow) {
            return allow.identity == identity || allow.identity == generation_of(identity).base;
          }))
        warn(path + ".allow", identity + ": has a key, and may reach nothing: it is not in `allow`");
    }
    out_.keys.accept.push_back(std::move(keys));
  }

  void target(std::size_t i, std::size_t j) {
    const conf::TunnelConnect& connect = tunnel_.connect[i];
    const conf::TunnelTarget& target = connect.to[j];
    const std::string path = "tunnel.connect[" + std::to_string(i) + "].to[" + std::to_string(j) + "]";
    KeyFiles files = read_secrets(target.secret, path + ".secret");
    conf::add_findings(out_.findings, files.findings);
    std::shared_ptr<PskOffer> offer;
    for (KeyFile& file : files.files)
      for (KeyEntry& entry : file.entries) {
        const Generation generation = generation_of(entry.identity);
        const bool named = target.identity.empty()
                               ? !offer
                               : entry.identity == target.identity || generation.base == target.identity;
        if (!named || (offer && generation.number <= generation_of(offer->identity).number)) continue;
        use(entry, file, true, connect.tls, target.address.text(), path + ".secret");
        offer = std::make_shared<PskOffer>();
        offer->identity = entry.identity;
        offer->key = std::move(entry.key);
      }
    if (!offer && files.findings.empty())
      out_.findings.push_back({{}, path + ".identity", target.identity + ": its secret has no key for it"});
    out_.keys.connect.back().push_back(std::move(offer));
  }

  void use(const KeyEntry& entry, const KeyFile& file, bool shown, conf::TunnelTls tls, std::string by,
           std::string path) {
    const std::string place = entry.at.file + ":" + std::to_string(entry.at.line);
    uses_.push_back({entry.identity, fingerprint_of(entry.key.bytes(), audit_key_), shown, tls, std::move(by), place,
                     std::move(path)});
    out_.keys.changed_ms[entry.identity] = file.changed_ms;
  }

  void warn(const std::string& path, std::string what) {
    out_.findings.push_back({{}, path, std::move(what), conf::Severity::warning});
  }

  const conf::Tunnel& tunnel_;
  unsigned char audit_key_[32];
  std::vector<KeyUse> uses_;
  LoadedKeys out_;
};

}  // namespace

LoadedKeys load_keys(const conf::Tunnel& tunnel) { return Loading(tunnel).run(); }

std::set<std::string> key_paths(const conf::Tunnel& tunnel) {
  std::set<std::string> paths;
  const auto add_paths = [&](const conf::TunnelSecrets& secrets) {
    for (const std::string& path : {secrets.file, secrets.folder})
      if (!path.empty()) paths.insert(path);
  };
  for (const conf::TunnelAccept& accept : tunnel.accept) add_paths(accept.secrets);
  for (const conf::TunnelConnect& connect : tunnel.connect)
    for (const conf::TunnelTarget& target : connect.to) add_paths(target.secret);
  return paths;
}

KeyFiles read_key_file(const std::string& file, const std::string& path, conf::KeyFormat format) {
  KeyFiles out;
  Result<FileContent> content = read_file(file, key_file_bytes_max);
  if (!content) {
    refuse(out, path, content.error().what);
    return out;
  }
  if ((content->mode & too_much) != 0)
    refuse(out, path, file + ": others can read or a group can write this file; run: chmod 0600 " + file);
  KeyReading reading = read_keys(content->bytes, file, format);
  OPENSSL_cleanse(content->bytes.data(), content->bytes.size());
  conf::add_findings(out.findings, reading.findings);
  if (reading.entries.empty() && reading.findings.empty()) refuse(out, path, file + ": no key in it");
  out.files.push_back({file, changed_at(file), std::move(reading.entries)});
  return out;
}

KeyFiles read_secrets(const conf::TunnelSecrets& secrets, const std::string& path) {
  if (!secrets.folder.empty()) return read_folder(secrets, path);
  return secrets.file.empty() ? KeyFiles{} : read_key_file(secrets.file, path, secrets.format);
}

}  // namespace gatehouse::tunnel
