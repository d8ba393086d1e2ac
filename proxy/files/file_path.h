// file_path.h: from a request's path to a file's name below the folder. Pure, no allocation.
//   The path is the normalised one (proxy/http/target.h), without its query. Escapes are taken off once; what is then
//   no name that a file could have, or must never be served, is not found: a slash or a NUL that was escaped, an
//   empty segment, a segment that begins with a dot (but .well-known as the first one: RFC 8615), a name of more than
//   255 or a path of more than 4095 bytes. What the names lead to, and that it is within the folder, the kernel
//   judges.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace gatehouse::files {

inline constexpr std::size_t path_bytes_max = 4095, name_bytes_max = 255;

struct FilePath {
  std::string_view name;   // below the folder, without a slash at either end; empty: the folder itself
  bool is_folder = false;  // the path ends with a slash
};

// The name is in the room, which must hold path_bytes_max; a NUL may be written behind it.
std::optional<FilePath> file_path(std::string_view path, std::span<char> room);

// Whether what lies at this path below the folder may be served under its own name: what a link leads to must be.
bool is_shown(std::string_view name);

}  // namespace gatehouse::files
