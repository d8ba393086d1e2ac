// read_file.h: a whole file, bounded, with errors an operator can act on.
//   Only regular files (through symlinks): a FIFO or a device never blocks the reader. Not for the data path.
//   Failure  "/etc/x.key: Permission denied", "/etc/x.key: larger than 64 KiB", ...; what was read is never partial.
//   A file that
//            isn't there: Errc::unavailable.
#pragma once

#include <cstddef>
#include <string>

#include <sys/types.h>

#include "net/result.h"

namespace gatehouse {

struct FileContent {
  std::string bytes;
  mode_t mode = 0;  // permission bits, of the file that was read (after symlinks)
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<FileContent> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace gatehouse
