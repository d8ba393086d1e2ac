// atomic_file.h: replaces a file whole or not at all.
//   Writes a temporary file beside it, syncs it, renames it over the old one and syncs the folder: after a crash, or
//   on a full disk, either the old or the new content is there. Blocks on the disk: never for the data path.
//   A symlink at `path` is replaced, not followed. The mode is set before the first byte is written.
//   Failure  the old file stays, the temporary one is removed, and the error says which step failed.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "net/result.h"

namespace gatehouse {

Status write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace gatehouse
