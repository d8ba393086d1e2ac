// ban_file.h: the ban table as bytes that outlive a restart: the hash key, who is banned for how much longer, and who
//   was. What is kept is remaining time and the wall clock of the writing: a clock that was set meanwhile shifts ends
//   by as much, and no more. Pure: bytes in, table out. A file that is cut or altered is refused whole.
//   Form     "gatehouse bans 1\n", key (16), wall clock ms (8), count (8), records of 56 bytes, SipHash of it all
//   (8);
//            numbers little-endian, as this machine's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"
#include "ratelimit/ban_table.h"

namespace gatehouse::ratelimit {

struct BanFile {
  SipKey key;
  std::vector<Ban> bans;  // times as monotonic as the reader's
};

std::string write_bans(const SipKey& key, const BanTable& table, std::uint64_t now_ms, std::uint64_t wall_ms);
Result<BanFile> read_bans(std::string_view bytes, std::uint64_t now_ms, std::uint64_t wall_ms);

}  // namespace gatehouse::ratelimit
