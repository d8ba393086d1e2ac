#include "net/read_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

#include "net/unique_fd.h"

namespace gatehouse {
namespace {

Error failed(const std::string& path, int error) {
  return Error{error == ENOENT ? Errc::unavailable : Errc::io, path + ": " + std::strerror(error)};
}

std::string size_text(std::size_t bytes) {
  return bytes % 1024 == 0 ? std::to_string(bytes / 1024) + " KiB" : std::to_string(bytes) + " bytes";
}

}  // namespace

Result<FileContent> read_file(const std::string& path, std::size_t bytes_max) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return failed(path, errno);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return failed(path, errno);
  if (!S_ISREG(info.st_mode)) return Error{Errc::invalid, path + ": not a regular file"};
  FileContent out;
  out.mode = info.st_mode & 07777;
  out.uid = info.st_uid, out.gid = info.st_gid;
  // st_size is a hint only: the file may grow while it is read, and files of /proc say 0.
  char chunk[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(path, errno);
    if (n == 0) return out;
    if (out.bytes.size() + n > bytes_max) return Error{Errc::limit, path + ": larger than " + size_text(bytes_max)};
    out.bytes.append(chunk, n);
  }
}

}  // namespace gatehouse
