#include "net/certificate_folder_io.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr const char* one_before_stays = "; the one before stays";

bool is_own_group(gid_t group) {
  if (group == ::getegid()) return true;
  std::vector<gid_t> groups(std::max(::getgroups(0, nullptr), 0));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return std::find(groups.begin(), groups.begin() + std::max(count, 0), group) != groups.begin() + std::max(count, 0);
}

// Empty, or a word on who else gets at the key.
std::string judge_group(const FileContent& key) {
  if (key.mode & 0020) return "its group can write it; run: chmod g-w";
  if ((key.mode & 0040) && !is_own_group(key.gid)) return "a group that we are not in can read it; run: chmod g-r";
  return {};
}

struct WipedFile : FileContent {
  explicit WipedFile(FileContent&& content) : FileContent(std::move(content)) {}
  ~WipedFile() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  WipedFile(const WipedFile&) = delete;
  WipedFile& operator=(const WipedFile&) = delete;
};

Fingerprint content_hash(std::string_view crt, std::string_view key) {
  std::array<Fingerprint, 2> each;
  Fingerprint out;
  EVP_Digest(crt.data(), crt.size(), each[0].data(), nullptr, EVP_sha256(), nullptr);
  EVP_Digest(key.data(), key.size(), each[1].data(), nullptr, EVP_sha256(), nullptr);
  EVP_Digest(each.data(), sizeof each, out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

bool covers(const Certificate& certificate, const std::string& host) {
  if (!host.starts_with("*.")) return certificate.covers(host);
  return std::count(certificate.names.begin(), certificate.names.end(), host) > 0;
}

std::string uncovered(const Certificate& certificate, const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts)
    if (!covers(certificate, host)) return host;
  return {};
}

}  // namespace

Status CertificateFolder::list(std::set<std::string>& names, std::vector<FileProblem>& problems) const {
  std::error_code error;
  fs::directory_iterator it(path_, error);
  if (error) return Error{Errc::io, error.message()};
  std::vector<std::string> keys;
  for (; it != fs::directory_iterator(); it.increment(error)) {
    const fs::path file = it->path().filename();
    if (file.string().starts_with('.')) continue;
    if (file.extension() == ".key") keys.push_back(file.stem());
    if (file.extension() == ".crt") names.insert(file.stem());
  }
  if (error) return Error{Errc::io, error.message()};
  for (const std::string& name : keys)
    if (!names.count(name) && good_.count(name))
      names.insert(name);  // half removed: told when it is read
    else if (!names.count(name))
      problems.push_back({path_ + "/" + name + ".key", "there is no " + name + ".crt", true});
  if (names.size() <= pairs_max_) return Done{};
  names.erase(std::next(names.begin(), pairs_max_), names.end());
  return Error{Errc::limit, "more than " + std::to_string(pairs_max_) + " certificates; those after are not read"};
}

std::optional<CertificateFolder::Pair> CertificateFolder::read_pair(const std::string& name, WallTime now,
                                                                    std::vector<FileProblem>& problems) const {
  const std::string crt_path = path_ + "/" + name + ".crt", key_path = path_ + "/" + name + ".key";
  const auto old = good_.find(name);
  const auto refuse = [&](const std::string& file, std::string_view what) {
    if (what.starts_with(file + ": ")) what.remove_prefix(file.size() + 2);
    problems.push_back({file, std::string(what) + (old != good_.end() ? one_before_stays : "")});
    return std::nullopt;
  };
  const auto crt = read_file(crt_path, file_bytes_max);
  if (!crt) return refuse(crt_path, crt.error().what);
  auto key_content = read_file(key_path, file_bytes_max);
  if (!key_content) return refuse(key_path, key_content.error().what);
  const WipedFile key(std::move(*key_content));
  if (key.mode & 0007)
    return refuse(key_path, "every user of this machine can get at it; run: chmod o-rwx " + key_path);
  if (const std::string word = judge_group(key); !word.empty())
    problems.push_back({key_path, word + " " + key_path, true});

  Pair pair{content_hash(crt->bytes, key.bytes), nullptr};
  if (old != good_.end() && old->second.content == pair.content) {
    pair.certificate = old->second.certificate;
    if (now >= pair.certificate->not_after)
      problems.push_back({crt_path, "has expired; it is served until there is a better one", true});
    return pair;
  }
  auto certificate = load_certificate(crt->bytes, key.bytes, now);
  if (!certificate) return refuse(crt_path, certificate.error().what);
  pair.certificate = std::move(*certificate);
  return pair;
}

bool CertificateFolder::let_go(const std::set<std::string>& there, const Assigned& assigned,
                               std::vector<FileProblem>& problems) {
  const auto covered = [&](const std::string& host) {
    return std::any_of(good_.begin(), good_.end(), [&](const auto& each) {
      return there.count(each.first) && covers(*each.second.certificate, host);
    });
  };
  const auto needed = [&](const std::string& name, const Certificate& certificate) {
    return assigned.count(name) || !std::all_of(certificate.names.begin(), certificate.names.end(), covered) ||
           !std::all_of(certificate.addresses.begin(), certificate.addresses.end(),
                        [&](const IpAddress& address) { return covered(address.text()); });
  };
  return std::erase_if(good_, [&](const auto& each) {
           const auto& [name, pair] = each;
           if (there.count(name)) return false;
           if (!needed(name, *pair.certificate)) return true;
           problems.push_back(
               {path_ + "/" + name + ".crt", "is gone, and nothing else serves its names; it stays in use"});
           return false;
         }) > 0;
}

CertificateFolder::Reading CertificateFolder::read(WallTime now, const Assigned& assigned) {
  Reading out;
  std::set<std::string> names;
  const Status listed = list(names, out.problems);
  if (!listed) out.problems.push_back({path_, listed.error().what});
  if (listed && names.empty() && !good_.empty())
    out.problems.push_back({path_, "holds no certificate any more; the last good ones stay"});
  for (const std::string& name : names) {
    auto pair = read_pair(name, now, out.problems);
    if (!pair) continue;
    const auto old = good_.find(name);
    const bool replaces = old != good_.end() && old->second.content != pair->content;
    const auto hosts = assigned.find(name);
    const std::string host = hosts == assigned.end() ? "" : uncovered(*pair->certificate, hosts->second);
    if (!host.empty())
      out.problems.push_back({path_ + "/" + name + ".crt", "does not cover " + host + ", which it is assigned to" +
                                                               (replaces ? one_before_stays : "")});
    if (old != good_.end() && (!replaces || !host.empty())) continue;
    good_[name] = std::move(*pair);
    out.changed = true;
  }
  if (listed && !names.empty()) out.changed = let_go(names, assigned, out.problems) || out.changed;
  for (const auto& [name, pair] : good_) out.certificates.push_back({name, pair.certificate});
  return out;
}

}  // namespace gatehouse
