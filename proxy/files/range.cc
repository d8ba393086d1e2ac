#include "proxy/files/range.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "proxy/http/bytes.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::files {
namespace {

constexpr std::uint64_t far_away = ~std::uint64_t{0};

// Digits alone; what is beyond any file counts as far away. Nothing: there are none, or something else.
std::optional<std::uint64_t> position(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), http::is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? value : far_away;
}

struct Read {
  bool sound = false;
  ByteRange range;  // size 0: it is not within the file
};

Read read_range(std::string_view text, std::uint64_t size) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view first = http::trimmed(text.substr(0, dash)), last = http::trimmed(text.substr(dash + 1));
  if (first.empty()) {  // the last so many
    const auto suffix = position(last);
    if (!suffix) return {};
    const std::uint64_t taken = std::min(*suffix, size);
    return {true, {size - taken, taken}};
  }
  const auto from = position(first), to = last.empty() ? far_away : position(last);
  if (!from || !to || *from > *to) return {};
  if (*from >= size) return {true, {}};
  return {true, {*from, std::min(*to, size - 1) - *from + 1}};
}

}  // namespace

Ranges parse_ranges(std::string_view value, std::uint64_t size) {
  Ranges out;
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos || !http::equals_caseless(http::trimmed(value.substr(0, equals)), "bytes"))
    return out;
  if (size == 0) return out;  // nothing could be told of its bytes
  std::string_view list = value.substr(equals + 1);
  std::uint64_t total = 0;
  std::size_t elements = 0;
  while (!list.empty()) {
    const std::string_view element = http::next_element(list);
    if (element.empty()) continue;
    const Read read = read_range(element, size);
    if (!read.sound || ++elements > ranges_max) return {};
    if (read.range.size == 0) continue;
    out.each[out.count++] = read.range;
    total += read.range.size;
  }
  if (elements == 0 || total > size) return {};  // overlapping: more work than the whole is
  out.kind = out.count == 0 ? Ranges::Kind::none : Ranges::Kind::some;
  return out;
}

std::string_view content_range(const ByteRange& range, std::uint64_t size, std::span<char> room) {
  http::HeadWriter out(room);
  out.put("bytes ");
  out.put(range.first);
  out.put("-");
  out.put(range.first + range.size - 1);
  out.put("/");
  out.put(size);
  return out.text();
}

Byteranges::Byteranges(std::uint64_t token, std::string_view type, std::uint64_t size) : type_(type), size_(size) {
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuv";
  std::fill(boundary_.begin(), boundary_.end(), '-');
  for (std::size_t i = boundary_.size() - 13; i < boundary_.size(); ++i, token >>= 5)
    boundary_[i] = letters[token & 31];
}

std::string_view Byteranges::head(const ByteRange& range, bool first, std::span<char, part_head_max> room) const {
  http::HeadWriter out(room);
  out.put(first ? "--" : "\r\n--");
  out.put(boundary());
  out.put("\r\n");
  out.field("Content-Type", type_);
  std::array<char, 80> text;
  out.field("Content-Range", content_range(range, size_, text));
  out.put("\r\n");
  return out.text();
}

std::string_view Byteranges::tail(std::span<char, part_head_max> room) const {
  http::HeadWriter out(room);
  out.put("\r\n--");
  out.put(boundary());
  out.put("--\r\n");
  return out.text();
}

std::uint64_t Byteranges::length(std::span<const ByteRange> ranges) const {
  std::array<char, part_head_max> room;
  std::uint64_t total = tail(room).size();
  for (const ByteRange& range : ranges) total += head(range, &range == ranges.data(), room).size() + range.size;
  return total;
}

}  // namespace gatehouse::files
