// secret.h: a secret that stands elsewhere than in the configuration: in a file or in the environment.
//   Read anew each time it is used, so that a changed file takes effect by itself. A file that others can read is
//   refused. Blanks and line ends around it are not of it. Not for the data path.
#pragma once

#include <string>

#include "net/result.h"

namespace gatehouse {

struct Secret {
  std::string file, env;  // one of them; both empty: none
  bool said() const { return !file.empty() || !env.empty(); }
  bool operator==(const Secret&) const = default;
};

Result<std::string> read_secret(const Secret& secret);  // "" where none is said

}  // namespace gatehouse
