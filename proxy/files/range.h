// range.h: which bytes of a file a request wants (RFC 9110 14.1, 14.2), and how several are sent at once (14.6).
//   Ignored, so that the whole is sent: another unit than bytes, a malformed list, more than 16 ranges, and ranges
//   that together would be more than the whole. None of them within the file: not satisfiable. Pure, no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace gatehouse::files {

inline constexpr std::size_t ranges_max = 16;

struct ByteRange {
  std::uint64_t first = 0, size = 0;  // size > 0
  bool operator==(const ByteRange&) const = default;
};

struct Ranges {
  enum class Kind { whole, some, none };  // 200, 206, 416
  Kind kind = Kind::whole;
  std::size_t count = 0;
  std::array<ByteRange, ranges_max> each;
  std::span<const ByteRange> list() const { return {each.data(), count}; }
};

// `value`: of the Range field. `size`: of the file.
Ranges parse_ranges(std::string_view value, std::uint64_t size);

// The parts of a multipart/byteranges: what stands in front of each range, and behind the last.
class Byteranges {
 public:
  static constexpr std::size_t boundary_size = 24, part_head_max = 320;

  // `token` makes the boundary, which must not be foreseeable where strangers write files.
  Byteranges(std::uint64_t token, std::string_view type, std::uint64_t size);

  std::string_view boundary() const { return {boundary_.data(), boundary_.size()}; }
  // The bytes in front of a range; the room they are written to must live as long as they.
  std::string_view head(const ByteRange& range, bool first, std::span<char, part_head_max> room) const;
  std::string_view tail(std::span<char, part_head_max> room) const;
  std::uint64_t length(std::span<const ByteRange> ranges) const;  // of the whole body

 private:
  std::array<char, boundary_size> boundary_;
  std::string_view type_;
  std::uint64_t size_;
};

// "bytes 0-499/1234"; the room must hold 80 bytes.
std::string_view content_range(const ByteRange& range, std::uint64_t size, std::span<char> room);

}  // namespace gatehouse::files
