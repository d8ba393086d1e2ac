// lock_file.h: a file that one process holds at a time, for as long as it keeps the descriptor.
//   The file is made if it is missing, and stays; the kernel lets go of it with the process, however that ends.
//   Failure  Errc::unavailable: another process holds it.
#pragma once

#include <string>

#include "net/result.h"
#include "net/unique_fd.h"

namespace gatehouse {

Result<UniqueFd> lock_file(const std::string& path);

}  // namespace gatehouse
