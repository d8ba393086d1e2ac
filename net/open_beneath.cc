#include "net/open_beneath.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr std::size_t look_every = 128 << 10;          // what Linux reads ahead at a time
constexpr std::int64_t latest_second = 9'000'000'000;  // in 2255: so far nanoseconds reach
constexpr int races_most = 8;  // renames within the folder while ".." of a symlink is followed

Opened open_at(int folder, const char* name, std::uint64_t flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  Opened out;
  for (int i = 0; i < races_most; ++i) {
    const auto fd = ::syscall(SYS_openat2, folder, name, &how, sizeof how);
    out.error = fd < 0 ? errno : 0;
    out.fd = UniqueFd(static_cast<int>(fd));
    const bool raced = out.error == EAGAIN && (resolve & RESOLVE_CACHED) == 0;
    if (!raced && out.error != EINTR) break;
  }
  if (out.error != 0) return out;
  struct stat is{};
  if (::fstat(out.fd.get(), &is) != 0) {
    out.error = errno;
    return out;
  }
  out.is_file = S_ISREG(is.st_mode);
  out.is_folder = S_ISDIR(is.st_mode);
  out.size = static_cast<std::uint64_t>(is.st_size);
  // A time that nobody can have meant is the nearest that can be told.
  const std::int64_t second = std::clamp<std::int64_t>(is.st_mtim.tv_sec, 0, latest_second);
  out.modified_ns = second * 1'000'000'000 + is.st_mtim.tv_nsec;
  return out;
}

// Empty: the kernel doesn't say.
std::string path_of(int fd) {
  char path[PATH_MAX];
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return size > 0 && size < PATH_MAX ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

std::uint64_t cached_flag(Disk disk) { return disk == Disk::cached ? RESOLVE_CACHED : 0; }

}  // namespace

Opened open_folder(const char* path, Disk disk) {
  return open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, cached_flag(disk));
}

// A link costs a second look, and a name without one nothing.
Opened open_beneath(int folder, const char* name, Disk disk) {
  constexpr std::uint64_t flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  Opened out = open_at(folder, name, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | cached_flag(disk));
  if (out.error != ELOOP) return out;
  out = open_at(folder, name, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | cached_flag(disk));
  out.by_link = true;
  return out;
}

std::optional<std::string> path_beneath(int folder, int file) {
  std::string base = path_of(folder);
  std::string path = path_of(file);
  if (!base.starts_with('/')) return std::nullopt;
  if (base != "/") base += '/';
  if (!path.starts_with(base)) return std::nullopt;
  return path.substr(base.size());
}

std::ptrdiff_t read_at(int file, std::span<char> into, std::uint64_t at, Disk disk) {
  const iovec part{into.data(), into.size()};
  for (;;) {
    const auto count = ::preadv2(file, &part, 1, static_cast<off_t>(at), disk == Disk::cached ? RWF_NOWAIT : 0);
    if (count >= 0 || errno != EINTR) return count;
  }
}

namespace {

// cachestat(2) and its structures, of Linux 6.5: headers of Debian 12 don't know them.
struct CacheRange {
  std::uint64_t at, size;
};
struct CacheCount {
  std::uint64_t cached = 0, dirty = 0, written = 0, evicted = 0, evicted_lately = 0;  // pages
};
constexpr long cachestat_number = 451;

// Whether all pages of a part are known to be in memory. Overlay file systems don't know of theirs, older kernels none.
bool all_cached(int file, std::uint64_t at, std::size_t size) {
  static std::atomic<bool> unknown{false};
  if (unknown.load(std::memory_order_relaxed)) return false;
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const CacheRange range{at, size};
  CacheCount count;
  if (::syscall(cachestat_number, file, &range, &count, 0) != 0) {
    if (errno == ENOSYS || errno == EPERM) unknown.store(true, std::memory_order_relaxed);
    return false;
  }
  return count.cached >= (at + size - 1) / page - at / page + 1;
}

}  // namespace

bool seems_cached(int file, std::uint64_t at, std::size_t size) {
  if (all_cached(file, at, size)) return true;
  char byte;
  const std::uint64_t last = at + size - 1;
  for (std::uint64_t look = at; look < last; look += look_every)
    if (read_at(file, {&byte, 1}, look, Disk::cached) < 0) return false;
  return read_at(file, {&byte, 1}, last, Disk::cached) >= 0;
}

void read_ahead(int file, std::uint64_t at, std::size_t size) {
  ::posix_fadvise(file, static_cast<off_t>(at), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
}

}  // namespace gatehouse
