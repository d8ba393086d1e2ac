// strike_table.h: the events that one jail has counted, by offender: exact sliding windows in a table of fixed size.
//   Each offender has a ring of the last maxretry times. An event takes the next place of the ring; what stood there
//   is the event maxretry back, and the window is full when that one is within findtime: one addition, one store, one
//   look, whatever maxretry is. With `distinct` a place also holds 24 bits of the value's hash, and an event whose
//   value stands in the ring already, within findtime, is not counted.
//   Memory   16 bytes and 8 for each of maxretry, for each offender; the table's pages exist once they are used. In a
//            set of eight, who was quiet for findtime is as one who never came, and goes first; else who was quiet
//            longest, which is counted.
//   Threads  any, without locks. Events of one offender in the same microsecond on several cores may count one short.
#pragma once

#include <atomic>
#include <cstdint>

#include "net/zeroed_array.h"

namespace gatehouse::ratelimit {

class StrikeTable {
 public:
  StrikeTable(std::size_t offenders, unsigned maxretry, std::uint64_t findtime_ms);

  // Counts `weight` events of the offender. True: with them there were maxretry within findtime; counting begins
  // anew.
  bool strike(std::uint64_t offender, std::uint64_t now_ms, unsigned weight = 1);
  bool strike_distinct(std::uint64_t offender, std::uint64_t value_hash, std::uint64_t now_ms);

  unsigned maxretry() const { return maxretry_; }
  std::uint64_t findtime_ms() const { return findtime_ms_; }
  std::size_t offenders() const { return heads_.size() * ways; }
  unsigned count(std::uint64_t offender, std::uint64_t now_ms) const;  // within findtime
  std::uint64_t forgotten() const { return forgotten_.load(std::memory_order_relaxed); }

 private:
  static constexpr unsigned ways = 8;
  struct Heads {
    std::uint64_t hash[ways];
  };
  struct Offender {
    std::uint64_t* last;    // when it was heard of
    std::uint64_t* cursor;  // of its ring
    std::uint64_t* ring;
  };
  Offender at(std::size_t index) const;
  bool find(std::uint64_t offender, std::uint64_t now_ms, Offender& out);
  bool push(const Offender& offender, std::uint64_t place, std::uint64_t now_ms);
  bool within(std::uint64_t place, std::uint64_t now_ms) const;
  void forget(const Offender& offender);

  const unsigned maxretry_;
  const std::uint64_t findtime_ms_;
  ZeroedArray<Heads> heads_;
  mutable ZeroedArray<std::uint64_t> bodies_;
  std::atomic<std::uint64_t> forgotten_{0};
};

}  // namespace gatehouse::ratelimit
