#include "proxy/http/target.h"

#include <algorithm>
#include <cstring>

#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

// Decodes unreserved escapes and writes the others in capitals. Returns the length, or nothing for a bad path.
std::optional<std::size_t> decode(std::string_view path, char* out) {
  constexpr char digits[] = "0123456789ABCDEF";
  char* const begin = out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') return std::nullopt;
    if (path[i] != '%') {
      *out++ = path[i];
      continue;
    }
    if (path.size() - i < 3) return std::nullopt;
    const int high = hex_digit(path[i + 1]), low = hex_digit(path[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    const char byte = static_cast<char>(high * 16 + low);
    if (byte == 0) return std::nullopt;
    if (is(byte, unreserved_byte)) {
      *out++ = byte;
    } else {
      *out++ = '%', *out++ = digits[high], *out++ = digits[low];
    }
    i += 2;
  }
  return out - begin;
}

bool is_dots(std::string_view piece) { return piece == "." || piece == ".."; }

bool begins_parameter(std::string_view rest) { return rest.starts_with(';') || rest.starts_with("%3B"); }
bool begins_slash(std::string_view rest) { return rest.starts_with("%2F") || rest.starts_with("%5C"); }

// Up to where `begins` holds, or all.
std::string_view piece_before(std::string_view text, bool (*begins)(std::string_view)) {
  std::size_t size = 0;
  while (size < text.size() && !begins(text.substr(size))) ++size;
  return text.substr(0, size);
}

// Whether a dot segment hides in the segment behind escaped slashes or before a path parameter, or it has both of
// these, so that its meaning depends on which of them is looked at first.
bool is_disguised(std::string_view segment) {
  if (is_dots(segment)) return false;  // an open one
  const std::string_view bare = piece_before(segment, begins_parameter);
  if (bare.size() != segment.size() && piece_before(segment, begins_slash).size() != segment.size()) return true;
  for (std::string_view rest = bare;;) {
    const std::string_view piece = piece_before(rest, begins_slash);
    if (is_dots(piece)) return true;
    if (piece.size() == rest.size()) return false;
    rest.remove_prefix(piece.size() + 3);
  }
}

// Length of the path without its last segment.
std::size_t parent(const char* path, std::size_t size) {
  const auto slash = std::string_view(path, size).rfind('/');
  return slash == std::string_view::npos ? 0 : slash;
}

// RFC 3986 5.2.4, in place, for a path that begins with '/'. Returns the new length, or nothing if a segment is
// disguised.
std::optional<std::size_t> remove_dot_segments(char* path, std::size_t size) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < size;) {
    const std::size_t begin = at + 1;  // behind the '/'
    const void* slash = std::memchr(path + begin, '/', size - begin);
    const std::size_t end = slash ? static_cast<std::size_t>(static_cast<const char*>(slash) - path) : size;
    const std::string_view segment(path + begin, end - begin);
    if (is_disguised(segment)) return std::nullopt;
    if (is_dots(segment)) {
      if (segment.size() == 2) out = parent(path, out);
      if (end == size) path[out++] = '/';
    } else {
      std::memmove(path + out, path + at, end - at);
      out += end - at;
    }
    at = end;
  }
  return out;
}

}  // namespace

std::optional<Target> normalise_target(std::string_view text, std::span<char> buffer) {
  if (text == "*") return Target{text, {}, text};
  if (buffer.size() <= text.size()) return std::nullopt;
  const char *const begin = text.data(), *const end = begin + text.size();
  if (!text.empty() && text.front() == '/') {
    const char* const plain = skip_plain_path(begin, end);
    if (plain == end || *plain == '?') {
      const auto size = static_cast<std::size_t>(plain - begin);
      return Target{text.substr(0, size), text.substr(size), text};
    }
  }
  const std::string_view sent_path = text.substr(0, text.find('?'));
  const std::string_view query = text.substr(sent_path.size());
  char* const out = buffer.data();
  const bool rootless = sent_path.empty();  // absolute form without a path
  if (rootless) out[0] = '/';
  if (!rootless && sent_path.front() != '/') return std::nullopt;
  const auto decoded = rootless ? 1 : decode(sent_path, out);
  if (!decoded) return std::nullopt;
  const auto size = remove_dot_segments(out, *decoded);
  if (!size) return std::nullopt;
  const std::string_view path(out, *size);
  if (*size == *decoded && !rootless) return Target{path, query, text};
  query.copy(out + *size, query.size());
  return Target{path, query, {out, *size + query.size()}};
}

std::string_view other_reading(std::string_view path, std::span<char> buffer) {
  if (path.find(';') == std::string_view::npos && path.find('%') == std::string_view::npos) return path;
  char* out = buffer.data();
  for (std::string_view rest = path; !rest.empty();) {
    if (begins_parameter(rest)) {
      rest.remove_prefix(std::min(rest.find('/'), rest.size()));
      continue;
    }
    const bool slash = begins_slash(rest);
    *out++ = slash ? '/' : rest.front();
    rest.remove_prefix(slash ? 3 : 1);
  }
  const std::string_view other(buffer.data(), static_cast<std::size_t>(out - buffer.data()));
  return other == path ? path : other;
}

bool within_prefix(std::string_view path, std::string_view prefix) {
  if (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

std::optional<std::string_view> rewrite_target(const Target& target, std::string_view strip, std::string_view prepend,
                                               std::span<char> buffer) {
  if (target.path == "*" || (strip.empty() && prepend.empty())) return target.forward;
  if (!strip.empty() && strip.back() == '/') strip.remove_suffix(1);
  if (!prepend.empty() && prepend.back() == '/') prepend.remove_suffix(1);
  // The bytes as sent may spell the prefix in escapes: then the normal form is cut and forwarded instead.
  std::string_view path = target.forward.substr(0, target.forward.size() - target.query.size());
  if (!within_prefix(path, strip)) {
    if (within_prefix(target.path, strip))
      path = target.path;
    else
      strip = {};
  }
  path.remove_prefix(strip.size());
  char* out = buffer.data();
  const std::size_t slash = path.empty() ? 1 : 0;
  if (buffer.size() < prepend.size() + slash + path.size() + target.query.size()) return std::nullopt;
  const auto put = [&out](std::string_view part) { out += part.copy(out, part.size()); };
  put(prepend);
  put(slash ? std::string_view("/") : std::string_view());
  put(path);
  put(target.query);
  return std::string_view(buffer.data(), static_cast<std::size_t>(out - buffer.data()));
}

}  // namespace gatehouse::http
