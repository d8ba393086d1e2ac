#include "net/lock_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>

namespace gatehouse {

Result<UniqueFd> lock_file(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (file && errno == EWOULDBLOCK) return Error{Errc::unavailable, path + ": held by another process"};
  return Error{Errc::io, path + ": " + std::strerror(errno)};
}

}  // namespace gatehouse
