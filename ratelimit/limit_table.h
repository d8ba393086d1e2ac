// limit_table.h: what each key of each limit owes: one table of fixed size for all workers.
//   A slot is one 64-bit word: 24 bits of the key's hash, and 40 of its theoretical arrival time in microseconds,
//   counted round (half a round is six days). Eight slots are one cache line, and a key's place is one of the eight
//   of its line: a look-up touches one line, and writes one word by compare-exchange. Bounds   Nothing is ever swept
//   for room: a slot whose time has come equals an absent one and is overwritten. In a
//            line of eight that all owe, who owes least is forgotten, so that no number of fresh keys displaces who
//            went too far; what that forgives is counted. Two keys are taken for one with a chance of 2^-24 among the
//            eight of a line; the hash is keyed, so nobody can aim at that.
//   Threads  any, without locks. Two workers that bring a new key at the same instant may both count it once.
#pragma once

#include <atomic>
#include <cstdint>

#include "net/zeroed_array.h"
#include "ratelimit/gcra.h"

namespace gatehouse::ratelimit {

class LimitTable {
 public:
  static constexpr std::uint64_t debt_us_max = 24ull * 3600 * 1'000'000;  // far below half a round

  explicit LimitTable(std::size_t keys);  // rounded up to a power of two

  struct Outcome {
    bool admitted = false;
    std::uint64_t debt_us = 0;  // before this request
  };
  // Counts a request of the key, if it is admitted. REQUIRES limit.burst_us + limit.interval_us <= debt_us_max.
  Outcome take(std::uint64_t key, std::uint64_t now_us, const Gcra& limit);
  // What take() would say; changes nothing.
  Outcome peek(std::uint64_t key, std::uint64_t now_us, const Gcra& limit) const;

  // Empties what owes nothing any more, lest it come round: at least once a day, by one thread.
  void sweep(std::uint64_t now_us);

  std::size_t keys() const { return lines_.size() * ways; }
  std::size_t live(std::uint64_t now_us) const;  // keys that owe; walks the table
  std::uint64_t forgiven() const { return forgiven_.load(std::memory_order_relaxed); }  // live keys forgotten

 private:
  static constexpr unsigned ways = 8, tries_max = 64;
  struct Line {
    std::uint64_t slot[ways];
  };
  Line& line_of(std::uint64_t key) { return lines_[key & (lines_.size() - 1)]; }
  const Line& line_of(std::uint64_t key) const { return lines_[key & (lines_.size() - 1)]; }

  ZeroedArray<Line> lines_;
  std::atomic<std::uint64_t> forgiven_{0};
};

}  // namespace gatehouse::ratelimit
