#include "net/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "net/unique_fd.h"

namespace gatehouse {
namespace {

Error failed(const std::string& path, const char* step) {
  return Error{Errc::io, path + ": " + step + ": " + std::strerror(errno)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(n);
  }
  return true;
}

// Removes the temporary file unless it took the old one's place.
struct Temporary {
  std::string path;
  bool kept = false;
  ~Temporary() {
    if (!kept) ::unlink(path.c_str());
  }
};

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);

  std::string pattern = folder + "/." + name + ".XXXXXX";
  const UniqueFd fd(::mkostemp(pattern.data(), O_CLOEXEC));  // 0600 from the start
  if (!fd) return failed(path, "cannot make a temporary file beside it");
  Temporary temporary{pattern};
  if (::fchmod(fd.get(), mode) != 0) return failed(path, "cannot set its mode");
  if (!write_all(fd.get(), bytes)) return failed(path, "cannot write");
  if (::fsync(fd.get()) != 0) return failed(path, "cannot sync");
  if (::rename(pattern.c_str(), path.c_str()) != 0) return failed(path, "cannot replace");
  temporary.kept = true;

  const UniqueFd folder_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd || ::fsync(folder_fd.get()) != 0) return failed(path, "written, but its folder cannot be synced");
  return Done{};
}

}  // namespace gatehouse
