// The file of bans, altered as a disk or a stranger may: refused whole, or what it says can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/siphash.h"
#include "ratelimit/ban_file.h"

namespace {

constexpr std::uint64_t now_ms = 1'000'000'000, wall_ms = 1'800'000'000'000;

void read(std::string_view bytes) {
  using namespace gatehouse::ratelimit;
  const auto file = read_bans(bytes, now_ms, wall_ms);
  if (!file) return;
  BanTable table(file->key, 1024);
  for (const Ban& ban : file->bans) table.add(ban, 0);
  if (!read_bans(write_bans(file->key, table, now_ms, wall_ms), now_ms, wall_ms)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text);
  // Chance doesn't meet the sum at the end: with a right one, the records are looked at as well.
  if (size < 17 + 16) return 0;
  gatehouse::SipKey key;
  text.copy(reinterpret_cast<char*>(&key), sizeof key, 17);
  std::string signed_text(text);
  const std::uint64_t sum = gatehouse::siphash(key, signed_text);
  signed_text.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  read(signed_text);
  return 0;
}
