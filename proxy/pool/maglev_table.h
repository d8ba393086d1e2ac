// maglev_table.h: consistent hashing by a lookup table (Eisenbud et al., "Maglev", NSDI 2016, section 3.4).
//   The same endpoints give the same table on every door, whatever their order. Adding or removing one of n moves
//   about 1/n of the keys. Sized by the endpoints in three steps (4093, 65521, 1048573), so that growth rarely
//   changes the size: when it does, most keys move once.
//   Limits   65,535 endpoints; 8 KiB, 128 KiB or 2 MiB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gatehouse::pool {

struct MaglevMember {
  std::uint64_t key = 0;  // of the endpoint's identity
  std::uint32_t weight = 1;
  bool operator==(const MaglevMember&) const = default;
};

class MaglevTable {
 public:
  static constexpr std::size_t members_max = 65'535;
  explicit MaglevTable(std::vector<MaglevMember> members);  // at least one with weight

  std::uint32_t at(std::uint64_t hash) const { return slots_[hash % slots_.size()]; }  // index into members
  std::size_t size() const { return slots_.size(); }
  std::span<const MaglevMember> members() const { return members_; }

 private:
  std::vector<MaglevMember> members_;
  std::vector<std::uint16_t> slots_;
};

}  // namespace gatehouse::pool
