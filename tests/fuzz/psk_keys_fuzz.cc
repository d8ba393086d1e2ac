// The text of a key file, as somebody may have put it on a disk, and identities, as anybody may send them.
#include <algorithm>
#include <array>
#include <set>

#include "net/psk.h"
#include "tests/fuzz/require.h"
#include "tunnel/generation.h"
#include "tunnel/keyring.h"
#include "tunnel/log_line.h"

using namespace gatehouse;

namespace {

void read(std::string_view text, conf::KeyFormat format) {
  const tunnel::KeyReading reading = tunnel::read_keys(text, "k", format);
  std::set<std::string> identities;
  for (const tunnel::KeyEntry& entry : reading.entries) {
    REQUIRE(tunnel::identity_fault(entry.identity).empty());
    REQUIRE(entry.key.size() >= psk_bytes_min && entry.key.size() <= psk_bytes_max);
    REQUIRE(identities.insert(entry.identity).second);
    const tunnel::Generation generation = tunnel::generation_of(entry.identity);
    REQUIRE(tunnel::generation_name(generation.base, generation.number) == entry.identity);
  }
}

// One line of printable ASCII, whatever was sent.
void log(std::string_view identity) {
  std::array<char, tunnel::log_line_bytes_max> line;
  tunnel::Record record;
  record.identity = record.service = record.detail = record.target = identity;
  const std::string_view written(line.data(), tunnel::write_log_line(record, line));
  REQUIRE(written.starts_with("{\"time\":") && written.ends_with("}\n"));
  REQUIRE(std::all_of(written.begin(), written.end() - 1, [](char c) { return c >= 0x20 && c < 0x7f; }));
  REQUIRE(std::count(written.begin(), written.end(), '"') % 2 == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto format : {conf::KeyFormat::automatic, conf::KeyFormat::ascii, conf::KeyFormat::hex})
    read(text, format);
  log(text);
  return 0;
}
