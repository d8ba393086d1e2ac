// open_beneath.h: opens files below a folder, and reads them, without waiting for the disk where that is asked.
//   The kernel resolves the path as one step (openat2(2)): no symlink, "..", mount or race leads out of the folder;
//   symlinks that stay within it work, if they are relative. Nothing is created, nothing is waited for (FIFOs).
//   Failure  an errno; EAGAIN of a `cached` try: it isn't known without the disk, so do it in a file thread.
//   Source   openat2(2) RESOLVE_BENEATH (Linux 5.6), RESOLVE_CACHED (5.12); preadv2(2) RWF_NOWAIT (4.14).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "net/unique_fd.h"

namespace gatehouse {

struct Opened {
  UniqueFd fd;
  int error = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  // since 1970
  bool is_file = false, is_folder = false;
  bool by_link = false;  // the name leads over a symlink
};

enum class Disk { cached, wait };

// A folder, as what paths begin at; by its own path, through whatever symlinks lead there.
Opened open_folder(const char* path, Disk disk);
// What stands at `name`, which ends with a NUL, below the folder. A FIFO or device is told as neither file nor
// folder.
Opened open_beneath(int folder, const char* name, Disk disk);
// The path from the folder to a file that was opened below it, without links; nothing where the kernel can't say
// (there is no /proc, or one of them was moved meanwhile).
std::optional<std::string> path_beneath(int folder, int file);

// As pread(2); -1 with errno. EAGAIN: not without the disk; EOPNOTSUPP: this file system can't say.
std::ptrdiff_t read_at(int file, std::span<char> into, std::uint64_t at, Disk disk);
// Whether a part of a file seems to be in memory: by cachestat(2) (Linux 6.5), or a byte of every 128 KiB.
bool seems_cached(int file, std::uint64_t at, std::size_t size);
// Asks the kernel to have a part ready; may wait.
void read_ahead(int file, std::uint64_t at, std::size_t size);

}  // namespace gatehouse
