// media_type.h: the media type of a file, by the end of its name; text with its charset, which is UTF-8.
//   What is not known is application/octet-stream. Pure. Source: the IANA registry, and what browsers want.
#pragma once

#include <string_view>

namespace gatehouse::files {

inline constexpr std::size_t media_type_bytes_max = 96;
std::string_view media_type(std::string_view name);  // a file's name or path

}  // namespace gatehouse::files
