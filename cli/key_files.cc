#include "cli/key_files.h"

#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/atomic_file.h"
#include "net/encoding.h"
#include "net/read_file.h"
#include "net/unique_fd.h"
#include "tunnel/keyring_io.h"

namespace gatehouse::cli {
namespace {

constexpr std::size_t key_bytes = 32;

Error failed(const std::string& path, int error) { return Error{Errc::io, path + ": " + std::strerror(error)}; }

Status write_fresh(const std::string& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return failed(path, errno);
  const ssize_t count = ::write(fd.get(), bytes.data(), bytes.size());
  if (count != static_cast<ssize_t>(bytes.size()) || ::fsync(fd.get()) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return failed(path, error);
  }
  // Made by root for who serves: whoever owns the folder.
  struct stat folder{};
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (::geteuid() == 0 && ::stat(parent.empty() ? "." : parent.c_str(), &folder) == 0 &&
      ::fchown(fd.get(), folder.st_uid, folder.st_gid) != 0)
    return failed(path, errno);
  return Done{};
}

// All but the identity's line.
std::string without(std::string_view text, const std::string& identity) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, std::min(end + 1, text.size()));
    if (!line.starts_with(identity + ":")) out += line;
    text.remove_prefix(line.size());
  }
  return out;
}

}  // namespace

Result<std::string> new_key(bool compat) {
  unsigned char bytes[key_bytes];
  if (RAND_priv_bytes(bytes, sizeof bytes) != 1) return Error{Errc::io, "the system has no randomness"};
  std::string out;
  if (compat) {
    out = base64url(bytes);
    out.front() = '-';  // so that it is no hexadecimal to anybody; 42 characters of randomness stay
  } else {
    constexpr char digits[] = "0123456789abcdef";
    for (const unsigned char byte : bytes) (out += digits[byte >> 4]) += digits[byte & 15];
  }
  OPENSSL_cleanse(bytes, sizeof bytes);
  return out;
}

Status write_new_key(const std::string& path, const std::string& identity, bool compat) {
  Result<std::string> key = new_key(compat);
  if (!key) return key.error();
  std::string line = identity + ":" + *key + "\n";
  const Status written = write_fresh(path, line);
  OPENSSL_cleanse(line.data(), line.size());
  OPENSSL_cleanse(key->data(), key->size());
  return written;
}

Status copy_key(const std::string& from, const std::string& to) {
  Result<FileContent> content = read_file(from, tunnel::key_file_bytes_max);
  if (!content) return content.error();
  const Status written = write_fresh(to, content->bytes);
  OPENSSL_cleanse(content->bytes.data(), content->bytes.size());
  return written;
}

Status remove_key(const conf::TunnelSecrets& secrets, const std::string& identity) {
  bool found = false;
  for (const tunnel::KeyFile& file : tunnel::read_secrets(secrets, "").files) {
    const auto has = std::find_if(file.entries.begin(), file.entries.end(),
                                  [&](const tunnel::KeyEntry& entry) { return entry.identity == identity; });
    if (has == file.entries.end()) continue;
    found = true;
    if (file.entries.size() == 1 && !secrets.folder.empty()) {
      if (::unlink(file.path.c_str()) != 0) return failed(file.path, errno);
      continue;
    }
    Result<FileContent> content = read_file(file.path, tunnel::key_file_bytes_max);
    if (!content) return content.error();
    std::string rest = without(content->bytes, identity);
    const Status written = write_file_atomically(file.path, rest, content->mode);
    if (written && ::geteuid() == 0 && ::chown(file.path.c_str(), content->uid, content->gid) != 0)
      return failed(file.path, errno);
    OPENSSL_cleanse(rest.data(), rest.size());
    OPENSSL_cleanse(content->bytes.data(), content->bytes.size());
    if (!written) return written.error();
  }
  return found ? Status(Done{}) : Status(Error{Errc::unavailable, identity + ": it has no key here"});
}

}  // namespace gatehouse::cli
