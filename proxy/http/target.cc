#include "proxy/http/target.h"

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

// Whether a dot segment hides in the segment behind an escaped slash or a path parameter.
bool hides_dots(std::string_view segment) {
  if (is_dots(segment)) return false;  // an open one
  std::string_view rest = segment;
  for (;;) {
    std::size_t cut = 0;
    while (cut < rest.size() && rest.substr(cut, 3) != "%2F" && rest.substr(cut, 3) != "%5C") ++cut;
    const std::string_view piece = rest.substr(0, cut);
    if (is_dots(piece.substr(0, piece.find(';')))) return true;
    if (cut == rest.size()) return false;
    rest.remove_prefix(cut + 3);
  }
}

// Length of the path without its last segment.
std::size_t parent(const char* path, std::size_t size) {
  const auto slash = std::string_view(path, size).rfind('/');
  return slash == std::string_view::npos ? 0 : slash;
}

// RFC 3986 5.2.4, in place, for a path that begins with '/'. Returns the new length, or nothing if dots are hidden.
std::optional<std::size_t> remove_dot_segments(char* path, std::size_t size) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < size;) {
    const std::size_t begin = at + 1;  // behind the '/'
    const void* slash = std::memchr(path + begin, '/', size - begin);
    const std::size_t end = slash ? static_cast<std::size_t>(static_cast<const char*>(slash) - path) : size;
    const std::string_view segment(path + begin, end - begin);
    if (hides_dots(segment)) return std::nullopt;
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
