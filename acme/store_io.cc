#include "acme/store_io.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/chain.h"
#include "acme/json_look.h"
#include "net/atomic_file.h"
#include "net/host_name.h"
#include "net/read_file.h"

namespace gatehouse::acme {
namespace {

namespace fs = std::filesystem;

constexpr mode_t secret_mode = 0600;
constexpr char wildcard_mark = '+';  // no host's name has one

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Done{};
  return Error{Errc::io, path + ": " + std::strerror(errno)};
}

std::string bytes_or_empty(const std::string& path) {
  Result<FileContent> content = read_file(path, 2 * chain_bytes_most);
  return content ? std::move(content->bytes) : std::string();
}

// A CA by its directory's URL: to be read by people, and without a chance to leave the folder.
std::string folder_name(const std::string& url) {
  std::string out;
  for (const char c : url.substr(url.find("//") + 2)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    out += plain ? c : '_';
  }
  return out.substr(0, 200);
}

// 0: not a version's file.
unsigned version_of(const fs::path& file) {
  unsigned version = 0;
  const std::string stem = file.stem().string();
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), version);
  return file.extension() == ".pem" && error == std::errc() && end == stem.data() + stem.size() ? version : 0;
}

std::vector<unsigned> versions_in(const std::string& folder) {
  std::vector<unsigned> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (const unsigned version = version_of(it->path().filename()); version != 0) out.push_back(version);
  std::sort(out.begin(), out.end(), std::greater<>());
  return out;
}

std::string version_path(const std::string& folder, unsigned version) {
  char name[16];
  std::snprintf(name, sizeof name, "/%04u.pem", version);
  return folder + name;
}

}  // namespace

Status Store::open() {
  for (const std::string& path : {folder_, folder_ + "/accounts", folder_ + "/certificates"})
    if (Status made = make_folder(path); !made) return made;
  return Done{};
}

std::string Store::account_folder(const std::string& directory_url) const {
  return folder_ + "/accounts/" + folder_name(directory_url);
}

std::string Store::folder_of(const std::string& name) const {
  std::string file = name;
  if (file.starts_with('*')) file[0] = wildcard_mark;
  return folder_ + "/certificates/" + file;
}

Result<KeptAccount> Store::account(const std::string& directory_url) const {
  const std::string folder = account_folder(directory_url);
  KeptAccount out;
  // Not there is one thing, not to be read another: a second account would be made.
  for (const auto& [file, to] : {std::pair("/account.key", &out.key_pem), std::pair("/account.json", &out.url),
                                 std::pair("/next.key", &out.next_key_pem)}) {
    Result<FileContent> content = read_file(folder + file, json_text_most);
    if (content)
      *to = std::move(content->bytes);
    else if (content.error().code != Errc::unavailable)
      return content.error();
  }
  if (!out.url.empty()) out.url = text_at(read_object(out.url), "url");
  if (out.key_pem.empty()) out.url.clear();
  return out;
}

Status Store::save_account_key(const std::string& directory_url, const std::string& pem) {
  const std::string folder = account_folder(directory_url);
  if (Status made = make_folder(folder); !made) return made;
  return write_file_atomically(folder + "/account.key", pem, secret_mode);
}

Status Store::save_next_account_key(const std::string& directory_url, const std::string& pem) {
  return write_file_atomically(account_folder(directory_url) + "/next.key", pem, secret_mode);
}

void Store::drop_next_account_key(const std::string& directory_url) {
  ::unlink((account_folder(directory_url) + "/next.key").c_str());
}

Status Store::save_account_url(const std::string& directory_url, const std::string& url) {
  const json::object text{{"directory", directory_url}, {"url", url}};
  return write_file_atomically(account_folder(directory_url) + "/account.json", json::serialize(text) + "\n",
                               secret_mode);
}

KeptCertificate Store::load_one(const std::string& name, WallTime now, std::vector<std::string>& problems) const {
  const std::string folder = folder_of(name);
  KeptCertificate out{name, nullptr, read_record(bytes_or_empty(folder + "/record.json"))};
  for (const unsigned version : versions_in(folder)) {
    const std::string path = version_path(folder, version);
    Result<FileContent> content = read_file(path, 2 * chain_bytes_most);
    Result<CertificatePtr> loaded = content ? load_kept(content->bytes, content->bytes, now) : content.error();
    if (content) OPENSSL_cleanse(content->bytes.data(), content->bytes.size());
    if (loaded) {
      out.certificate = std::move(*loaded);
      break;
    }
    problems.push_back(path + ": " + loaded.error().what);
  }
  return out;
}

std::vector<KeptCertificate> Store::load(WallTime now, std::vector<std::string>& problems) const {
  std::vector<KeptCertificate> out;
  std::error_code error;
  const std::string folder = folder_ + "/certificates";
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename();
    const bool wildcard = name.starts_with(wildcard_mark);
    if (wildcard) name[0] = '*';
    if (name.starts_with('.') || !HostName::parse(wildcard ? std::string_view(name).substr(2) : name)) continue;
    if (out.size() == names_most) {
      problems.push_back(folder + ": more than " + std::to_string(names_most) +
                         " certificates; the rest is not read");
      break;
    }
    out.push_back(load_one(name, now, problems));
  }
  if (error) problems.push_back(folder + ": " + error.message());
  return out;
}

Status Store::save(const std::string& name, const Record& record) {
  const std::string folder = folder_of(name);
  if (Status made = make_folder(folder); !made) return made;
  return write_file_atomically(folder + "/record.json", to_json(record), secret_mode);
}

std::string Store::next_key(const std::string& name) const { return bytes_or_empty(folder_of(name) + "/next.key"); }

Status Store::save_next_key(const std::string& name, const std::string& pem) {
  const std::string folder = folder_of(name);
  if (Status made = make_folder(folder); !made) return made;
  return write_file_atomically(folder + "/next.key", pem, secret_mode);
}

Status Store::save_certificate(const std::string& name, const std::string& key_pem, const std::string& chain_pem) {
  const std::string folder = folder_of(name);
  if (Status made = make_folder(folder); !made) return made;
  const std::vector<unsigned> before = versions_in(folder);
  const unsigned version = before.empty() ? 1 : before.front() + 1;
  std::string both = key_pem + chain_pem;
  Status written = write_file_atomically(version_path(folder, version), both, secret_mode);
  OPENSSL_cleanse(both.data(), both.size());
  if (!written) return written;
  for (std::size_t i = versions_kept - 1; i < before.size(); ++i) ::unlink(version_path(folder, before[i]).c_str());
  ::unlink((folder + "/next.key").c_str());
  return Done{};
}

void Store::forget(const std::string& name) {
  std::error_code error;
  fs::remove_all(folder_of(name), error);
}

}  // namespace gatehouse::acme
