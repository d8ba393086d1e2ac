// Whatever a Range field says: what is sent lies within the file, is no more than it, and is as long as was told.
#include <cstdint>
#include <string>

#include "proxy/files/range.h"
#include "tests/fuzz/require.h"

using namespace gatehouse::files;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::uint64_t length = data[0] | data[1] << 8 | data[2] << 16;
  const Ranges ranges = parse_ranges({reinterpret_cast<const char*>(data) + 3, size - 3}, length);
  REQUIRE(ranges.count <= ranges_max);
  REQUIRE((ranges.kind == Ranges::Kind::some) == (ranges.count > 0));
  std::uint64_t total = 0;
  for (const ByteRange& range : ranges.list()) {
    REQUIRE(range.size > 0 && range.first < length && range.size <= length - range.first);
    total += range.size;
  }
  REQUIRE(total <= length);
  const Byteranges parts(length, "text/plain", length);
  std::array<char, Byteranges::part_head_max> room;
  std::uint64_t told = parts.tail(room).size();
  for (const ByteRange& range : ranges.list())
    told += parts.head(range, &range == ranges.list().data(), room).size() + range.size;
  REQUIRE(told == parts.length(ranges.list()));
  return 0;
}
