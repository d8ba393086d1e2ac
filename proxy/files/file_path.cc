#include "proxy/files/file_path.h"

#include <algorithm>

#include "net/encoding.h"

namespace gatehouse::files {
namespace {

bool is_served(std::string_view segment, bool first) {
  if (segment.empty() || segment.size() > name_bytes_max) return false;
  return segment.front() != '.' || (first && segment == ".well-known");
}

// One byte, its escape taken off; -1: none that a name may hold.
int next_byte(std::string_view& path) {
  const char c = path.front();
  if (c != '%') {
    path.remove_prefix(1);
    return static_cast<unsigned char>(c);
  }
  const int high = path.size() > 2 ? hex_digit(path[1]) : -1, low = path.size() > 2 ? hex_digit(path[2]) : -1;
  if (high < 0 || low < 0) return -1;
  path.remove_prefix(3);
  const int byte = high * 16 + low;
  return byte == 0 || byte == '/' ? -1 : byte;
}

}  // namespace

std::optional<FilePath> file_path(std::string_view path, std::span<char> room) {
  if (!path.starts_with('/') || room.size() < path_bytes_max) return std::nullopt;
  path.remove_prefix(1);
  std::size_t size = 0, begin = 0;
  while (!path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      if (!is_served({room.data() + begin, size - begin}, begin == 0)) return std::nullopt;
      if (path.empty()) return FilePath{{room.data(), size}, true};
      if (size == path_bytes_max) return std::nullopt;
      room[size++] = '/';
      begin = size;
      continue;
    }
    const int byte = next_byte(path);
    if (byte <= 0 || size == path_bytes_max) return std::nullopt;
    room[size++] = static_cast<char>(byte);
  }
  if (size == 0) return FilePath{{}, true};
  if (!is_served({room.data() + begin, size - begin}, begin == 0)) return std::nullopt;
  return FilePath{{room.data(), size}, false};
}

bool is_shown(std::string_view name) {
  for (bool first = true;; first = false) {
    const std::size_t end = std::min(name.find('/'), name.size());
    if (!is_served(name.substr(0, end), first)) return false;
    if (end == name.size()) return true;
    name.remove_prefix(end + 1);
  }
}

}  // namespace gatehouse::files
