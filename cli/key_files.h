// key_files.h: key files made and changed by commands: 0600, whole or not at all, never over one that is there.
#pragma once

#include <string>

#include "conf/tunnel.h"
#include "net/result.h"

namespace gatehouse::cli {

// `compat`: characters that stunnel before 5.51, which knows no hexadecimal, reads alike.
Result<std::string> new_key(bool compat);  // its text
Status write_new_key(const std::string& path, const std::string& identity, bool compat);
Status copy_key(const std::string& from, const std::string& to);
// Errc::unavailable: it is not there. A file that has nothing else goes.
Status remove_key(const conf::TunnelSecrets& secrets, const std::string& identity);

}  // namespace gatehouse::cli
